-- A night of tiers as pure set-based SQL over the whole table: the scheme of bench/tiers.py written
-- out by hand, the same writes, no pages, no locks of their own, no roles. `:on` is the day.
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
WITH measured AS (
    SELECT member.id AS member_id,
           count(*) FILTER (WHERE kind = 'service_order' AND NOT corrects
                            AND happened_on >= :on - 364) AS orders,
           COALESCE(sum(amount) FILTER (WHERE kind = 'service_order'
                                        AND happened_on >= :on - 364), 0) AS paid,
           :on - max(happened_on) FILTER (WHERE kind IN ('visit', 'service_order')
                                          AND NOT corrects AND happened_on >= :on - 729) AS away,
           floor(sum(amount) FILTER (WHERE kind = 'satisfaction' AND happened_on >= :on - 729)
                 / NULLIF(count(*) FILTER (WHERE kind = 'satisfaction' AND NOT corrects
                                           AND happened_on >= :on - 729), 0)) AS marks,
           count(*) FILTER (WHERE kind = 'complaint' AND NOT corrects
                            AND happened_on >= :on - 364) AS complaints
    FROM member LEFT JOIN value_fact ON value_fact.member_id = member.id
        AND happened_on BETWEEN :on - 729 AND :on AND NOT EXISTS (
            SELECT FROM value_fact_withdrawal gone
            WHERE (gone.member_id, gone.happened_on, gone.fact_id)
                = (value_fact.member_id, value_fact.happened_on, value_fact.id)
        )
    GROUP BY member.id
), scored AS (
    SELECT *, 30 * CASE WHEN orders >= 4 THEN 100 WHEN orders >= 2 THEN 70
                        WHEN orders >= 1 THEN 40 ELSE 0 END
            + 25 * CASE WHEN paid >= 500000 THEN 100 WHEN paid >= 100000 THEN 60 ELSE 0 END
            + 15 * CASE WHEN away >= 365 THEN 0 WHEN away >= 90 THEN 50 WHEN away >= 0 THEN 100
                        ELSE 0 END
            + 20 * CASE WHEN marks >= 90 THEN 100 WHEN marks >= 60 THEN 50 ELSE 30 END
            + 10 * CASE WHEN complaints >= 2 THEN 0 WHEN complaints >= 1 THEN 50
                        WHEN complaints >= 0 THEN 100 ELSE 0 END AS score
    FROM measured
), placed AS (
    SELECT scored.*, standing.tier AS tier_before, standing.score AS score_before,
           standing.below_since AS below_before,
           CASE WHEN scored.score >= 7500 THEN 2 WHEN scored.score >= 4500 THEN 1 ELSE 0 END
               AS earned,
           CASE standing.tier WHEN 'base' THEN 0 WHEN 'silver' THEN 1 WHEN 'gold' THEN 2 END
               AS rank
    FROM scored LEFT JOIN tier_standing standing USING (member_id)
), decided AS (
    SELECT *,
           CASE WHEN rank IS NULL OR earned >= rank THEN earned
                WHEN COALESCE(below_before, :on) + 30 <= :on THEN rank - 1 ELSE rank END AS place,
           CASE WHEN rank IS NULL OR earned >= rank THEN NULL
                WHEN COALESCE(below_before, :on) + 30 > :on THEN COALESCE(below_before, :on)
                WHEN rank - 1 > earned THEN :on END AS below_since,
           CASE WHEN tier_before IS NULL THEN 'first' WHEN earned > rank THEN 'promoted'
                WHEN earned < rank AND COALESCE(below_before, :on) + 30 <= :on THEN 'demoted' END
               AS cause
    FROM placed
)
SELECT *, (ARRAY['base', 'silver', 'gold'])[place + 1] AS tier FROM decided
WHERE cause IS NOT NULL OR below_since IS DISTINCT FROM below_before
    OR score IS DISTINCT FROM score_before;
INSERT INTO tier_standing (
    member_id, dealer_id, tier, score, since_on, below_since, scheme_version
)
SELECT member_id, :dealer, tier, score, :on, below_since, 1 FROM moved
ON CONFLICT (member_id) DO UPDATE SET
    tier = excluded.tier, score = excluded.score, below_since = excluded.below_since,
    since_on = CASE WHEN tier_standing.tier = excluded.tier THEN tier_standing.since_on
                    ELSE excluded.since_on END;
INSERT INTO member_tier (
    member_id, id, dealer_id, kind, tier, since_on, cause, previous, score, scheme_version,
    evidence, reason, set_by, set_at
)
SELECT member_id, point_new_id(now()), :dealer, 'earned', tier, :on, cause, tier_before, score, 1,
       jsonb_build_object('orders', orders, 'paid', paid, 'away', away, 'marks', marks,
                          'complaints', complaints), cause, 'bench', now()
FROM moved WHERE cause IS NOT NULL;
INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
SELECT :dealer, 'tier.changed', member_id,
       jsonb_build_object('tier', tier, 'previous', tier_before, 'cause', cause), now(), 'bench'
FROM moved WHERE cause IS NOT NULL

-- The first day without the car: as it was told, or as the next owner's report shows. Who bought it
-- on one day with another owns it with him.
CREATE OR REPLACE FUNCTION benefit_owned_until(
    p_vehicle uuid, p_member uuid, p_since date, p_until date
) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT LEAST(p_until, (
        SELECT min(later.owned_from) FROM ownership later
        WHERE later.vehicle_id = p_vehicle AND later.member_id <> p_member
            AND later.owned_from > p_since
    ))
$$;

-- Whether all that a document was about has been returned; a fact without a document never is.
CREATE OR REPLACE FUNCTION benefit_given_back(p_document uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT COALESCE((
        SELECT sum((line ->> 'amount_fen')::bigint)
        FROM source_document back, jsonb_array_elements(back.lines) line
        WHERE back.returns_id = p_document
    ) >= (
        SELECT COALESCE(sum((line ->> 'amount_fen')::bigint), 0)
        FROM source_document taken, jsonb_array_elements(taken.lines) line
        WHERE taken.id = p_document
    ), false)
$$;

-- All that members' benefits are made of, in one trip: `rules/settle.py` says what it means by now.
-- STABLE: one snapshot. NULL when the dealer never published a benefit. Of lots that are over, only
-- those are told that may still matter, and the one of `p_usage`; arrays are rows in the order that
-- `load.py` reads them. What a version says never changes: a process asks for it once, by its id.
CREATE OR REPLACE FUNCTION benefit_books(
    p_dealer uuid, p_members uuid[], p_today date, p_days_back integer, p_usage uuid
) RETURNS json LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_versions json;
    v_kinds text[];
    v_days integer;
BEGIN
    SELECT json_agg(
               json_build_array(id, code, version, effective_from, effective_until)
               ORDER BY code, version
           ),
           array_agg(DISTINCT body -> 'event' ->> 'kind') FILTER (
               WHERE jsonb_typeof(body -> 'event') = 'object'
           ),
           max((body -> 'event' ->> 'valid_days')::integer)
    INTO v_versions, v_kinds, v_days
    FROM benefit WHERE dealer_id = p_dealer AND state = 'published';
    IF v_versions IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object('versions', v_versions, 'members', (
        SELECT json_object_agg(member.id, json_build_object(
            'joined_on', member.joined_on,
            'lots', (
                SELECT json_agg(json_build_array(
                    id, benefit_code, benefit_version, vehicle_id, origin, carried_from,
                    period_from, period_until, valid_until, granted, reserved, used, lapsed, open
                ) ORDER BY id)
                FROM benefit_grant lot
                WHERE lot.member_id = member.id AND (
                    open OR period_until > p_today - p_days_back OR period_until IS NULL OR id = (
                        SELECT asked.grant_id FROM benefit_usage asked
                        WHERE asked.member_id = member.id AND asked.id = p_usage
                    )
                )
            ),
            'bookings', (
                SELECT json_agg(json_build_array(
                    id, grant_id, state, appointment_at, reserved_at, ends_at, used_at, ended_at,
                    end_reason
                ) ORDER BY id)
                FROM benefit_usage use
                WHERE use.member_id = member.id AND (state = 'reserved' OR id = p_usage)
            ),
            'words', (
                SELECT json_agg(json_build_array(id, kind, tier, since_on, until_on) ORDER BY id)
                FROM member_tier word WHERE word.member_id = member.id
            ),
            'owned', (
                SELECT json_agg(json_build_array(
                    mine.vehicle_id, mine.owned_from, benefit_owned_until(
                        mine.vehicle_id, mine.member_id, mine.owned_from, mine.owned_until
                    ), NOT EXISTS (
                        SELECT FROM ownership earlier
                        WHERE earlier.vehicle_id = mine.vehicle_id
                            AND (earlier.owned_from, earlier.id) < (mine.owned_from, mine.id)
                    )
                ) ORDER BY mine.owned_from, mine.id)
                FROM ownership mine WHERE mine.member_id = member.id
            ),
            'events', (
                SELECT json_agg(json_build_array(kind, happened_on) ORDER BY happened_on, id)
                FROM value_fact fact
                WHERE fact.member_id = member.id AND happened_on > p_today - v_days
                    AND happened_on <= p_today AND kind = ANY (v_kinds) AND NOT corrects
                    AND NOT benefit_given_back(fact.id) AND NOT EXISTS (
                        SELECT FROM value_fact_withdrawal gone
                        WHERE gone.member_id = fact.member_id
                            AND gone.happened_on = fact.happened_on AND gone.fact_id = fact.id
                    )
            )
        ))
        FROM member WHERE member.id = ANY (p_members)
    ));
END
$$;

-- What versions say, by their ids.
CREATE OR REPLACE FUNCTION benefit_bodies(p_dealer uuid, p_ids uuid[]) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('app.dealer_id', p_dealer::text, true);
    RETURN (SELECT json_object_agg(id, body) FROM benefit WHERE id = ANY (p_ids));
END
$$;

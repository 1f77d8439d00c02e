-- The id of a member's next word about his tier, asked for under his account's lock: of one day the
-- highest id counts, so it is higher than all before it, whatever the clocks of the processes say.
CREATE OR REPLACE FUNCTION tier_new_word(p_member uuid, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_last uuid;
BEGIN
    SELECT id INTO v_last FROM member_tier WHERE member_id = p_member ORDER BY id DESC LIMIT 1;
    RETURN point_new_id(greatest(p_now, CASE WHEN v_last IS NOT NULL THEN to_timestamp(
        (('x' || lpad(left(replace(v_last::text, '-', ''), 12), 16, '0'))::bit(64)::bigint + 1)
        / 1000.0
    ) END));
END
$$;

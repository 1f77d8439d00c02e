-- The tier of a day: rules/history.py, said in SQL for the functions that ask for it.
CREATE OR REPLACE FUNCTION tier_on(p_member uuid, p_day date) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_word record;
BEGIN
    SELECT tier, until_on INTO v_word FROM member_tier
    WHERE member_id = p_member AND kind = 'manual' AND since_on <= p_day
    ORDER BY since_on DESC, id DESC LIMIT 1;
    IF v_word.tier IS NOT NULL AND (v_word.until_on IS NULL OR p_day < v_word.until_on) THEN
        RETURN v_word.tier;
    END IF;
    SELECT tier INTO v_word FROM member_tier
    WHERE member_id = p_member AND kind = 'earned' AND since_on <= p_day
    ORDER BY since_on DESC, id DESC LIMIT 1;
    RETURN v_word.tier;
END
$$;

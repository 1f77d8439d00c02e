-- Terms of rewards as versions (F35-F37), kinds of rewards, and by what a redemption was priced.

ALTER TABLE reward
    ADD COLUMN kind text NOT NULL DEFAULT 'goods'
        CONSTRAINT ck_reward_kind CHECK (kind IN ('goods', 'service', 'voucher')),
    ADD COLUMN termed boolean NOT NULL DEFAULT false;
GRANT UPDATE (termed) ON reward TO loyalty_app;
CREATE TRIGGER termed_stands BEFORE UPDATE OF termed ON reward
    FOR EACH ROW WHEN (OLD.termed AND NOT NEW.termed) EXECUTE FUNCTION reward_termed_stands();

SELECT app_create_versioned('reward_terms');
ALTER TABLE reward_terms
    ADD CONSTRAINT fk_reward_terms_reward FOREIGN KEY (dealer_id, code)
        REFERENCES reward (dealer_id, code);

ALTER TABLE redemption
    ADD COLUMN terms_version integer,
    ADD COLUMN tier text,
    ADD CONSTRAINT ck_redemption_tier CHECK (tier IS NULL OR terms_version IS NOT NULL) NOT VALID;

-- The price agreed on by a hold is that of its terms; its capture asks no more.
ALTER TABLE hold_purpose
    ADD COLUMN terms_version integer,
    ADD COLUMN tier text,
    ADD CONSTRAINT ck_hold_purpose_terms CHECK (
        (tier IS NULL OR terms_version IS NOT NULL)
        AND (terms_version IS NULL OR reward_id IS NOT NULL)
    ) NOT VALID;

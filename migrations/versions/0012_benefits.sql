-- Benefits by tier as a ledger of units (F31-F34).

CREATE TABLE supplier (
    dealer_id uuid NOT NULL,
    id uuid NOT NULL,
    code text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,29}$'),
    name_zh text NOT NULL,
    name_en text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_supplier PRIMARY KEY (dealer_id, id),
    CONSTRAINT uq_supplier_code UNIQUE (dealer_id, code),
    CONSTRAINT fk_supplier_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
SELECT app_protect('supplier', 'SELECT, INSERT');

SELECT app_create_versioned('benefit');

-- A lot of units. However a writer came here, more units are never taken than were granted, and a
-- lot that is closed has none left.
CREATE TABLE benefit_grant (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    benefit_code text NOT NULL,
    benefit_version integer NOT NULL,
    vehicle_id uuid,
    origin text NOT NULL CHECK (origin IN ('tier', 'event', 'carried', 'manual')),
    carried_from uuid,
    period_from date NOT NULL,
    period_until date CHECK (period_until > period_from),
    valid_until date CHECK (valid_until >= period_from),
    granted bigint CHECK (granted >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    used bigint NOT NULL CHECK (used >= 0),
    lapsed bigint NOT NULL CHECK (lapsed >= 0),
    open boolean NOT NULL,
    CONSTRAINT pk_benefit_grant PRIMARY KEY (member_id, id),
    CONSTRAINT fk_benefit_grant_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT fk_benefit_grant_benefit FOREIGN KEY (dealer_id, benefit_code, benefit_version)
        REFERENCES benefit (dealer_id, code, version),
    CONSTRAINT fk_benefit_grant_vehicle FOREIGN KEY (dealer_id, vehicle_id)
        REFERENCES vehicle (dealer_id, id),
    CONSTRAINT fk_benefit_grant_carried FOREIGN KEY (member_id, carried_from)
        REFERENCES benefit_grant (member_id, id),
    CONSTRAINT ck_benefit_grant_carried CHECK ((origin = 'carried') = (carried_from IS NOT NULL)),
    CONSTRAINT ck_benefit_grant_units CHECK (reserved + used + lapsed <= granted),
    CONSTRAINT ck_benefit_grant_closed CHECK (
        open OR (reserved = 0 AND COALESCE(used + lapsed = granted, true))
    )
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX uq_benefit_grant_period ON benefit_grant (
    member_id, benefit_code, COALESCE(vehicle_id, '00000000-0000-0000-0000-000000000000'), origin,
    period_from
) WHERE origin <> 'manual';
-- The night reads both in the order of members, a page after the other.
CREATE INDEX ix_benefit_grant_due ON benefit_grant (dealer_id, member_id, valid_until) WHERE open;
CREATE INDEX ix_benefit_grant_vehicle ON benefit_grant (dealer_id, member_id, vehicle_id)
    WHERE open AND vehicle_id IS NOT NULL;
SELECT app_protect('benefit_grant', 'SELECT, INSERT');
GRANT UPDATE (valid_until, granted, reserved, used, lapsed, open) ON benefit_grant TO loyalty_app;

-- A unit reserved, and what became of it.
CREATE TABLE benefit_usage (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    benefit_code text NOT NULL,
    choice text,
    place text,
    appointment_at timestamptz,
    state text NOT NULL
        CHECK (state IN ('reserved', 'used', 'released', 'no_show', 'reversed')),
    ends_at timestamptz NOT NULL,
    supplier text,
    cost_fen bigint NOT NULL CHECK (cost_fen >= 0),
    honoured_by uuid,
    partner_fen bigint NOT NULL CHECK (partner_fen >= 0),
    reserved_at timestamptz NOT NULL,
    reserved_by text NOT NULL,
    used_at timestamptz,
    used_by text,
    ended_at timestamptz,
    ended_by text,
    end_reason text,
    CONSTRAINT pk_benefit_usage PRIMARY KEY (member_id, id),
    CONSTRAINT uq_benefit_usage_id UNIQUE (id),
    CONSTRAINT fk_benefit_usage_grant FOREIGN KEY (member_id, grant_id)
        REFERENCES benefit_grant (member_id, id),
    CONSTRAINT fk_benefit_usage_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_benefit_usage_used CHECK (
        (state IN ('used', 'reversed')) = (used_at IS NOT NULL)
        AND (used_at IS NULL) = (used_by IS NULL) AND (used_at IS NULL) = (honoured_by IS NULL)
    ),
    CONSTRAINT ck_benefit_usage_ended CHECK (
        (state IN ('released', 'no_show', 'reversed')) = (ended_at IS NOT NULL)
        AND (ended_at IS NULL) = (ended_by IS NULL)
        AND (ended_at IS NULL) = (end_reason IS NULL)
    ),
    CONSTRAINT ck_benefit_usage_partner CHECK (partner_fen = 0 OR honoured_by <> dealer_id)
) WITH (fillfactor = 80);
CREATE INDEX ix_benefit_usage_due ON benefit_usage (dealer_id, member_id, ends_at)
    WHERE state = 'reserved';
SELECT app_protect('benefit_usage', 'SELECT, INSERT');
GRANT UPDATE (
    state, honoured_by, partner_fen, used_at, used_by, ended_at, ended_by, end_reason
) ON benefit_usage TO loyalty_app;

-- A reservation begins as one and ends once; what was used may be undone once. What it is of, and
-- what was settled by an earlier step, stands. Who honours is the dealer or one of his partners.
CREATE FUNCTION benefit_usage_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'reserved' THEN
            RAISE EXCEPTION 'a use begins as a reservation' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('reserved', 'used'), ('reserved', 'released'), ('reserved', 'no_show'),
        ('used', 'reversed')
    ) OR OLD.state = 'used' AND (NEW.used_at, NEW.used_by, NEW.honoured_by, NEW.partner_fen)
        IS DISTINCT FROM (OLD.used_at, OLD.used_by, OLD.honoured_by, OLD.partner_fen)
    OR (
        NEW.member_id, NEW.id, NEW.dealer_id, NEW.grant_id, NEW.benefit_code, NEW.choice,
        NEW.place, NEW.appointment_at, NEW.ends_at, NEW.supplier, NEW.cost_fen, NEW.reserved_at,
        NEW.reserved_by
    ) IS DISTINCT FROM (
        OLD.member_id, OLD.id, OLD.dealer_id, OLD.grant_id, OLD.benefit_code, OLD.choice,
        OLD.place, OLD.appointment_at, OLD.ends_at, OLD.supplier, OLD.cost_fen, OLD.reserved_at,
        OLD.reserved_by
    ) THEN
        RAISE EXCEPTION 'a use goes from step to step' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'used' AND NEW.honoured_by <> NEW.dealer_id AND NOT EXISTS (
        SELECT FROM dealer_partner
        WHERE dealer_id = NEW.dealer_id AND partner_id = NEW.honoured_by
    ) THEN
        RAISE EXCEPTION 'only a partner honours' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON benefit_usage
FOR EACH ROW EXECUTE FUNCTION benefit_usage_steps();

-- What moved a lot: differences, of which the lot is the sum.
CREATE TABLE benefit_entry (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    usage_id uuid,
    kind text NOT NULL,
    granted bigint NOT NULL,
    reserved bigint NOT NULL,
    used bigint NOT NULL,
    lapsed bigint NOT NULL,
    reason text,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_benefit_entry PRIMARY KEY (member_id, id),
    CONSTRAINT fk_benefit_entry_grant FOREIGN KEY (member_id, grant_id)
        REFERENCES benefit_grant (member_id, id),
    CONSTRAINT fk_benefit_entry_usage FOREIGN KEY (member_id, usage_id)
        REFERENCES benefit_usage (member_id, id),
    CONSTRAINT fk_benefit_entry_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_benefit_entry_moves CHECK (
        CASE kind
        WHEN 'grant' THEN granted >= 0 AND (reserved, used, lapsed) = (0, 0, 0)
        WHEN 'adjust' THEN (reserved, used, lapsed) = (0, 0, 0)
        WHEN 'reserve' THEN (granted, reserved, used, lapsed) = (0, 1, 0, 0)
        WHEN 'release' THEN (granted, reserved, used, lapsed) = (0, -1, 0, 0)
        WHEN 'use' THEN (granted, reserved, used, lapsed) = (0, -1, 1, 0)
        WHEN 'reverse' THEN (granted, reserved, used, lapsed) = (0, 0, -1, 0)
        WHEN 'no_show' THEN (granted, reserved, used) = (0, -1, 0) AND lapsed IN (0, 1)
        WHEN 'lapse' THEN (granted, reserved, used) = (0, 0, 0) AND lapsed > 0
        WHEN 'carry' THEN (granted, reserved, used) = (0, 0, 0) AND lapsed > 0
        ELSE false END
    ),
    CONSTRAINT ck_benefit_entry_usage CHECK (
        (kind IN ('reserve', 'release', 'use', 'reverse', 'no_show')) = (usage_id IS NOT NULL)
    )
);
CREATE UNIQUE INDEX uq_benefit_entry_step ON benefit_entry (member_id, usage_id, kind)
    WHERE usage_id IS NOT NULL;
CREATE INDEX ix_benefit_entry_statement ON benefit_entry (dealer_id, at)
    WHERE kind IN ('use', 'reverse');
SELECT app_protect('benefit_entry', 'SELECT, INSERT');
SELECT app_append_only('benefit_entry');

-- When a transaction ends, a lot it touched is the sum of its entries.
CREATE FUNCTION benefit_check_lot(p_member uuid, p_lot uuid) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM FROM benefit_grant lot
    CROSS JOIN LATERAL (
        SELECT sum(granted) AS granted, sum(reserved) AS reserved, sum(used) AS used,
               sum(lapsed) AS lapsed
        FROM benefit_entry WHERE member_id = p_member AND grant_id = p_lot
    ) entries
    WHERE lot.member_id = p_member AND lot.id = p_lot
        AND (COALESCE(lot.granted, 0), lot.reserved, lot.used, lot.lapsed) IS DISTINCT FROM
            (entries.granted, entries.reserved, entries.used, entries.lapsed);
    IF FOUND THEN
        RAISE EXCEPTION 'a lot of units is the sum of its entries'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_benefit_grant_entries';
    END IF;
END
$$;
CREATE FUNCTION benefit_grant_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM benefit_check_lot(NEW.member_id, NEW.id);
    RETURN NULL;
END
$$;
CREATE FUNCTION benefit_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM benefit_check_lot(NEW.member_id, NEW.grant_id);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER balances AFTER INSERT OR UPDATE ON benefit_grant
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION benefit_grant_balances();
CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON benefit_entry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION benefit_entry_balances();

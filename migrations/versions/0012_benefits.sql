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
CREATE INDEX ix_benefit_grant_due ON benefit_grant (dealer_id, valid_until, member_id) WHERE open;
CREATE INDEX ix_benefit_grant_vehicle ON benefit_grant (vehicle_id)
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
    version bigint NOT NULL,
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
CREATE INDEX ix_benefit_usage_due ON benefit_usage (dealer_id, ends_at, member_id)
    WHERE state = 'reserved';
SELECT app_protect('benefit_usage', 'SELECT, INSERT');
GRANT UPDATE (
    state, honoured_by, partner_fen, used_at, used_by, ended_at, ended_by, end_reason, version
) ON benefit_usage TO loyalty_app;

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

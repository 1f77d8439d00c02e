-- Dealers, their staff, members, vehicles and who owned which when.

CREATE TABLE dealer (
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    CONSTRAINT pk_dealer PRIMARY KEY (id),
    CONSTRAINT uq_dealer_code UNIQUE (code)
);
SELECT app_protect('dealer', 'SELECT', 'id');

CREATE TABLE staff (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    staff_no text NOT NULL,
    name bytea NOT NULL,
    phone_index bytea,
    roles text[] NOT NULL,
    team text NOT NULL,
    active boolean NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_staff PRIMARY KEY (id),
    CONSTRAINT uq_staff_dealer_id UNIQUE (dealer_id, id),
    CONSTRAINT uq_staff_staff_no UNIQUE (dealer_id, staff_no),
    CONSTRAINT ck_staff_staff_no CHECK (staff_no = btrim(staff_no) AND staff_no <> ''),
    CONSTRAINT fk_staff_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
    CONSTRAINT ck_staff_roles CHECK (
        roles <@ ARRAY['consultant', 'duty_manager', 'showroom_manager', 'callback_agent',
                       'service_desk', 'finance', 'dealer_admin', 'programme_admin', 'auditor']
        AND cardinality(roles) > 0
    )
);
CREATE INDEX ix_staff_phone ON staff (dealer_id, phone_index);
SELECT app_protect('staff', 'SELECT, INSERT, UPDATE');

CREATE TABLE withdrawn_token (
    dealer_id uuid NOT NULL,
    token_id text NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT pk_withdrawn_token PRIMARY KEY (dealer_id, token_id)
);
SELECT app_protect('withdrawn_token', 'SELECT, INSERT');

CREATE TABLE member (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    source text NOT NULL,
    external_id text NOT NULL,
    name bytea NOT NULL,
    phone bytea NOT NULL,
    phone_index bytea NOT NULL,
    occupation bytea,
    joined_on date NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_member PRIMARY KEY (id),
    CONSTRAINT uq_member_dealer_id UNIQUE (dealer_id, id),
    CONSTRAINT uq_member_reference UNIQUE (dealer_id, source, external_id),
    CONSTRAINT ck_member_source CHECK (source = btrim(source) AND source <> ''),
    CONSTRAINT ck_member_external_id CHECK (
        external_id = btrim(external_id) AND external_id <> ''
    ),
    CONSTRAINT fk_member_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
CREATE INDEX ix_member_phone ON member (dealer_id, phone_index);
SELECT app_protect('member', 'SELECT, INSERT, UPDATE');

CREATE TABLE vehicle (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    vin bytea NOT NULL,
    vin_index bytea NOT NULL,
    plate bytea,
    plate_index bytea,
    model text NOT NULL,
    colour text NOT NULL CHECK (length(colour) = 1),
    transmission text NOT NULL CHECK (transmission IN ('automatic', 'manual')),
    use_nature text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_vehicle PRIMARY KEY (id),
    CONSTRAINT uq_vehicle_dealer_id UNIQUE (dealer_id, id),
    CONSTRAINT uq_vehicle_vin UNIQUE (dealer_id, vin_index),
    CONSTRAINT fk_vehicle_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
CREATE INDEX ix_vehicle_plate ON vehicle (dealer_id, plate_index);
SELECT app_protect('vehicle', 'SELECT, INSERT, UPDATE');

CREATE TABLE ownership (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    vehicle_id uuid NOT NULL,
    member_id uuid NOT NULL,
    owned_from date NOT NULL,
    owned_until date,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_ownership PRIMARY KEY (id),
    CONSTRAINT uq_ownership_period UNIQUE (vehicle_id, member_id, owned_from),
    CONSTRAINT fk_ownership_vehicle FOREIGN KEY (dealer_id, vehicle_id)
        REFERENCES vehicle (dealer_id, id),
    CONSTRAINT fk_ownership_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_ownership_half_open CHECK (owned_until > owned_from)
);
CREATE INDEX ix_ownership_member ON ownership (member_id);
SELECT app_protect('ownership', 'SELECT, INSERT, UPDATE');

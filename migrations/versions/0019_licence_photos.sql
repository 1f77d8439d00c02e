-- Photos of vehicle licences (行驶证): what was sent, what was read in it, who looked (F45).

-- What was read stands for ever; the picture lies apart, for it is erased when its time is over.
CREATE TABLE licence_photo (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    uploaded_by text NOT NULL,
    uploaded_as text NOT NULL,
    received_at timestamptz NOT NULL,
    upload_hash bytea NOT NULL CHECK (length(upload_hash) = 32),
    pixel_hash bytea NOT NULL CHECK (length(pixel_hash) = 32),
    gradient_hash bigint NOT NULL,
    frequency_hash bigint NOT NULL,
    outcome text NOT NULL CHECK (
        outcome IN ('read', 'unreadable', 'not_a_licence', 'reused', 'not_read')
    ),
    cause text,
    fields jsonb NOT NULL,
    flags jsonb NOT NULL,
    sealed bytea NOT NULL,
    vin_index bytea,
    plate_index bytea,
    reuse_of uuid,
    near_duplicate_of uuid,
    CONSTRAINT pk_licence_photo PRIMARY KEY (id),
    CONSTRAINT uq_licence_photo_dealer_id UNIQUE (dealer_id, id),
    CONSTRAINT uq_licence_photo_upload UNIQUE (dealer_id, referral_id, upload_hash),
    CONSTRAINT fk_licence_photo_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT fk_licence_photo_reuse FOREIGN KEY (dealer_id, reuse_of)
        REFERENCES licence_photo (dealer_id, id),
    CONSTRAINT fk_licence_photo_near FOREIGN KEY (dealer_id, near_duplicate_of)
        REFERENCES licence_photo (dealer_id, id),
    CONSTRAINT ck_licence_photo_reused CHECK ((outcome = 'reused') = (reuse_of IS NOT NULL))
);
-- The same picture is new once: whoever sends it for another referral is told that it is reused.
CREATE UNIQUE INDEX uq_licence_photo_bytes ON licence_photo (dealer_id, upload_hash)
WHERE outcome <> 'reused';
CREATE UNIQUE INDEX uq_licence_photo_pixels ON licence_photo (dealer_id, pixel_hash)
WHERE outcome <> 'reused';
CREATE INDEX ix_licence_photo_vin ON licence_photo (dealer_id, vin_index)
WHERE vin_index IS NOT NULL;
CREATE INDEX ix_licence_photo_plate ON licence_photo (dealer_id, plate_index)
WHERE plate_index IS NOT NULL;
SELECT app_protect('licence_photo', 'SELECT, INSERT');
SELECT app_append_only('licence_photo');

CREATE TABLE licence_photo_image (
    photo_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT pk_licence_photo_image PRIMARY KEY (photo_id),
    CONSTRAINT fk_licence_photo_image_photo FOREIGN KEY (dealer_id, photo_id)
        REFERENCES licence_photo (dealer_id, id)
);
SELECT app_protect('licence_photo_image', 'SELECT, INSERT, DELETE');

CREATE TABLE licence_photo_view (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    photo_id uuid NOT NULL,
    viewed_by text NOT NULL,
    viewed_as text NOT NULL,
    viewed_at timestamptz NOT NULL,
    CONSTRAINT pk_licence_photo_view PRIMARY KEY (id),
    CONSTRAINT fk_licence_photo_view_photo FOREIGN KEY (dealer_id, photo_id)
        REFERENCES licence_photo (dealer_id, id)
);
CREATE INDEX ix_licence_photo_view_photo ON licence_photo_view (dealer_id, photo_id, viewed_at);
SELECT app_protect('licence_photo_view', 'SELECT, INSERT');
SELECT app_append_only('licence_photo_view');

-- On which photo a check rests, what its manager typed himself, and what people should look at.
ALTER TABLE licence_check
    ADD COLUMN photo_id uuid,
    ADD COLUMN typed jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN flags jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT fk_licence_check_photo FOREIGN KEY (dealer_id, photo_id)
        REFERENCES licence_photo (dealer_id, id);

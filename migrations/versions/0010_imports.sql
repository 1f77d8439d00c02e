-- Import jobs (F16): documents sent in parts, each part one transaction, each row with its result.

ALTER TABLE import_run
    DROP CONSTRAINT import_run_kind_check,
    ADD CONSTRAINT import_run_kind_check CHECK (
        kind IN ('members', 'vehicles', 'documents', 'balances')
    );

CREATE TABLE import_job (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('documents')),
    format text NOT NULL CHECK (format IN ('csv', 'ndjson')),
    source text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'finished', 'cancelled')),
    columns jsonb,
    parts integer NOT NULL CHECK (parts >= 0),
    lines_read bigint NOT NULL CHECK (lines_read >= 0),
    rows_new bigint NOT NULL CHECK (rows_new >= 0),
    rows_known bigint NOT NULL CHECK (rows_known >= 0),
    rows_failed bigint NOT NULL CHECK (rows_failed >= 0),
    opened_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_import_job PRIMARY KEY (id),
    CONSTRAINT fk_import_job_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
    CONSTRAINT ck_import_job_ended CHECK ((state = 'open') = (ended_at IS NULL))
);
SELECT app_protect('import_job', 'SELECT, INSERT');
GRANT UPDATE (
    state, columns, parts, lines_read, rows_new, rows_known, rows_failed, ended_at
) ON import_job TO loyalty_app;

-- What a part held and came to: told again, the first result answers.
CREATE TABLE import_part (
    job_id uuid NOT NULL,
    part_no integer NOT NULL CHECK (part_no > 0),
    dealer_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    rows_new bigint NOT NULL,
    rows_known bigint NOT NULL,
    rows_failed bigint NOT NULL,
    taken_at timestamptz NOT NULL,
    CONSTRAINT pk_import_part PRIMARY KEY (job_id, part_no),
    CONSTRAINT fk_import_part_job FOREIGN KEY (job_id) REFERENCES import_job (id)
);
SELECT app_protect('import_part', 'SELECT, INSERT');

CREATE TABLE import_row_result (
    job_id uuid NOT NULL,
    row_no bigint NOT NULL,
    dealer_id uuid NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('new', 'known', 'failed')),
    document_id uuid,
    points bigint,
    code text,
    pointer text,
    params jsonb,
    CONSTRAINT pk_import_row_result PRIMARY KEY (job_id, row_no),
    CONSTRAINT fk_import_row_result_job FOREIGN KEY (job_id) REFERENCES import_job (id),
    CONSTRAINT ck_import_row_result_told CHECK (
        (outcome = 'failed') = (code IS NOT NULL)
        AND (code IS NULL) = (document_id IS NOT NULL)
        AND (code IS NULL) = (points IS NOT NULL)
        AND (code IS NULL) = (params IS NULL)
    )
);
CREATE INDEX ix_import_row_result_failed ON import_row_result (job_id, row_no)
    WHERE outcome = 'failed';
SELECT app_protect('import_row_result', 'SELECT, INSERT');

-- Records that a constraint, an index or a type of the events refuses. They
-- wait as JSON, with the names of the columns as keys; as text, since that is
-- refused by nothing.
CREATE TABLE quarantine (
    id uuid PRIMARY KEY,
    reason text NOT NULL,
    message text NOT NULL,
    attempts bigint NOT NULL,
    first_refused_at timestamptz NOT NULL,
    last_refused_at timestamptz NOT NULL,
    record_bytes bigint NOT NULL,
    record text NOT NULL
);

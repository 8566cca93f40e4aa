-- Records that a constraint or a trigger of audit_events refuses. They wait
-- as JSON, with the names of the columns as keys, since text is refused by
-- nothing. The largest column comes last, so that counting skips it.
CREATE TABLE audit_quarantine (
    id TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_refused_at TEXT NOT NULL,
    last_refused_at TEXT NOT NULL,
    record_bytes INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;

-- Sums by the hour, a row for each value of a dimension. Hours count from the
-- start of 1970 in UTC. What is summed up is weighted by sample_weight,
-- except for records; durations are microseconds.
CREATE TABLE audit_rollups (
    dimension TEXT NOT NULL,
    hour INTEGER NOT NULL,
    value TEXT NOT NULL,
    is_missing INTEGER NOT NULL,
    is_other INTEGER NOT NULL,
    records INTEGER NOT NULL,
    events REAL NOT NULL,
    failures REAL NOT NULL,
    flagged REAL NOT NULL,
    duration_sum REAL NOT NULL,
    duration_min INTEGER,
    duration_max INTEGER,
    durations BLOB NOT NULL,
    PRIMARY KEY (dimension, hour, value, is_missing, is_other)
) STRICT, WITHOUT ROWID;

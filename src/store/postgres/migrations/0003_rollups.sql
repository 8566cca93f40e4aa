-- Sums by the hour, a row for each value of a dimension. A row belongs to the
-- connection that writes it, its source, which numbers its rows; those of all
-- sources add up. Hours count from the start of 1970 in UTC. What is summed
-- up is weighted by sample_weight, except for records; durations are
-- microseconds. Rows of the hour that runs are updated all the time, in
-- place as long as their pages have room.
CREATE TABLE rollups (
    source uuid NOT NULL,
    slot integer NOT NULL,
    hour integer NOT NULL,
    dimension text NOT NULL,
    value text,
    is_other boolean NOT NULL,
    records bigint NOT NULL,
    events double precision NOT NULL,
    failures double precision NOT NULL,
    flagged double precision NOT NULL,
    duration_sum double precision NOT NULL,
    duration_min bigint,
    duration_max bigint,
    durations bytea NOT NULL,
    PRIMARY KEY (source, slot)
) WITH (fillfactor = 40);

CREATE INDEX rollups_of_hours ON rollups (dimension, hour);

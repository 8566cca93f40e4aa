-- The words of the events, for searches: a document per event, known by a
-- number of its own, since VACUUM may change those of rows. There are no
-- cases and no punctuation left in them.
CREATE TABLE audit_search_ids (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;
CREATE VIRTUAL TABLE audit_search USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
-- From which event on some may be missing; no row if none is. While there
-- is one, nothing is looked up here.
CREATE TABLE audit_search_gap (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    from_id TEXT NOT NULL
) STRICT;
INSERT INTO audit_search_gap SELECT 1, min(id) FROM audit_events HAVING count(*) > 0;

CREATE TRIGGER audit_search_deleted AFTER DELETE ON audit_events BEGIN
    DELETE FROM audit_search WHERE rowid = (SELECT number FROM audit_search_ids WHERE id = OLD.id);
    DELETE FROM audit_search_ids WHERE id = OLD.id;
END;
CREATE TRIGGER audit_search_changed AFTER UPDATE OF
    id, action, path, actor_id, actor_name, actor_email, resource_type, resource_id, resource_name,
    error, description, user_agent
ON audit_events BEGIN
    DELETE FROM audit_search WHERE rowid = (SELECT number FROM audit_search_ids WHERE id = OLD.id);
    DELETE FROM audit_search_ids WHERE id = OLD.id;
    INSERT INTO audit_search_gap VALUES (1, NEW.id)
        ON CONFLICT (one) DO UPDATE SET from_id = min(from_id, excluded.from_id);
END;

-- Each index costs every event that has a value. E-mail addresses and
-- sessions have none: the one are words, the other belong to an actor.
CREATE INDEX audit_events_operation_id ON audit_events (operation_id, id) WHERE operation_id IS NOT NULL;
CREATE INDEX audit_events_parent_id ON audit_events (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX audit_events_resource ON audit_events (resource_id, resource_type, id) WHERE resource_id IS NOT NULL;

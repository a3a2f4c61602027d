-- The pause of the whole relay, in its one row. It holds every connected org, besides those that are paused themselves.
CREATE TABLE relay (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    paused       INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    -- When the pause ends by itself; null while it is paused: when somebody ends it.
    paused_until INTEGER CHECK (paused_until IS NULL OR paused = 1)
) STRICT;
INSERT INTO relay (id) VALUES (1);

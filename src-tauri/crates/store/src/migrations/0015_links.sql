-- Which records of two orgs an admin said are one, so that they can be told, and be two again.
CREATE TABLE links (
    id           INTEGER PRIMARY KEY,
    uuid         BLOB    NOT NULL UNIQUE CHECK (length(uuid) = 16),
    object       TEXT    NOT NULL,
    -- The name that both have.
    external_id  TEXT    NOT NULL,
    -- The record that had this name.
    org          INTEGER NOT NULL REFERENCES orgs (id),
    record_id    TEXT    NOT NULL,
    -- The record that was given it.
    other        INTEGER NOT NULL REFERENCES orgs (id),
    other_record TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    via          TEXT,
    -- A record is given one name.
    UNIQUE (other, other_record)
) STRICT;

-- What happened is counted by org: the one that it was to go to; of echoes, the one that they came back from. What was
-- counted before belongs to none, 0.
ALTER TABLE minutes RENAME TO all_minutes;
CREATE TABLE minutes (
    at         INTEGER NOT NULL,
    org        INTEGER NOT NULL,
    accepted   INTEGER NOT NULL DEFAULT 0,
    synced     INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    retried    INTEGER NOT NULL DEFAULT 0,
    superseded INTEGER NOT NULL DEFAULT 0,
    echoes     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (at, org)
) STRICT, WITHOUT ROWID;
INSERT INTO minutes (at, org, accepted, synced, failed, retried, superseded, echoes)
    SELECT at, 0, accepted, synced, failed, retried, superseded, echoes FROM all_minutes;
DROP TABLE all_minutes;

ALTER TABLE delivery_times RENAME TO all_delivery_times;
CREATE TABLE delivery_times (
    at    INTEGER NOT NULL,
    org   INTEGER NOT NULL,
    class INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (at, org, class)
) STRICT, WITHOUT ROWID;
INSERT INTO delivery_times (at, org, class, n) SELECT at, 0, class, n FROM all_delivery_times;
DROP TABLE all_delivery_times;

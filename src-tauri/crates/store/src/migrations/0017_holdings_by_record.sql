-- What its source and its target hold of a record stands side by side: each change looks for both, and writes both.
CREATE TABLE holdings_by_record (
    org         INTEGER NOT NULL REFERENCES orgs (id),
    external_id TEXT    NOT NULL,
    known       BLOB    CHECK (length(known) = 16),
    origin      INTEGER CHECK (origin IN (0, 1) AND (known IS NULL) = (origin IS NULL)),
    delivering  BLOB    CHECK (length(delivering) = 16),
    PRIMARY KEY (external_id, org)
) STRICT, WITHOUT ROWID;
INSERT INTO holdings_by_record SELECT org, external_id, known, origin, delivering FROM holdings ORDER BY external_id, org;
DROP TABLE holdings;
ALTER TABLE holdings_by_record RENAME TO holdings;

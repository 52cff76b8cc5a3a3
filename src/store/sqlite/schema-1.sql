CREATE TABLE token (
    nr INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    id BLOB NOT NULL,
    label TEXT NOT NULL,
    generation INTEGER NOT NULL,
    token_key BLOB NOT NULL,
    so_head BLOB, so_check BLOB, so_box BLOB, so_tries INTEGER NOT NULL,
    user_head BLOB, user_check BLOB, user_box BLOB, user_tries INTEGER NOT NULL
) STRICT;

CREATE TABLE object (
    seq INTEGER PRIMARY KEY,
    token INTEGER NOT NULL,
    id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    class INTEGER NOT NULL,
    label BLOB,
    cka_id BLOB,
    subject BLOB,
    closes INTEGER,
    attributes BLOB NOT NULL,
    sealed BLOB,
    trusted BLOB
) STRICT;

-- Searches by label and id are answered from the index alone.
CREATE UNIQUE INDEX object_by_id ON object (token, id);
CREATE INDEX object_by_class ON object (token, class);
CREATE INDEX object_by_label ON object (token, label, seq, id, revision) WHERE label IS NOT NULL;
CREATE INDEX object_by_cka_id ON object (token, cka_id, seq, id, revision) WHERE cka_id IS NOT NULL;
CREATE INDEX object_by_subject ON object (token, subject) WHERE subject IS NOT NULL;
CREATE INDEX object_by_close ON object (token, closes) WHERE closes IS NOT NULL;

CREATE TABLE state (
    token INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE clock (
    domain BLOB PRIMARY KEY,
    off INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    since INTEGER NOT NULL,
    last INTEGER NOT NULL,
    jumped INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    ns INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    unix_ns INTEGER NOT NULL,
    tick INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    r INTEGER NOT NULL,
    token TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    floor_sequence INTEGER NOT NULL,
    floor_generation INTEGER NOT NULL
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    kind TEXT,
    terms TEXT NOT NULL,
    body BLOB
) STRICT;
CREATE INDEX deleted ON records (revision) WHERE kind IS NULL;
CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    term TEXT NOT NULL UNIQUE,
    members INTEGER NOT NULL
) STRICT;
CREATE TABLE members (
    term INTEGER NOT NULL,
    key TEXT NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (term, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE kinds (
    kind TEXT PRIMARY KEY,
    records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 7, 2, 1, 0, 0);
INSERT INTO terms VALUES (1, '1/eu-west-1/account-settings', 1);
INSERT INTO terms VALUES (2, '1/eu-west-1/account-settings/principal=', 1);
INSERT INTO records VALUES (1, '1/eu-west-1/account-setting/a/', 2, 2, 'accountSetting', '1 2',
    CAST('{"name":"a","value":"off","principal":""}' AS BLOB));
INSERT INTO records VALUES (2, '1/eu-west-1/account-setting/b/', 1, 2, NULL, '', NULL);
INSERT INTO members VALUES (1, '1/eu-west-1/account-setting/a/', 1);
INSERT INTO members VALUES (2, '1/eu-west-1/account-setting/a/', 1);
INSERT INTO kinds VALUES ('accountSetting', 1);
INSERT INTO events VALUES (1, '6bbed3ab-93b4-4e1c-a1d3-ad6bbc39b4f1', 2, 1800000000000,
    '{"type":"cluster.created","timestamp":"2027-01-15T08:00:00Z","resource":"arn","data":null}');
PRAGMA application_id = 0x4B454353;
PRAGMA user_version = 1;

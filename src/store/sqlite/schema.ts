// SPDX-License-Identifier: Apache-2.0
/**
 * The SQLite schema and its migrations. Entry i of MIGRATIONS brings a database from version i to
 * version i + 1 (PRAGMA user_version). Nobody edits an entry once it has been released.
 *
 * The sizes and times of tree heads are unsigned 64-bit numbers, and SQLite's integers are signed.
 * So the columns hold text: decimals padded to 20 digits, which sort as the numbers do. Times by
 * the clock of this machine are integers, in milliseconds since the epoch.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Logs imported by the operator; the built-in ones are not stored.
  CREATE TABLE logs (
    log_id      BLOB PRIMARY KEY,
    key         BLOB NOT NULL,
    description TEXT NOT NULL,
    url         TEXT NOT NULL,
    api         TEXT NOT NULL CHECK (api IN ('rfc6962', 'static-ct')),
    mmd         INTEGER NOT NULL,
    dns         TEXT
  ) STRICT;

  -- One row for each distinct tree: what a consistency proof is about.
  CREATE TABLE trees (
    id             INTEGER PRIMARY KEY,
    log_id         BLOB NOT NULL,
    tree_size      TEXT NOT NULL,
    root_hash      BLOB NOT NULL,
    first_seen     INTEGER NOT NULL,
    verdict        TEXT NOT NULL DEFAULT 'pending' CHECK (verdict IN
                   ('pending', 'consistent', 'fork-proven', 'bad-proof', 'unprovable', 'skewed', 'unreachable')),
    reason         TEXT,
    -- The larger tree that this one was proven a prefix of; itself, for a head the log called current.
    proven_against INTEGER REFERENCES trees (id),
    attempts       INTEGER NOT NULL DEFAULT 0,
    asked_at       INTEGER,
    ask_after      INTEGER,
    UNIQUE (log_id, tree_size, root_hash)
  ) STRICT;

  -- One row for each distinct tree head: logs sign the same tree again and again with a later timestamp.
  CREATE TABLE tree_heads (
    id        INTEGER PRIMARY KEY,
    tree      INTEGER NOT NULL REFERENCES trees (id),
    timestamp TEXT NOT NULL,
    signature BLOB NOT NULL,
    UNIQUE (tree, timestamp)
  ) STRICT;

  -- Where and how often a tree head was seen; source is an interface, a file or the log's own API.
  CREATE TABLE sightings (
    tree_head  INTEGER NOT NULL REFERENCES tree_heads (id),
    source     TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (tree_head, source)
  ) STRICT, WITHOUT ROWID;

  -- Evidence itself is a file; this says which trees it is about.
  CREATE TABLE evidence (
    path    TEXT PRIMARY KEY,
    log_id  BLOB NOT NULL,
    first   INTEGER NOT NULL REFERENCES trees (id),
    second  INTEGER NOT NULL REFERENCES trees (id),
    created INTEGER NOT NULL
  ) STRICT;

  -- Logs that asked to be left alone for a while (HTTP Retry-After).
  CREATE TABLE quiet_logs (log_id BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT;

  -- What was counted and not kept: packets and answers refused, by reason and source.
  CREATE TABLE counters (
    source TEXT NOT NULL,
    name   TEXT NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (source, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Answers that a data plane only counts at present, and how much of that is in the sightings already.
  CREATE TABLE lives (
    source    TEXT NOT NULL,
    life      INTEGER NOT NULL,
    tree_head INTEGER NOT NULL REFERENCES tree_heads (id),
    credited  INTEGER NOT NULL,
    PRIMARY KEY (source, life)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What lists say of a log's life, and the lists themselves: their signatures make a final tree head evidence.
  ALTER TABLE logs ADD COLUMN state TEXT;
  ALTER TABLE logs ADD COLUMN final_size TEXT;
  ALTER TABLE logs ADD COLUMN final_root BLOB;
  ALTER TABLE logs ADD COLUMN allow_private_address INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE log_lists (
    source    TEXT PRIMARY KEY,
    json      BLOB NOT NULL,
    signature BLOB,
    -- SubjectPublicKeyInfo that the signature was verified with.
    key       BLOB,
    etag      TEXT,
    fetched   INTEGER NOT NULL
  ) STRICT;

  -- A head may also contradict a list, which is no tree head of the log's: then there is no second tree.
  ALTER TABLE evidence RENAME TO old_evidence;
  CREATE TABLE evidence (
    path        TEXT PRIMARY KEY,
    log_id      BLOB NOT NULL,
    first       INTEGER NOT NULL REFERENCES trees (id),
    second      INTEGER REFERENCES trees (id),
    first_size  TEXT NOT NULL,
    second_size TEXT NOT NULL,
    created     INTEGER NOT NULL
  ) STRICT;
  INSERT INTO evidence
    SELECT path, e.log_id, first, second, a.tree_size, b.tree_size, created
    FROM old_evidence e JOIN trees a ON a.id = first JOIN trees b ON b.id = second;
  DROP TABLE old_evidence;
  `,
  `
  -- By log and day (since 1970, UTC): tree heads that were new, and sightings. What is left of those that were rolled up.
  CREATE TABLE days (
    log_id    BLOB NOT NULL,
    day       INTEGER NOT NULL,
    heads     INTEGER NOT NULL,
    sightings INTEGER NOT NULL,
    PRIMARY KEY (log_id, day)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO days
    SELECT log_id, min(first_seen) / 86400000, count(*), sum(sightings)
    FROM (SELECT trees.log_id, tree_heads.id, min(sightings.first_seen) AS first_seen, sum(count) AS sightings
          FROM tree_heads JOIN trees ON trees.id = tree JOIN sightings ON tree_head = tree_heads.id
          GROUP BY tree_heads.id)
    GROUP BY log_id, first_seen / 86400000;

  -- What is asked for of a store that has grown large.
  CREATE INDEX trees_by_verdict ON trees (verdict);
  CREATE INDEX sightings_by_time ON sightings (last_seen) WHERE source <> 'rolled up';

  -- What an observer last knew of each of its data planes, for whoever may not look into the kernel.
  CREATE TABLE data_planes (
    interface TEXT PRIMARY KEY,
    state     TEXT NOT NULL,
    updated   INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- What somebody was told and is not over, and what is still to be sent.
  CREATE TABLE alerts (
    key     TEXT PRIMARY KEY,
    since   INTEGER NOT NULL,
    message TEXT NOT NULL
  ) STRICT;
  CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY,
    channel  TEXT NOT NULL,
    body     TEXT NOT NULL,
    queued   INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due      INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE lives RENAME TO seen_entries;
  ALTER TABLE seen_entries RENAME COLUMN life TO entry;
  `,
  `
  -- A malformed head has a verdict of its own. The constraint goes with its column.
  ALTER TABLE trees RENAME COLUMN verdict TO old_verdict;
  ALTER TABLE trees ADD COLUMN verdict TEXT NOT NULL DEFAULT 'pending' CHECK (verdict IN
    ('pending', 'consistent', 'fork-proven', 'malformed-head', 'bad-proof', 'unprovable', 'skewed', 'unreachable'));
  UPDATE trees SET verdict = old_verdict;
  DROP INDEX trees_by_verdict;
  ALTER TABLE trees DROP COLUMN old_verdict;
  CREATE INDEX trees_by_verdict ON trees (verdict);

  -- What was concluded from empty trees with a wrong root accused nobody rightly: see docs/EVIDENCE.md.
  DELETE FROM evidence WHERE first_size = '00000000000000000000' OR second_size = '00000000000000000000';
  UPDATE trees SET verdict = 'pending', reason = NULL, proven_against = NULL, ask_after = NULL
    WHERE verdict = 'fork-proven' AND tree_size = '00000000000000000000';
  UPDATE trees SET verdict = 'malformed-head', proven_against = NULL, ask_after = NULL,
      reason = 'the root for size 0 is not that of the empty tree'
    WHERE tree_size = '00000000000000000000'
      AND root_hash <> x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  UPDATE trees SET verdict = 'pending', proven_against = NULL
    WHERE proven_against IN (SELECT id FROM trees WHERE verdict = 'malformed-head');
  `,
  `
  -- Pairs of trees with different roots for one size, noted as the second is stored: so a fork is found at once, by
  -- whatever way it came, and however many trees there are. Four witnesses are enough: with all pairs, a log that
  -- signs a thousand roots for a size would have us write half a million files. The empty tree accuses nobody.
  CREATE TABLE contradictions (
    first  INTEGER NOT NULL REFERENCES trees (id),
    second INTEGER NOT NULL REFERENCES trees (id),
    PRIMARY KEY (first, second)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER contradicting AFTER INSERT ON trees WHEN NEW.tree_size > '00000000000000000000' BEGIN
    INSERT INTO contradictions SELECT id, NEW.id FROM trees
      WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size AND id <> NEW.id ORDER BY id LIMIT 4;
  END;
  INSERT INTO contradictions SELECT a.id, b.id FROM trees a JOIN trees b
    ON a.log_id = b.log_id AND a.tree_size = b.tree_size AND a.id < b.id
      AND a.tree_size > '00000000000000000000';
  `,
  `
  -- Logs whose API shows a tree head that is older or smaller than it may be.
  CREATE TABLE stale_heads (
    log_id BLOB PRIMARY KEY,
    since  INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Rows that were not what was written, as JSON: a bit was flipped. Nothing of them is believed.
  CREATE TABLE damaged_rows (
    id        INTEGER PRIMARY KEY,
    content   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    set_aside INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- Evidence by its path from the store's directory, so that a copy of that directory knows its own files; before, it
  -- was absolute. An alert is named by the file alone. Of several rows for one file one stays.
  UPDATE OR IGNORE evidence SET path = 'evidence/' || replace(path, rtrim(path, replace(path, '/', '')), '')
    WHERE path LIKE '/%';
  DELETE FROM evidence WHERE path LIKE '/%';
  UPDATE OR IGNORE alerts SET key = 'fork:' || replace(key, rtrim(key, replace(key, '/', '')), '') WHERE key LIKE 'fork:/%';
  DELETE FROM alerts WHERE key LIKE 'fork:/%';

  -- When the list was published that last told of the log.
  ALTER TABLE logs ADD COLUMN listed INTEGER;
  UPDATE logs SET listed = (
    SELECT max(unixepoch(json_extract(CAST(json AS TEXT), '$.log_list_timestamp'))) * 1000 FROM log_lists
    WHERE json_valid(CAST(json AS TEXT)));

  -- What tells this store from others, however it is copied or moved.
  CREATE TABLE identity (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  INSERT INTO identity VALUES (lower(hex(randomblob(8))));

  -- Of heads that another store, a file or a capture brought: how many of the sightings there were added to those here,
  -- and what the other store's verdict was.
  CREATE TABLE imported (
    tree_head INTEGER NOT NULL REFERENCES tree_heads (id),
    origin    TEXT NOT NULL,
    count     INTEGER NOT NULL,
    verdict   TEXT,
    reason    TEXT,
    PRIMARY KEY (tree_head, origin)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What the counters were when an alerter last looked: what is lost while none runs is told by the next.
  CREATE TABLE last_counts (
    name  TEXT PRIMARY KEY,
    count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What the evidence shows. Of a broken promise the second tree is NULL, and the sizes are the promised place and the
  -- size of the first tree.
  ALTER TABLE evidence ADD COLUMN kind TEXT NOT NULL DEFAULT 'fork' CHECK (kind IN ('fork', 'promise-broken'));

  -- Logs that cannot show entries that they promised, as the auditor found it, and how many.
  CREATE TABLE unprovable_promises (
    log_id BLOB PRIMARY KEY,
    count  INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Logs that are no CT logs. The constraint goes with its column.
  ALTER TABLE logs RENAME COLUMN api TO old_api;
  ALTER TABLE logs ADD COLUMN api TEXT NOT NULL DEFAULT 'rfc6962'
    CHECK (api IN ('rfc6962', 'static-ct', 'tlog-tiles', 'sumdb'));
  UPDATE logs SET api = old_api;
  ALTER TABLE logs DROP COLUMN old_api;
  `,
  `
  -- Where a static-ct log takes submissions: the origin of its checkpoints is made of that.
  ALTER TABLE logs ADD COLUMN submission_url TEXT;
  `,
  `
  -- What a fleet is told of this store: nothing, unless there is a row. 'verdicts': of a collector, whose sightings
  -- others have told it.
  CREATE TABLE publishing (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    what     TEXT NOT NULL CHECK (what IN ('sightings', 'verdicts')),
    -- Of the last batch that is known to have arrived; see src/fleet/batch.ts.
    epoch    INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL DEFAULT 0,
    given_up INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- Heads of which there is something to tell, by when there was first. Other marks than were read: there is more since.
  CREATE TABLE unpublished_heads (
    turn      INTEGER PRIMARY KEY,
    tree_head INTEGER NOT NULL UNIQUE,
    log_id    BLOB NOT NULL,
    marks     INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX unpublished_by_log ON unpublished_heads (log_id, turn);
  CREATE TRIGGER unpublished_sighting AFTER INSERT ON sightings
    WHEN NEW.source <> 'rolled up' AND EXISTS (SELECT 1 FROM publishing WHERE what = 'sightings') BEGIN
    INSERT INTO unpublished_heads (tree_head, log_id, marks)
      SELECT h.id, log_id, 1 FROM tree_heads h JOIN trees ON trees.id = tree WHERE h.id = NEW.tree_head
      ON CONFLICT (tree_head) DO UPDATE SET marks = marks + 1;
  END;
  CREATE TRIGGER unpublished_repeats AFTER UPDATE OF count ON sightings
    WHEN NEW.source <> 'rolled up' AND EXISTS (SELECT 1 FROM publishing WHERE what = 'sightings') BEGIN
    INSERT INTO unpublished_heads (tree_head, log_id, marks)
      SELECT h.id, log_id, 1 FROM tree_heads h JOIN trees ON trees.id = tree WHERE h.id = NEW.tree_head
      ON CONFLICT (tree_head) DO UPDATE SET marks = marks + 1;
  END;
  CREATE TRIGGER unpublished_verdict AFTER UPDATE OF verdict, reason ON trees
    WHEN (OLD.verdict <> NEW.verdict OR OLD.reason IS NOT NEW.reason) AND EXISTS (SELECT 1 FROM publishing) BEGIN
    INSERT INTO unpublished_heads (tree_head, log_id, marks)
      SELECT id, NEW.log_id, 1 FROM tree_heads WHERE tree = NEW.id
      ON CONFLICT (tree_head) DO UPDATE SET marks = marks + 1;
  END;

  -- How often each evidence file was sent to the end: it goes round for ever.
  CREATE TABLE published_evidence (
    path   TEXT PRIMARY KEY,
    rounds INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Of a fleet's very many credits few have a verdict: whoever asks for those does not read the others.
  CREATE INDEX imported_verdicts ON imported (tree_head, origin) WHERE verdict IS NOT NULL;
  `,
  `
  -- What other stores concluded of a tree, whichever of its heads they saw: is_early, of one that is not known here. Of
  -- two words of one store the one with the larger place (epoch, sequence) counts; NULL: it took back what it had said.
  CREATE TABLE words (
    log_id    BLOB NOT NULL,
    tree_size TEXT NOT NULL,
    root_hash BLOB NOT NULL,
    host      TEXT NOT NULL,
    store     TEXT NOT NULL,
    verdict   TEXT,
    reason    TEXT,
    epoch     INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    is_early  INTEGER NOT NULL,
    PRIMARY KEY (log_id, tree_size, root_hash, host, store)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX early_words ON words (host, log_id, tree_size) WHERE is_early;
  CREATE TRIGGER awaited_tree AFTER INSERT ON trees BEGIN
    UPDATE words SET is_early = 0
      WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size AND root_hash = NEW.root_hash;
  END;
  INSERT OR REPLACE INTO words
    SELECT log_id, tree_size, root_hash, substr(origin, 1, instr(origin, '/') - 1),
      substr(origin, instr(origin, '/') + 1), imported.verdict, imported.reason, 0, 0, 0
    FROM imported JOIN tree_heads h ON h.id = tree_head JOIN trees ON trees.id = tree
    WHERE imported.verdict IS NOT NULL ORDER BY h.id;
  DROP INDEX imported_verdicts;
  DELETE FROM imported WHERE count = 0;
  ALTER TABLE imported DROP COLUMN verdict;
  ALTER TABLE imported DROP COLUMN reason;

  -- Up to which tree what was concluded has gone round: it does so for ever, as evidence does.
  ALTER TABLE publishing ADD COLUMN told_again INTEGER NOT NULL DEFAULT 0;
  -- The last epoch that was begun, whether or not anything of it is known to have arrived.
  ALTER TABLE publishing ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- A log's line on the status page, for which no row of a tree is read.
  CREATE INDEX trees_on_line ON trees (log_id, tree_size, first_seen, verdict);
  `,
  `
  -- How often each evidence file was told to the end is in its row, and what is to be told next at the head of an index.
  -- It was kept by the whole path, of which the file's name is what stays.
  ALTER TABLE evidence ADD COLUMN rounds INTEGER NOT NULL DEFAULT 0;
  UPDATE evidence SET rounds = told.rounds
    FROM (SELECT replace(path, rtrim(path, replace(path, '/', '')), '') AS name, max(rounds) AS rounds
          FROM published_evidence GROUP BY 1) AS told
    WHERE replace(evidence.path, rtrim(evidence.path, replace(evidence.path, '/', '')), '') = told.name;
  DROP TABLE published_evidence;
  CREATE INDEX evidence_by_turn ON evidence (log_id, rounds, created, path);

  -- Whether a pair of trees still has no evidence: it is asked with each batch of heads, however many pairs have some.
  ALTER TABLE contradictions ADD COLUMN is_owed INTEGER NOT NULL DEFAULT 1;
  DROP TRIGGER contradicting;
  CREATE TRIGGER contradicting AFTER INSERT ON trees WHEN NEW.tree_size > '00000000000000000000' BEGIN
    INSERT INTO contradictions (first, second) SELECT id, NEW.id FROM trees
      WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size AND id <> NEW.id ORDER BY id LIMIT 4;
  END;
  CREATE INDEX owed_evidence ON contradictions (first, second) WHERE is_owed;
  CREATE INDEX evidence_by_trees ON evidence (first, second);
  UPDATE contradictions SET is_owed = NOT EXISTS (SELECT 1 FROM evidence e
    WHERE (e.first = contradictions.first AND e.second = contradictions.second)
      OR (e.first = contradictions.second AND e.second = contradictions.first));
  CREATE TRIGGER evidence_kept AFTER INSERT ON evidence BEGIN
    UPDATE contradictions SET is_owed = 0
      WHERE (first = NEW.first AND second = NEW.second) OR (first = NEW.second AND second = NEW.first);
  END;
  CREATE TRIGGER evidence_gone AFTER DELETE ON evidence BEGIN
    UPDATE contradictions SET is_owed = NOT EXISTS (SELECT 1 FROM evidence e
      WHERE (e.first = OLD.first AND e.second = OLD.second) OR (e.first = OLD.second AND e.second = OLD.first))
      WHERE (first = OLD.first AND second = OLD.second) OR (first = OLD.second AND second = OLD.first);
  END;
  CREATE TRIGGER evidence_changed AFTER UPDATE OF first, second ON evidence BEGIN
    UPDATE contradictions SET is_owed = NOT EXISTS (SELECT 1 FROM evidence e
      WHERE (e.first = OLD.first AND e.second = OLD.second) OR (e.first = OLD.second AND e.second = OLD.first))
      WHERE (first = OLD.first AND second = OLD.second) OR (first = OLD.second AND second = OLD.first);
    UPDATE contradictions SET is_owed = 0
      WHERE (first = NEW.first AND second = NEW.second) OR (first = NEW.second AND second = NEW.first);
  END;

  -- All forks of a log are on its line, and nobody looks for them among its other trees.
  CREATE INDEX forks_on_line ON trees (log_id, tree_size, first_seen, verdict) WHERE verdict = 'fork-proven';
  `,
  `
  -- Heads that a fleet was not told of at some time, because too many waited: each counts once.
  CREATE TABLE given_up_heads (tree_head INTEGER PRIMARY KEY) STRICT;
  `,
];

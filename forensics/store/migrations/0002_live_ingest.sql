-- The live ingest: what there is to ask for, what was listed, what was remembered, and who asked when.
--
-- Same conventions as before: times are UTC TIMESTAMP, ids are GitHub's own, NULL is unknown.

CREATE TABLE work (
    repository VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    run_id BIGINT,
    attempt INTEGER,
    job_id BIGINT,
    version VARCHAR NOT NULL,
    priority INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    tries INTEGER NOT NULL,
    detail VARCHAR NOT NULL,
    status INTEGER,
    evidence_path VARCHAR,
    asked_at TIMESTAMP,
    PRIMARY KEY (repository, kind, key)
);
COMMENT ON TABLE work IS
'One thing to ask GitHub for, and what became of it; rows stay, so that nothing is fetched twice.';
COMMENT ON COLUMN work.repository IS 'owner/name.';
COMMENT ON COLUMN work.kind IS 'What it is: runs, attempts, jobs, groups, annotations, logs …';
COMMENT ON COLUMN work.key IS 'Which one, among those of its kind.';
COMMENT ON COLUMN work.run_id IS 'The run it belongs to; NULL when to none.';
COMMENT ON COLUMN work.attempt IS 'The attempt it belongs to; NULL when to none.';
COMMENT ON COLUMN work.job_id IS 'The job it belongs to; NULL when to none.';
COMMENT ON COLUMN work.version IS
'State of the thing that it is asked for, as in 1@2026-11-23T10:00:00Z@completed; another one asks again.';
COMMENT ON COLUMN work.priority IS 'Lower is asked for first.';
COMMENT ON COLUMN work.state IS
'waiting or done; expired, deleted, blocked, no-permission, unavailable, corrupt or refused for good; '
'not-ready or failed until the next ingest; skipped when it is not wanted.';
COMMENT ON COLUMN work.tries IS 'How often it was asked for in this version.';
COMMENT ON COLUMN work.detail IS 'Why it is not to be had, in a sentence.';
COMMENT ON COLUMN work.status IS 'HTTP status of the last answer; NULL when there was none.';
COMMENT ON COLUMN work.evidence_path IS 'Evidence file of the answer, or of the refusal.';
COMMENT ON COLUMN work.asked_at IS 'When it was last asked for, UTC.';

CREATE TABLE listings (
    repository VARCHAR NOT NULL,
    workflow VARCHAR NOT NULL,
    starts_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    total_count BIGINT NOT NULL,
    listed BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    detail VARCHAR NOT NULL,
    listed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (repository, workflow, starts_at, ends_at)
);
COMMENT ON TABLE listings IS 'A window of time whose runs were listed: what is known to be all there was.';
COMMENT ON COLUMN listings.repository IS 'owner/name.';
COMMENT ON COLUMN listings.workflow IS 'File name of the workflow; empty for all of them.';
COMMENT ON COLUMN listings.starts_at IS 'First second of created_at, UTC.';
COMMENT ON COLUMN listings.ends_at IS 'Last second of created_at, UTC; belongs to the window.';
COMMENT ON COLUMN listings.total_count IS 'How many runs GitHub said there are.';
COMMENT ON COLUMN listings.listed IS 'How many different runs it listed.';
COMMENT ON COLUMN listings.complete IS 'True when every run of the window was seen.';
COMMENT ON COLUMN listings.detail IS 'Why it is not complete, in a sentence; else empty.';
COMMENT ON COLUMN listings.listed_at IS 'When, UTC.';

CREATE TABLE answers (
    path VARCHAR NOT NULL,
    accept VARCHAR NOT NULL,
    token_mark VARCHAR NOT NULL,
    etag VARCHAR NOT NULL,
    next_page VARCHAR,
    evidence_path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    stored_at TIMESTAMP NOT NULL,
    PRIMARY KEY (path, accept, token_mark)
);
COMMENT ON TABLE answers IS
'ETags of answers: asked again with them, GitHub says 304 at no cost when nothing changed.';
COMMENT ON COLUMN answers.path IS 'Path and query, without secrets.';
COMMENT ON COLUMN answers.accept IS 'Accept header it was asked with: an ETag belongs to it.';
COMMENT ON COLUMN answers.token_mark IS
'Fingerprint of the token it was asked with; says nothing of the token itself.';
COMMENT ON COLUMN answers.etag IS 'ETag as received.';
COMMENT ON COLUMN answers.next_page IS 'Path and query of the next page; NULL on the last.';
COMMENT ON COLUMN answers.evidence_path IS 'Evidence file that is its body.';
COMMENT ON COLUMN answers.sha256 IS 'SHA-256 of that body; a file that differs is not used.';
COMMENT ON COLUMN answers.stored_at IS 'When, UTC.';

CREATE TABLE ingests (
    ingest_no BIGINT PRIMARY KEY,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    scope JSON NOT NULL,
    outcome VARCHAR,
    requests BIGINT,
    waited_seconds DOUBLE
);
COMMENT ON TABLE ingests IS 'One live ingest.';
COMMENT ON COLUMN ingests.ingest_no IS 'Counts up.';
COMMENT ON COLUMN ingests.started_at IS 'When it began, UTC.';
COMMENT ON COLUMN ingests.ended_at IS 'When it ended, UTC; NULL when it was killed.';
COMMENT ON COLUMN ingests.scope IS 'What it was to get: repositories, since, until, workflows, logs.';
COMMENT ON COLUMN ingests.outcome IS 'complete, or why it stopped early; NULL when it was killed.';
COMMENT ON COLUMN ingests.requests IS 'Requests it made; NULL when it was killed.';
COMMENT ON COLUMN ingests.waited_seconds IS 'Seconds it waited for limits to reset.';

ALTER TABLE requests ADD COLUMN kind VARCHAR;
ALTER TABLE requests ADD COLUMN error VARCHAR;
ALTER TABLE requests ADD COLUMN ingest_no BIGINT;
COMMENT ON COLUMN requests.kind IS 'What it was for: repository, runs, jobs, logs, download …';
COMMENT ON COLUMN requests.error IS 'Why no answer came, or what was wrong with it; NULL when all was well.';
COMMENT ON COLUMN requests.ingest_no IS 'The ingest that made it.';

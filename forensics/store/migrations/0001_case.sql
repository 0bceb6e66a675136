-- The case as it began: metadata, logs, effects, what is missing, and what the detectors said.
--
-- Conventions: times are UTC TIMESTAMP; ids are GitHub's own BIGINTs, negative where made up because
-- only a log is known; NULL is unknown; raw keeps GitHub's JSON, so nothing it sent is lost.

CREATE TABLE repositories (
    repository VARCHAR PRIMARY KEY,
    repository_id BIGINT,
    default_branch VARCHAR,
    raw JSON
);
COMMENT ON TABLE repositories IS 'A repository of which the case holds anything.';
COMMENT ON COLUMN repositories.repository IS 'owner/name.';
COMMENT ON COLUMN repositories.repository_id IS 'GitHub''s id; NULL when no page named it.';
COMMENT ON COLUMN repositories.default_branch IS 'Default branch as last seen.';
COMMENT ON COLUMN repositories.raw IS 'The repository object as received.';

CREATE TABLE workflows (
    repository VARCHAR NOT NULL,
    workflow_id BIGINT NOT NULL,
    path VARCHAR,
    name VARCHAR,
    state VARCHAR,
    created_at TIMESTAMP,
    updated_at TIMESTAMP,
    raw JSON,
    PRIMARY KEY (repository, workflow_id)
);
COMMENT ON TABLE workflows IS 'A workflow as GitHub lists it.';
COMMENT ON COLUMN workflows.repository IS 'owner/name.';
COMMENT ON COLUMN workflows.workflow_id IS 'GitHub''s id of the workflow.';
COMMENT ON COLUMN workflows.path IS 'Path of the file in the repository, without @ref.';
COMMENT ON COLUMN workflows.name IS 'The workflow''s name: key, else its path.';
COMMENT ON COLUMN workflows.state IS 'active, disabled_manually, disabled_inactivity, deleted …';
COMMENT ON COLUMN workflows.created_at IS 'When GitHub first saw it, UTC.';
COMMENT ON COLUMN workflows.updated_at IS 'When GitHub last changed it, UTC.';
COMMENT ON COLUMN workflows.raw IS 'The workflow object as received.';

CREATE TABLE workflow_files (
    repository VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha VARCHAR NOT NULL,
    name VARCHAR,
    triggers VARCHAR[],
    text VARCHAR NOT NULL,
    parsed JSON,
    evidence_path VARCHAR NOT NULL,
    PRIMARY KEY (repository, path, sha)
);
COMMENT ON TABLE workflow_files IS 'One workflow YAML as it stood at one commit.';
COMMENT ON COLUMN workflow_files.repository IS 'owner/name; empty when the file came without one.';
COMMENT ON COLUMN workflow_files.path IS 'Path in the repository; for a loose file, its name.';
COMMENT ON COLUMN workflow_files.sha IS
'Commit it was read at; for a loose file, blob: and the SHA-256 of its bytes.';
COMMENT ON COLUMN workflow_files.name IS 'What name: says.';
COMMENT ON COLUMN workflow_files.triggers IS 'The events under on:.';
COMMENT ON COLUMN workflow_files.text IS 'The file.';
COMMENT ON COLUMN workflow_files.parsed IS 'The file as JSON; NULL when it is not sound YAML (see problems).';
COMMENT ON COLUMN workflow_files.evidence_path IS 'Which evidence file it came from.';

CREATE TABLE runs (
    repository VARCHAR NOT NULL,
    run_id BIGINT NOT NULL,
    run_number BIGINT,
    workflow_id BIGINT,
    workflow_path VARCHAR,
    workflow_name VARCHAR,
    name VARCHAR,
    display_title VARCHAR,
    event VARCHAR,
    status VARCHAR,
    conclusion VARCHAR,
    head_branch VARCHAR,
    head_sha VARCHAR,
    head_repository VARCHAR,
    created_at TIMESTAMP,
    run_started_at TIMESTAMP,
    updated_at TIMESTAMP,
    latest_attempt INTEGER,
    actor VARCHAR,
    triggering_actor VARCHAR,
    inferred BOOLEAN NOT NULL,
    raw JSON,
    PRIMARY KEY (repository, run_id)
);
COMMENT ON TABLE runs IS 'A workflow run in its latest known state.';
COMMENT ON COLUMN runs.repository IS 'owner/name; empty when unknown.';
COMMENT ON COLUMN runs.run_id IS 'GitHub''s id; negative when made up.';
COMMENT ON COLUMN runs.run_number IS 'Counts up within the workflow; stays on re-runs.';
COMMENT ON COLUMN runs.workflow_id IS 'GitHub''s id of the workflow.';
COMMENT ON COLUMN runs.workflow_path IS 'Path of the workflow file, without @ref.';
COMMENT ON COLUMN runs.workflow_name IS 'Name of the workflow.';
COMMENT ON COLUMN runs.name IS 'The run object''s name field (workflow name, or run-name).';
COMMENT ON COLUMN runs.display_title IS 'Title shown in the web page.';
COMMENT ON COLUMN runs.event IS 'Event that started it.';
COMMENT ON COLUMN runs.status IS 'queued, in_progress, completed, waiting, pending, requested …';
COMMENT ON COLUMN runs.conclusion IS
'success, failure, cancelled, skipped, timed_out … NULL while unfinished.';
COMMENT ON COLUMN runs.head_branch IS 'Branch, or tag, or the pull request''s head branch.';
COMMENT ON COLUMN runs.head_sha IS 'Head commit (for pull_request: the head, not the merge commit that ran).';
COMMENT ON COLUMN runs.head_repository IS 'Where the head commit lives; a fork for pull requests from forks.';
COMMENT ON COLUMN runs.created_at IS 'When the run was created, UTC; stays on re-runs.';
COMMENT ON COLUMN runs.run_started_at IS 'Start of the latest attempt, UTC.';
COMMENT ON COLUMN runs.updated_at IS 'Last change of the object, UTC; not the end of the run.';
COMMENT ON COLUMN runs.latest_attempt IS 'Number of the latest attempt.';
COMMENT ON COLUMN runs.actor IS 'Login of who caused the first attempt.';
COMMENT ON COLUMN runs.triggering_actor IS 'Login of who caused the latest attempt.';
COMMENT ON COLUMN runs.inferred IS 'True when no run object was seen and the row comes from a log or a job.';
COMMENT ON COLUMN runs.raw IS 'The run object as received.';

CREATE TABLE attempts (
    repository VARCHAR NOT NULL,
    run_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    status VARCHAR,
    conclusion VARCHAR,
    created_at TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    updated_at TIMESTAMP,
    actor VARCHAR,
    inferred BOOLEAN NOT NULL,
    raw JSON,
    PRIMARY KEY (run_id, attempt)
);
COMMENT ON TABLE attempts IS 'One attempt of a run: the unit that executes.';
COMMENT ON COLUMN attempts.repository IS 'owner/name.';
COMMENT ON COLUMN attempts.run_id IS 'Its run.';
COMMENT ON COLUMN attempts.attempt IS '1 for the first, one more for each re-run.';
COMMENT ON COLUMN attempts.status IS 'Status of this attempt.';
COMMENT ON COLUMN attempts.conclusion IS 'Conclusion of this attempt.';
COMMENT ON COLUMN attempts.created_at IS
'When this attempt was asked for, UTC: the run''s created_at, or run_started_at of a re-run.';
COMMENT ON COLUMN attempts.started_at IS 'When its first executed job began, UTC; NULL when none executed.';
COMMENT ON COLUMN attempts.completed_at IS
'When its last executed job ended, UTC; updated_at only when no job is known.';
COMMENT ON COLUMN attempts.updated_at IS 'Last change of the object, UTC.';
COMMENT ON COLUMN attempts.actor IS 'Who caused this attempt.';
COMMENT ON COLUMN attempts.inferred IS 'True when no run object of this attempt was seen.';
COMMENT ON COLUMN attempts.raw IS 'The object as received.';

CREATE TABLE jobs (
    repository VARCHAR NOT NULL,
    job_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    status VARCHAR,
    conclusion VARCHAR,
    created_at TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    head_sha VARCHAR,
    head_branch VARCHAR,
    workflow_name VARCHAR,
    runner_id BIGINT,
    runner_name VARCHAR,
    runner_group VARCHAR,
    labels VARCHAR[],
    executed BOOLEAN,
    copied BOOLEAN NOT NULL,
    inferred BOOLEAN NOT NULL,
    raw JSON,
    PRIMARY KEY (job_id)
);
COMMENT ON TABLE jobs IS 'A job of one attempt.';
COMMENT ON COLUMN jobs.repository IS 'owner/name.';
COMMENT ON COLUMN jobs.job_id IS 'GitHub''s id, also that of its check run; negative when made up.';
COMMENT ON COLUMN jobs.run_id IS 'Its run.';
COMMENT ON COLUMN jobs.attempt IS 'Its attempt.';
COMMENT ON COLUMN jobs.name IS 'Name with matrix values; caller / callee for reusable workflows.';
COMMENT ON COLUMN jobs.status IS 'Status.';
COMMENT ON COLUMN jobs.conclusion IS
'success, failure, cancelled, skipped, neutral, timed_out, action_required.';
COMMENT ON COLUMN jobs.created_at IS 'When the job was queued, UTC.';
COMMENT ON COLUMN jobs.started_at IS
'When it began, UTC, one-second grain; first log line for an inferred job.';
COMMENT ON COLUMN jobs.completed_at IS
'When it ended, UTC, one-second grain; last log line for an inferred job.';
COMMENT ON COLUMN jobs.head_sha IS 'Head commit.';
COMMENT ON COLUMN jobs.head_branch IS 'Head branch.';
COMMENT ON COLUMN jobs.workflow_name IS 'Name of the workflow.';
COMMENT ON COLUMN jobs.runner_id IS 'Runner; NULL or 0 when none was ever assigned.';
COMMENT ON COLUMN jobs.runner_name IS 'Name of the runner.';
COMMENT ON COLUMN jobs.runner_group IS 'Group of the runner.';
COMMENT ON COLUMN jobs.labels IS 'runs-on.';
COMMENT ON COLUMN jobs.executed IS
'True when a runner ran any of it; NULL when the form it came in cannot tell.';
COMMENT ON COLUMN jobs.copied IS
'True when a partial re-run copied it from an earlier attempt: not an execution.';
COMMENT ON COLUMN jobs.inferred IS 'True when no job object was seen and the row comes from a log.';
COMMENT ON COLUMN jobs.raw IS 'The job object as received, without its steps.';

CREATE TABLE steps (
    job_id BIGINT NOT NULL,
    step_number INTEGER NOT NULL,
    name VARCHAR,
    status VARCHAR,
    conclusion VARCHAR,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    PRIMARY KEY (job_id, step_number)
);
COMMENT ON TABLE steps IS 'A step of a job.';
COMMENT ON COLUMN steps.job_id IS 'Its job.';
COMMENT ON COLUMN steps.step_number IS 'Number as in the jobs API and in the names of step log files.';
COMMENT ON COLUMN steps.name IS 'Name.';
COMMENT ON COLUMN steps.status IS 'Status.';
COMMENT ON COLUMN steps.conclusion IS 'success, failure, cancelled, skipped.';
COMMENT ON COLUMN steps.started_at IS 'Start, UTC, one-second grain.';
COMMENT ON COLUMN steps.completed_at IS 'End, UTC, one-second grain.';

CREATE TABLE log_sources (
    source_id BIGINT PRIMARY KEY,
    unit_id VARCHAR NOT NULL,
    main_source_id BIGINT NOT NULL,
    evidence_path VARCHAR NOT NULL,
    member VARCHAR NOT NULL,
    form VARCHAR NOT NULL,
    run_id BIGINT,
    attempt INTEGER,
    job_id BIGINT,
    attributed_by VARCHAR,
    steps_by VARCHAR,
    bytes BIGINT NOT NULL,
    lines_in BIGINT NOT NULL,
    lines_stored BIGINT NOT NULL,
    lines_duplicate BIGINT NOT NULL,
    lines_problem BIGINT NOT NULL,
    first_at TIMESTAMP,
    last_at TIMESTAMP
);
COMMENT ON TABLE log_sources IS
'One text with lines of one job''s log: lines_in = lines_stored + lines_duplicate + lines_problem.';
COMMENT ON COLUMN log_sources.source_id IS 'Stable hash of evidence_path and member.';
COMMENT ON COLUMN log_sources.unit_id IS 'The unit it was loaded with.';
COMMENT ON COLUMN log_sources.main_source_id IS
'Source under which log_lines has the job''s lines: the first of the job''s files.';
COMMENT ON COLUMN log_sources.evidence_path IS 'The evidence file.';
COMMENT ON COLUMN log_sources.member IS
'Path inside the archive, or the job''s name inside a gh text; empty for a plain file.';
COMMENT ON COLUMN log_sources.form IS 'job, step, system, gh or text.';
COMMENT ON COLUMN log_sources.run_id IS 'The run it was given to.';
COMMENT ON COLUMN log_sources.attempt IS 'The attempt it was given to.';
COMMENT ON COLUMN log_sources.job_id IS 'The job it was given to.';
COMMENT ON COLUMN log_sources.attributed_by IS 'By what: name, neighbour, text or made-up.';
COMMENT ON COLUMN log_sources.steps_by IS
'How lines got their steps: files, boundaries, times, gh or unknown.';
COMMENT ON COLUMN log_sources.bytes IS 'Bytes of text.';
COMMENT ON COLUMN log_sources.lines_in IS 'Lines of text.';
COMMENT ON COLUMN log_sources.lines_stored IS 'Lines that are in log_lines.';
COMMENT ON COLUMN log_sources.lines_duplicate IS 'Lines left out because they are stored already.';
COMMENT ON COLUMN log_sources.lines_problem IS 'Lines left out for a reason given in problems.';
COMMENT ON COLUMN log_sources.first_at IS 'Earliest time stamp, UTC.';
COMMENT ON COLUMN log_sources.last_at IS 'Latest time stamp, UTC.';

CREATE TABLE neighbours (
    directory VARCHAR NOT NULL,
    run_id BIGINT NOT NULL,
    PRIMARY KEY (directory, run_id)
);
COMMENT ON TABLE neighbours IS
'Which runs the JSON in a folder of the evidence describes: a log beside it is likely theirs.';
COMMENT ON COLUMN neighbours.directory IS 'Folder below evidence/, or an archive in it.';
COMMENT ON COLUMN neighbours.run_id IS 'Run.';

CREATE TABLE log_units (
    unit_id VARCHAR PRIMARY KEY,
    fingerprint VARCHAR NOT NULL,
    unit JSON NOT NULL,
    clues JSON NOT NULL
);
COMMENT ON TABLE log_units IS
'What is loaded as one (a run''s log in an archive or folder, or a text) and read again as one.';
COMMENT ON COLUMN log_units.unit_id IS 'Evidence path and root inside it.';
COMMENT ON COLUMN log_units.fingerprint IS
'Digest of what it was attributed to, and of the rules it was read with.';
COMMENT ON COLUMN log_units.unit IS 'The files it consists of, by job.';
COMMENT ON COLUMN log_units.clues IS 'Per job: its name in the log and what the text says of its origin.';

CREATE TABLE log_lines (
    run_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    job_id BIGINT NOT NULL,
    step_number INTEGER,
    line_no INTEGER NOT NULL,
    logged_at TIMESTAMP,
    level VARCHAR,
    text VARCHAR NOT NULL,
    source_id BIGINT NOT NULL
);
COMMENT ON TABLE log_lines IS 'One line of a job''s log.';
COMMENT ON COLUMN log_lines.run_id IS 'Its run.';
COMMENT ON COLUMN log_lines.attempt IS 'Its attempt.';
COMMENT ON COLUMN log_lines.job_id IS 'Its job.';
COMMENT ON COLUMN log_lines.step_number IS 'Its step; NULL when unknown.';
COMMENT ON COLUMN log_lines.line_no IS '1-based within the job''s log; the order of writing.';
COMMENT ON COLUMN log_lines.logged_at IS
'Time stamp by the runner''s clock, UTC, microseconds; a line without one has that of the line before.';
COMMENT ON COLUMN log_lines.level IS
'error, warning, notice, debug, group, endgroup, command, section; echo for a script''s source; else NULL.';
COMMENT ON COLUMN log_lines.text IS 'The line without time stamp, byte order mark and colour codes.';
COMMENT ON COLUMN log_lines.source_id IS 'Its row in log_sources.';

CREATE TABLE effects (
    repository VARCHAR NOT NULL,
    run_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    job_id BIGINT NOT NULL,
    step_number INTEGER,
    started_at TIMESTAMP,
    occurred_at TIMESTAMP,
    tool VARCHAR NOT NULL,
    effect VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    identity VARCHAR,
    outcome VARCHAR NOT NULL,
    sha VARCHAR,
    rule VARCHAR NOT NULL,
    line_no INTEGER NOT NULL,
    started_line_no INTEGER,
    text VARCHAR NOT NULL,
    source_id BIGINT NOT NULL
);
COMMENT ON TABLE effects IS 'One thing done to the world, as a log announced it.';
COMMENT ON COLUMN effects.repository IS 'owner/name; empty when unknown.';
COMMENT ON COLUMN effects.run_id IS 'Its run.';
COMMENT ON COLUMN effects.attempt IS 'Its attempt.';
COMMENT ON COLUMN effects.job_id IS 'Its job.';
COMMENT ON COLUMN effects.step_number IS 'Its step; NULL when unknown.';
COMMENT ON COLUMN effects.started_at IS
'When the tool announced it, UTC, runner clock; occurred_at when it did not.';
COMMENT ON COLUMN effects.occurred_at IS
'When the tool reported the outcome, UTC, runner clock; for outcome unknown, its last line.';
COMMENT ON COLUMN effects.tool IS 'git, npm, cargo, docker, terraform …';
COMMENT ON COLUMN effects.effect IS 'What was done: push, tag, publish, release, deploy, apply, comment.';
COMMENT ON COLUMN effects.target IS
'What it was done to, as kind:name, the same for every run that touches it.';
COMMENT ON COLUMN effects.identity IS
'What came into being (package@version, tag, digest, commit); NULL when the log does not say.';
COMMENT ON COLUMN effects.outcome IS 'done, rejected, failed, no-op or unknown.';
COMMENT ON COLUMN effects.sha IS 'Commit that was checked out, else the run''s head commit.';
COMMENT ON COLUMN effects.rule IS 'Effect rule that found it.';
COMMENT ON COLUMN effects.line_no IS 'Line of the outcome in log_lines.';
COMMENT ON COLUMN effects.started_line_no IS 'Line of the announcement.';
COMMENT ON COLUMN effects.text IS 'The line of the outcome.';
COMMENT ON COLUMN effects.source_id IS 'The log it was read from.';

CREATE TABLE annotations (
    repository VARCHAR NOT NULL,
    job_id BIGINT,
    run_id BIGINT,
    attempt INTEGER,
    level VARCHAR,
    title VARCHAR,
    message VARCHAR,
    path VARCHAR,
    start_line INTEGER,
    raw JSON
);
COMMENT ON TABLE annotations IS
'An annotation of a job''s check run; the only place where GitHub says that concurrency cancelled it.';
COMMENT ON COLUMN annotations.repository IS 'owner/name.';
COMMENT ON COLUMN annotations.job_id IS 'Job, which is also the check run''s id.';
COMMENT ON COLUMN annotations.run_id IS 'Run, where known.';
COMMENT ON COLUMN annotations.attempt IS 'Attempt, where known.';
COMMENT ON COLUMN annotations.level IS 'notice, warning or failure.';
COMMENT ON COLUMN annotations.title IS 'Title.';
COMMENT ON COLUMN annotations.message IS 'Message.';
COMMENT ON COLUMN annotations.path IS 'Path it points to; .github for the run as a whole.';
COMMENT ON COLUMN annotations.start_line IS 'First line it points to.';
COMMENT ON COLUMN annotations.raw IS 'The annotation as received.';

CREATE TABLE deployments (
    repository VARCHAR NOT NULL,
    deployment_id BIGINT PRIMARY KEY,
    environment VARCHAR,
    task VARCHAR,
    ref VARCHAR,
    sha VARCHAR,
    created_at TIMESTAMP,
    updated_at TIMESTAMP,
    creator VARCHAR,
    raw JSON
);
COMMENT ON TABLE deployments IS
'A deployment record. An environment may be used without one, so absence proves nothing.';
COMMENT ON COLUMN deployments.repository IS 'owner/name.';
COMMENT ON COLUMN deployments.deployment_id IS 'GitHub''s id.';
COMMENT ON COLUMN deployments.environment IS 'Environment.';
COMMENT ON COLUMN deployments.task IS 'Task.';
COMMENT ON COLUMN deployments.ref IS 'Ref that was deployed.';
COMMENT ON COLUMN deployments.sha IS 'Commit that was deployed.';
COMMENT ON COLUMN deployments.created_at IS 'UTC.';
COMMENT ON COLUMN deployments.updated_at IS 'UTC.';
COMMENT ON COLUMN deployments.creator IS 'Login.';
COMMENT ON COLUMN deployments.raw IS 'The deployment as received.';

CREATE TABLE deployment_statuses (
    repository VARCHAR NOT NULL,
    status_id BIGINT PRIMARY KEY,
    deployment_id BIGINT,
    state VARCHAR,
    environment VARCHAR,
    log_url VARCHAR,
    run_id BIGINT,
    job_id BIGINT,
    created_at TIMESTAMP,
    creator VARCHAR,
    raw JSON
);
COMMENT ON TABLE deployment_statuses IS 'A status of a deployment; its log_url names run and job.';
COMMENT ON COLUMN deployment_statuses.repository IS 'owner/name.';
COMMENT ON COLUMN deployment_statuses.status_id IS 'GitHub''s id.';
COMMENT ON COLUMN deployment_statuses.deployment_id IS 'Its deployment.';
COMMENT ON COLUMN deployment_statuses.state IS
'error, failure, inactive, pending, success, queued, in_progress.';
COMMENT ON COLUMN deployment_statuses.environment IS 'Environment.';
COMMENT ON COLUMN deployment_statuses.log_url IS 'URL of the run or job.';
COMMENT ON COLUMN deployment_statuses.run_id IS 'Run named by log_url.';
COMMENT ON COLUMN deployment_statuses.job_id IS 'Job named by log_url.';
COMMENT ON COLUMN deployment_statuses.created_at IS 'UTC.';
COMMENT ON COLUMN deployment_statuses.creator IS 'Login.';
COMMENT ON COLUMN deployment_statuses.raw IS 'The status as received.';

CREATE TABLE concurrency_groups (
    run_id BIGINT NOT NULL,
    attempt INTEGER,
    job_id BIGINT,
    group_name VARCHAR,
    cancel_in_progress BOOLEAN,
    queue VARCHAR,
    source VARCHAR NOT NULL,
    confidence VARCHAR NOT NULL
);
COMMENT ON TABLE concurrency_groups IS 'The concurrency group a run or job really had, and how we know.';
COMMENT ON COLUMN concurrency_groups.run_id IS 'Run.';
COMMENT ON COLUMN concurrency_groups.attempt IS 'Attempt; NULL when the source does not tell attempts apart.';
COMMENT ON COLUMN concurrency_groups.job_id IS 'Job, for a group at job level.';
COMMENT ON COLUMN concurrency_groups.group_name IS 'Name, compared without regard to case.';
COMMENT ON COLUMN concurrency_groups.cancel_in_progress IS 'Setting in force; NULL unknown.';
COMMENT ON COLUMN concurrency_groups.queue IS 'single or max; NULL unknown.';
COMMENT ON COLUMN concurrency_groups.source IS 'github, annotation, literal, evaluated.';
COMMENT ON COLUMN concurrency_groups.confidence IS 'known, pattern or unknown.';

CREATE TABLE cancellations (
    run_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    job_id BIGINT,
    cause VARCHAR NOT NULL,
    by_run_id BIGINT,
    evidence VARCHAR,
    confidence VARCHAR NOT NULL
);
COMMENT ON TABLE cancellations IS 'Why a run or job was cancelled, and by whose arrival.';
COMMENT ON COLUMN cancellations.run_id IS 'Run that was cancelled.';
COMMENT ON COLUMN cancellations.attempt IS 'Its attempt.';
COMMENT ON COLUMN cancellations.job_id IS 'Its job; NULL for the whole run.';
COMMENT ON COLUMN cancellations.cause IS
'concurrency, deadlock, person, timeout, runner-lost, fail-fast, unknown.';
COMMENT ON COLUMN cancellations.by_run_id IS 'The run whose arrival did it.';
COMMENT ON COLUMN cancellations.evidence IS 'Text that proves it.';
COMMENT ON COLUMN cancellations.confidence IS 'known, likely or unknown.';

CREATE TABLE problems (
    kind VARCHAR NOT NULL,
    evidence_path VARCHAR NOT NULL,
    member VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    lines BIGINT NOT NULL,
    run_id BIGINT,
    job_id BIGINT
);
COMMENT ON TABLE problems IS
'What is missing or odd, and why; nothing is left out of the case without a row here.';
COMMENT ON COLUMN problems.kind IS
'Short name of the kind: unreadable, not-recognised, made-up-run, bad-crc, zip-bomb, …';
COMMENT ON COLUMN problems.evidence_path IS 'Evidence file it is about; empty for the case as a whole.';
COMMENT ON COLUMN problems.member IS 'Member of the archive; empty for the whole file.';
COMMENT ON COLUMN problems.detail IS 'What, where, and what to do next.';
COMMENT ON COLUMN problems.lines IS 'Log lines left out because of it.';
COMMENT ON COLUMN problems.run_id IS 'Run it touches, where known.';
COMMENT ON COLUMN problems.job_id IS 'Job it touches, where known.';

CREATE TABLE requests (
    request_no BIGINT PRIMARY KEY,
    requested_at TIMESTAMP NOT NULL,
    method VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    status INTEGER,
    bytes BIGINT,
    duration_ms INTEGER,
    cost INTEGER,
    quota_left INTEGER
);
COMMENT ON TABLE requests IS 'Every request made to the API.';
COMMENT ON COLUMN requests.request_no IS 'Counts up.';
COMMENT ON COLUMN requests.requested_at IS 'UTC.';
COMMENT ON COLUMN requests.method IS 'HTTP method.';
COMMENT ON COLUMN requests.endpoint IS 'Path and query, without secrets.';
COMMENT ON COLUMN requests.status IS 'HTTP status; NULL when no answer came.';
COMMENT ON COLUMN requests.bytes IS 'Size of the answer.';
COMMENT ON COLUMN requests.duration_ms IS 'How long it took.';
COMMENT ON COLUMN requests.cost IS 'What it counted against the limit.';
COMMENT ON COLUMN requests.quota_left IS 'x-ratelimit-remaining of the answer.';

CREATE TABLE evidence (
    path VARCHAR PRIMARY KEY,
    sha256 VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    source VARCHAR NOT NULL,
    taken_at TIMESTAMP NOT NULL,
    kind VARCHAR,
    rows_read BIGINT
);
COMMENT ON TABLE evidence IS 'The manifest: every file the case was made from.';
COMMENT ON COLUMN evidence.path IS 'Path below evidence/.';
COMMENT ON COLUMN evidence.sha256 IS 'SHA-256 of its bytes.';
COMMENT ON COLUMN evidence.size IS 'Size in bytes.';
COMMENT ON COLUMN evidence.source IS 'Where it came from.';
COMMENT ON COLUMN evidence.taken_at IS 'When it was taken, UTC.';
COMMENT ON COLUMN evidence.kind IS 'What it was recognised as; NULL when it was not.';
COMMENT ON COLUMN evidence.rows_read IS 'Objects (JSON), lines (logs) or files (YAML) read from it.';

CREATE TABLE findings (
    finding_id VARCHAR PRIMARY KEY,
    detector VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    precision VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    occurred_at TIMESTAMP,
    repository VARCHAR NOT NULL,
    target VARCHAR,
    runs JSON NOT NULL,
    evidence JSON NOT NULL,
    values JSON NOT NULL
);
COMMENT ON TABLE findings IS 'What the detectors last said.';
COMMENT ON COLUMN findings.finding_id IS 'Detector and a short hash of what it is about.';
COMMENT ON COLUMN findings.detector IS 'Detector''s id.';
COMMENT ON COLUMN findings.severity IS 'critical, high, medium, low or info.';
COMMENT ON COLUMN findings.precision IS 'certain, likely or possible.';
COMMENT ON COLUMN findings.message IS 'What happened, as a sentence.';
COMMENT ON COLUMN findings.occurred_at IS 'When, UTC.';
COMMENT ON COLUMN findings.repository IS 'Where.';
COMMENT ON COLUMN findings.target IS 'What was touched.';
COMMENT ON COLUMN findings.runs IS 'The runs and attempts.';
COMMENT ON COLUMN findings.evidence IS 'The log lines that prove it.';
COMMENT ON COLUMN findings.values IS 'The query''s own columns.';

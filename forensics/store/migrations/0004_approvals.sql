-- Who let a deployment pass that a protection rule held back.

CREATE TABLE approvals (
    repository VARCHAR NOT NULL,
    run_id BIGINT NOT NULL,
    environment VARCHAR NOT NULL,
    state VARCHAR,
    login VARCHAR,
    comment VARCHAR,
    raw JSON
);
COMMENT ON TABLE approvals IS
'What a reviewer decided about a run that waited for an environment; GitHub does not tell when.';
COMMENT ON COLUMN approvals.repository IS 'owner/name.';
COMMENT ON COLUMN approvals.run_id IS 'Run.';
COMMENT ON COLUMN approvals.environment IS 'Environment that was decided about.';
COMMENT ON COLUMN approvals.state IS 'approved, rejected, pending.';
COMMENT ON COLUMN approvals.login IS 'Who decided.';
COMMENT ON COLUMN approvals.comment IS 'What was said with it.';
COMMENT ON COLUMN approvals.raw IS 'The decision as received.';

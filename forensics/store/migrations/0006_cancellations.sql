-- By whose arrival something was cancelled, in which group, when, and what proves it.

ALTER TABLE cancellations ADD COLUMN level VARCHAR;
ALTER TABLE cancellations ADD COLUMN group_name VARCHAR;
ALTER TABLE cancellations ADD COLUMN group_key VARCHAR;
ALTER TABLE cancellations ADD COLUMN by_attempt INTEGER;
ALTER TABLE cancellations ADD COLUMN by_job_id BIGINT;
ALTER TABLE cancellations ADD COLUMN by_login VARCHAR;
ALTER TABLE cancellations ADD COLUMN cancelled_at TIMESTAMP;
ALTER TABLE cancellations ADD COLUMN lag_seconds DOUBLE;
ALTER TABLE cancellations ADD COLUMN detail VARCHAR;
COMMENT ON COLUMN cancellations.cause IS
'superseded-waiting (evicted from the queue of its group), superseded-running (cancel-in-progress), '
'deadlock, person (or an app, or a call of the API), timeout, runner-lost, not-acquired (no runner took it), '
'fail-fast, queue-full, unknown.';
COMMENT ON COLUMN cancellations.by_run_id IS
'The run whose arrival at the group did it: of a job, it may be its own run.';
COMMENT ON COLUMN cancellations.evidence IS 'GitHub''s own words, where an annotation has them.';
COMMENT ON COLUMN cancellations.confidence IS
'known: an annotation says the cause; likely: arrival and end fit to the second; possible: they fit in part, '
'or the group is not known for sure; unknown.';
COMMENT ON COLUMN cancellations.level IS
'Of the group that it was about: workflow, job, called; NULL where not known, or where no group was.';
COMMENT ON COLUMN cancellations.group_name IS 'The group that it was about, as written there.';
COMMENT ON COLUMN cancellations.group_key IS 'The group''s name in lower case, by which GitHub compares.';
COMMENT ON COLUMN cancellations.by_attempt IS 'The attempt of that run.';
COMMENT ON COLUMN cancellations.by_job_id IS 'Its job, where a job''s arrival did it.';
COMMENT ON COLUMN cancellations.by_login IS 'Who cancelled it, as GitHub''s annotation says.';
COMMENT ON COLUMN cancellations.cancelled_at IS
'When the cancellation first shows, UTC: end of the first cancelled step or job; of what never had a job, '
'its last change.';
COMMENT ON COLUMN cancellations.lag_seconds IS 'From the other''s arrival to cancelled_at.';
COMMENT ON COLUMN cancellations.detail IS 'What proves it, as a sentence.';

-- Which group every run and job was in, as far as it can be told; what GitHub itself said keeps level NULL.

ALTER TABLE concurrency_groups ADD COLUMN level VARCHAR;
ALTER TABLE concurrency_groups ADD COLUMN job_name VARCHAR;
ALTER TABLE concurrency_groups ADD COLUMN group_key VARCHAR;
ALTER TABLE concurrency_groups ADD COLUMN pattern VARCHAR;
ALTER TABLE concurrency_groups ADD COLUMN expression VARCHAR;
ALTER TABLE concurrency_groups ADD COLUMN path VARCHAR;
ALTER TABLE concurrency_groups ADD COLUMN line INTEGER;
ALTER TABLE concurrency_groups ADD COLUMN missing VARCHAR[];
ALTER TABLE concurrency_groups ADD COLUMN agrees BOOLEAN;
ALTER TABLE concurrency_groups ADD COLUMN file_source VARCHAR;
COMMENT ON TABLE concurrency_groups IS
'The concurrency groups that runs and jobs were in, and how we know. Rows without a level are names that '
'GitHub''s endpoint gave; the others are derived from them, from annotations and from workflow files.';
COMMENT ON COLUMN concurrency_groups.job_id IS
'Job, for a group at job level; NULL for the whole run, and for a job that calls a workflow.';
COMMENT ON COLUMN concurrency_groups.group_name IS
'Name as best known, compared without regard to case; NULL where it is not known. An empty one is refused.';
COMMENT ON COLUMN concurrency_groups.source IS
'By what proof the name holds: github, annotation, literal (in the file), evaluated (from the run).';
COMMENT ON COLUMN concurrency_groups.confidence IS
'known; likely: the file is not surely the one used, or a value follows from other runs; '
'pattern: only parts of the name are known; unknown.';
COMMENT ON COLUMN concurrency_groups.level IS
'workflow: held by the whole run; job: by one job; called: at the top of a called workflow, held by the '
'calling job. NULL where GitHub''s endpoint gave the name.';
COMMENT ON COLUMN concurrency_groups.job_name IS
'Name of the job; of a calling job, what stands before " / " in the names of the jobs that it called.';
COMMENT ON COLUMN concurrency_groups.group_key IS 'group_name in lower case: equal keys are one group.';
COMMENT ON COLUMN concurrency_groups.pattern IS
'What the file''s expression came to, with ? for each part that is not known.';
COMMENT ON COLUMN concurrency_groups.expression IS 'The group as written in the file.';
COMMENT ON COLUMN concurrency_groups.path IS 'The file where it is written.';
COMMENT ON COLUMN concurrency_groups.line IS 'The line, from 1.';
COMMENT ON COLUMN concurrency_groups.missing IS
'What would have to be known for the name, and why it is not.';
COMMENT ON COLUMN concurrency_groups.agrees IS
'Whether what GitHub said (endpoint, annotation) is what the file comes to; NULL where it said nothing.';
COMMENT ON COLUMN concurrency_groups.file_source IS
'How sure the file is: exact, between, approx (see run_workflow_files), only (the one content of that path '
'in the case) or unknown.';

-- The files of each run, once: the view costs several joins.
CREATE OR REPLACE TEMP TABLE defining AS
SELECT
    run_id,
    repository,
    path,
    commit,
    called,
    blob,
    source
FROM run_workflow_files;

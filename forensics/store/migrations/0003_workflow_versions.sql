-- What a workflow file was at which commit, so that a run finds the file that defined it.

CREATE TABLE workflow_versions (
    repository VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    commit VARCHAR NOT NULL,
    blob VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    PRIMARY KEY (repository, path, commit)
);
COMMENT ON TABLE workflow_versions IS
'What a workflow file was at a commit at which a run used it; view run_workflow_files joins it to the runs.';
COMMENT ON COLUMN workflow_versions.repository IS 'owner/name, where the file lies.';
COMMENT ON COLUMN workflow_versions.path IS 'Path in the repository.';
COMMENT ON COLUMN workflow_versions.commit IS 'Commit.';
COMMENT ON COLUMN workflow_versions.blob IS
'Git''s id of the content: workflow_files has it as blob: and this id.';
COMMENT ON COLUMN workflow_versions.source IS
'exact: read at that commit; between: not read, but the same at the nearest commits of its branch that were.';

COMMENT ON TABLE workflow_files IS
'One content of a workflow file; workflow_versions says at which commits it stood.';
COMMENT ON COLUMN workflow_files.sha IS 'blob: and git''s id of its bytes (SHA-1), whichever way it came.';

-- Cases made before have blob: and the SHA-256 there. Where the text is all of the bytes (no mark at their
-- beginning, sound UTF-8), which that SHA-256 proves, git's id is made from it; other rows stay as they are.
UPDATE workflow_files
SET
    sha = 'blob:' || sha1(encode('blob ' || strlen(text)) || '\x00'::BLOB || encode(text))
WHERE sha = 'blob:' || sha256(text);

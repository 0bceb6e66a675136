-- Jobs whose log came from several sources (job log and run archive, two downloads): which lines to keep.
CREATE OR REPLACE TEMP TABLE contested AS
WITH lines AS (
    -- A text may be printed twice within a microsecond: the n-th of one source is the n-th of the other.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY job_id, source_id, logged_at, text ORDER BY line_no
        ) AS occurrence
    FROM read_parquet($files)
    WHERE list_contains($jobs, job_id)
),

ranks AS (
    -- The source with most lines gives the order; among equals the one that knows more steps.
    SELECT
        job_id,
        source_id,
        row_number() OVER (
            PARTITION BY job_id ORDER BY count(*) DESC, count(step_number) DESC, source_id
        ) AS source_rank
    FROM lines
    GROUP BY job_id, source_id
),

judged AS (
    SELECT
        lines.*,
        ranks.source_rank,
        row_number() OVER (
            PARTITION BY lines.job_id, lines.logged_at, lines.text, lines.occurrence
            ORDER BY ranks.source_rank
        ) = 1 AS kept
    FROM lines
    INNER JOIN ranks ON lines.job_id = ranks.job_id AND lines.source_id = ranks.source_id
)

-- Lines that only a lesser source has are numbered on behind those of the first.
SELECT
    run_id,
    attempt,
    job_id,
    step_number,
    line_no AS old_line_no,
    logged_at,
    level,
    text,
    source_id,
    kept,
    CASE
        WHEN
            kept
            THEN row_number() OVER (PARTITION BY job_id ORDER BY kept DESC, source_rank ASC, line_no ASC)
        ELSE line_no
    END::INTEGER AS line_no
FROM judged;

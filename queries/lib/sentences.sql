-- What messages are written with: the same words for the same thing in every detector.

-- One attempt of a run, as a sentence names it; GitHub counts attempts from 1.
CREATE OR REPLACE TEMP MACRO run_label(run_id, attempt) AS
'run ' || run_id || CASE WHEN attempt > 1 THEN ' (attempt ' || attempt || ')' ELSE '' END;

-- Whole seconds as people say them: '35 s', '4 min 10 s', '2 h 5 min', '3 d 4 h'.
CREATE OR REPLACE TEMP MACRO whole_duration_text(seconds) AS
CASE
    WHEN seconds < 60 THEN format('{:d} s', seconds)
    WHEN seconds < 3600 THEN format('{:d} min {:d} s', seconds // 60, seconds % 60)
    WHEN seconds < 86400 THEN format('{:d} h {:d} min', seconds // 3600, seconds % 3600 // 60)
    ELSE format('{:d} d {:d} h', seconds // 86400, seconds % 86400 // 3600)
END;

-- Seconds, with one place below ten where it says anything: '0.4 s', '3 s', '35 s', '4 min 10 s'.
CREATE OR REPLACE TEMP MACRO duration_text(seconds) AS
CASE
    WHEN seconds < 9.95 AND round(seconds, 1) <> floor(seconds) THEN format('{:.1f} s', seconds)
    ELSE whole_duration_text(round(seconds)::bigint)
END;

-- '1 pair', '2 pairs'.
CREATE OR REPLACE TEMP MACRO counted(number, singular, plural) AS
number || ' ' || CASE WHEN number = 1 THEN singular ELSE plural END;

-- Seconds from one time to another, with fractions; negative when the second is earlier.
CREATE OR REPLACE TEMP MACRO seconds_between(earlier, later) AS
(epoch_us(later) - epoch_us(earlier)) / 1000000.0;

-- Points at one attempt, for the column runs.
CREATE OR REPLACE TEMP MACRO run_ref(run_id, attempt) AS
struct_pack(run_id := run_id::bigint, attempt := attempt::integer);

-- Points at one log line, for the column evidence.
CREATE OR REPLACE TEMP MACRO line_ref(run_id, attempt, job_id, line_no) AS
struct_pack(
    run_id := run_id::bigint,
    attempt := attempt::integer,
    job_id := job_id::bigint,
    line_no := line_no::integer
);

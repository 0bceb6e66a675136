"""Every saved question: what its head says, and what it answers on a few planted rows."""

from pathlib import Path
from typing import Any

import pytest

from forensics.cli.saved import SavedQuery, find_saved, load_saved, read_saved
from forensics.detect.detector import load_library, packaged_queries
from forensics.errors import QueryRefused, UsageProblem
from forensics.store.store import Store, split_statements

SAVED = load_saved()

CASE = """
INSERT INTO runs (repository, run_id, workflow_name, workflow_path, head_branch, event, inferred) VALUES
  ('acme/shop', 1, 'Deploy', 'deploy.yml', 'main', 'push', false),
  ('acme/shop', 2, 'Deploy', 'deploy.yml', 'main', 'push', false),
  ('acme/shop', 3, 'Tests',  'tests.yml',  'main', 'push', false);

INSERT INTO attempts (repository, run_id, attempt, conclusion, created_at, started_at, completed_at, actor, inferred)
VALUES
  ('acme/shop', 1, 1, 'cancelled', '2026-11-02 10:00:00', '2026-11-02 10:00:10', '2026-11-02 10:02:10', 'ann', false),
  ('acme/shop', 2, 1, 'success',   '2026-11-02 10:01:00', '2026-11-02 10:01:10', '2026-11-02 10:03:10', 'bob', false),
  ('acme/shop', 3, 1, 'failure',   '2026-11-02 11:00:00', '2026-11-02 11:00:30', '2026-11-02 11:01:30', 'ann', false),
  ('acme/shop', 3, 2, 'success',   '2026-11-03 09:00:00', '2026-11-03 09:00:05', '2026-11-03 09:01:05', 'cas', false);

INSERT INTO jobs (repository, job_id, run_id, attempt, name, conclusion, created_at, started_at, completed_at,
                  executed, copied, inferred) VALUES
  ('acme/shop', 11, 1, 1, 'ship', 'cancelled', '2026-11-02 10:00:00', '2026-11-02 10:00:10', '2026-11-02 10:02:10',
   true, false, false),
  ('acme/shop', 21, 2, 1, 'ship', 'success',   '2026-11-02 10:01:00', '2026-11-02 10:01:10', '2026-11-02 10:03:10',
   true, false, false),
  ('acme/shop', 31, 3, 1, 'unit', 'failure',   '2026-11-02 11:00:00', '2026-11-02 11:00:30', '2026-11-02 11:01:30',
   true, false, false),
  ('acme/shop', 32, 3, 2, 'unit', 'success',   '2026-11-03 09:00:00', '2026-11-03 09:00:05', '2026-11-03 09:01:05',
   true, false, false),
  ('acme/shop', 33, 3, 2, 'lint', 'success',   '2026-11-02 11:00:00', '2026-11-02 11:00:30', '2026-11-02 11:00:40',
   true, true, false);

INSERT INTO steps VALUES
  (11, 2, 'kubectl apply', 'completed', 'cancelled', '2026-11-02 10:00:20', '2026-11-02 10:02:00'),
  (21, 2, 'kubectl apply', 'completed', 'success',   '2026-11-02 10:01:20', '2026-11-02 10:03:00'),
  (21, 3, 'notify',        'completed', 'skipped',   '2026-11-02 10:03:00', '2026-11-02 10:03:00'),
  (31, 2, 'pytest',        'completed', 'failure',   '2026-11-02 11:00:40', '2026-11-02 11:01:20'),
  (33, 2, 'ruff',          'completed', 'success',   '2026-11-02 11:00:30', '2026-11-02 11:00:40');

INSERT INTO log_lines VALUES
  (1, 1, 11, 2, 1, '2026-11-02 10:00:21', NULL,    'deployment.apps/shop configured',       7),
  (1, 1, 11, 2, 2, '2026-11-02 10:01:51', 'error', 'The operation was canceled.',           7),
  (3, 1, 31, 2, 1, '2026-11-02 11:00:41', 'error', 'port 8080 in use by pid 4242',          8),
  (3, 1, 31, 2, 2, '2026-11-02 11:00:42', 'error', 'port 9090 in use by pid 17',            8),
  (1, 1, 11, 1, 3, NULL, 'group', '##[group]GITHUB_TOKEN Permissions', 7),
  (1, 1, 11, 1, 4, NULL, NULL, 'Contents: write', 7),
  (1, 1, 11, 1, 5, NULL, NULL, 'Metadata: read', 7),
  (1, 1, 11, 1, 6, NULL, NULL, 'Actions: write', 7);

INSERT INTO effects VALUES
  ('acme/shop', 1, 1, 11, 2, '2026-11-02 10:00:21', '2026-11-02 10:00:21', 'kubectl', 'apply', 'k8s:deployment/shop',
   NULL, 'done', 'aaa', 'kubectl', 1, 1, 'deployment.apps/shop configured', 7),
  ('acme/shop', 2, 1, 21, 2, '2026-11-02 10:01:30', '2026-11-02 10:01:30', 'kubectl', 'apply', 'k8s:deployment/shop',
   NULL, 'no-op', 'bbb', 'kubectl', 1, 1, 'deployment.apps/shop unchanged', 9);

INSERT INTO problems VALUES
  ('log-expired', 'logs/2.zip', '', 'GitHub keeps logs for 90 days.', 0, 2, 21),
  ('bad-crc', 'logs/1.zip', 'ship/2_x.txt', 'The member is damaged.', 5, 1, NULL);

INSERT INTO log_sources (source_id, main_source_id, unit_id, evidence_path, member, form, run_id, attempt, job_id,
    attributed_by, steps_by, bytes, lines_in, lines_stored, lines_duplicate, lines_problem) VALUES
  (7, 7, 'u1', 'logs/1.zip', '0_ship.txt',   'job',  1, 1, 11, 'name', 'files',   90, 9, 2, 2, 5),
  (8, 8, 'u3', 'logs/3.zip', 'unit.txt',     'step', 3, 1, 31, 'name', 'files',   60, 2, 2, 0, 0),
  (9, 9, 'u1', 'logs/1.zip', 'ship/2_x.txt', 'step', 1, 1, 11, 'name', 'files',   10, 2, 0, 2, 0);
"""

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "busiest-lanes": [
        {"workflow": "Deploy", "lane": "branch main", "attempts": 2, "busy_minutes": 4.0, "most_at_once": 2},
        {"workflow": "Tests", "lane": "branch main", "attempts": 2, "busy_minutes": 2.0, "most_at_once": 1},
    ],
    "cancelled-runs": [
        {
            "run_id": 1,
            "lane": "branch main",
            "ran_seconds": 120.0,
            "effects_done": 1,
            "next_run_id": 2,
            "next_after_seconds": 60.0,
            "next_conclusion": "success",
        }
    ],
    "effects-by-target": [
        {"target": "k8s:deployment/shop", "tool": "kubectl", "done": 1, "no_op": 1, "rejected": 0, "runs": 2}
    ],
    "failures-by-job": [{"workflow": "Tests", "job": "unit", "executions": 2, "failed": 1, "failed_percent": 50.0}],
    "line-accounts": [
        {"evidence_path": "logs/1.zip", "form": "job, step", "sources": 2, "lines_in": 11, "adds_up": True},
        {"evidence_path": "logs/3.zip", "form": "step", "sources": 1, "lines_in": 2, "adds_up": True},
    ],
    "longest-silences": [
        {"seconds": 90.0, "job_id": 11, "job": "ship", "line_no": 1, "text": "deployment.apps/shop configured"},
        {"seconds": 1.0, "job_id": 31, "job": "unit", "line_no": 1},
    ],
    "missing-logs": [
        {"job_id": 21, "why": "log-expired: GitHub keeps logs for 90 days."},
        {"job_id": 32, "why": None},
    ],
    "most-frequent-errors": [
        {"error": "port <n> in use by pid <n>", "lines": 2, "jobs": 1, "example_line_no": 1},
        {"error": "The operation was canceled.", "lines": 1, "jobs": 1, "example_line_no": 2},
    ],
    "problems-by-kind": [
        {"kind": "bad-crc", "problems": 1, "files": 1, "runs": 1, "lines": 5, "example": "The member is damaged."},
        {"kind": "log-expired", "problems": 1, "lines": 0},
    ],
    "queue-time-by-hour": [
        {"hour": 9, "jobs": 1, "median_seconds": 5.0},
        {"hour": 10, "jobs": 2, "median_seconds": 10.0, "most_seconds": 10.0},
        {"hour": 11, "jobs": 1, "median_seconds": 30.0},
    ],
    "runs-per-day": [
        {"workflow": "Deploy", "runs": 2, "attempts": 2, "succeeded": 1, "failed": 0, "cancelled": 1},
        {"workflow": "Tests", "runs": 1, "attempts": 1, "succeeded": 0, "failed": 1, "cancelled": 0},
        {"workflow": "Tests", "runs": 1, "attempts": 1, "succeeded": 1, "failed": 0, "cancelled": 0},
    ],
    "slowest-steps": [
        {"step": "kubectl apply", "executions": 2, "median_seconds": 100.0, "total_hours": 0.06},
        {"step": "pytest", "executions": 1, "median_seconds": 40.0, "total_hours": 0.01},
    ],
    "token-permissions": [
        {"workflow": "Deploy", "job": "ship", "jobs": 1, "writes": "Actions, Contents", "effects": "apply"},
    ],
    "who-reran-what": [
        {
            "actor": "cas",
            "run_id": 3,
            "attempt": 2,
            "conclusion_before": "failure",
            "conclusion": "success",
            "jobs_executed": 1,
            "jobs_copied": 1,
        }
    ],
}


@pytest.fixture(scope="module")
def case() -> Store:
    store = Store.memory()
    store.execute(CASE)
    load_library(store)
    return store


@pytest.fixture(scope="module")
def empty() -> Store:
    store = Store.memory()
    load_library(store)
    return store


@pytest.mark.parametrize("query", SAVED, ids=lambda query: query.id)
def test_it_answers_what_was_planted(case: Store, query: SavedQuery) -> None:
    wanted = ANSWERS[query.id]
    found = case.query(query.sql).dicts()
    assert [{name: row[name] for name in want} for want, row in zip(wanted, found, strict=True)] == wanted


@pytest.mark.parametrize("query", SAVED, ids=lambda query: query.id)
def test_it_is_one_select_and_explains_every_column_in_order(empty: Store, query: SavedQuery) -> None:
    statements = split_statements(query.sql)
    assert [statement.kind for statement in statements] == ["SELECT"]
    assert not statements[0].parameters
    answer = empty.query(query.sql)
    assert answer.rows == []
    assert list(query.columns) == list(answer.columns)
    assert query.question.endswith("?")
    assert all(means.endswith(".") for means in query.columns.values())


def test_there_are_a_dozen_and_each_has_a_planted_answer() -> None:
    files = {file.stem for file in (packaged_queries() / "explore").glob("*.sql")}
    assert files == set(ANSWERS)
    assert len(files) >= 12


def test_a_name_that_is_none_says_where_the_names_are() -> None:
    with pytest.raises(UsageProblem, match="no saved query 'slow'") as raised:
        find_saved("slow")
    assert "--list" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("SELECT 1", "exactly columns, id, question, title"),
        ("-- id: [\nSELECT 1", "not YAML"),
        ("-- id: other\n-- title: T\n-- question: Q?\n-- columns: {a: A.}\nSELECT 1 AS a", "not its file name"),
        ("-- id: mine\n-- title: T\n-- question: Q?\n-- columns: a\nSELECT 1 AS a", "what it means"),
    ],
)
def test_a_wrong_head_is_named(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "mine.sql"
    file.write_text(text)
    with pytest.raises(QueryRefused, match=what):
        read_saved(file)

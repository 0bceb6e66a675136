"""deployment_effects: what GitHub was told, in the words of write_effects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forensics.detect.detector import load_library
from forensics.store.store import Store

CASE = """
INSERT INTO attempts (repository, run_id, attempt, started_at, inferred) VALUES
  ('octo/shop', 1, 1, '2026-03-02 10:00:00', false), ('octo/shop', 1, 2, '2026-03-02 11:00:00', false);
INSERT INTO jobs (repository, job_id, run_id, attempt, name, copied, inferred) VALUES
  ('octo/shop', 11, 1, 1, 'deploy', false, false), ('octo/shop', 12, 1, 2, 'deploy', false, false),
  ('octo/shop', 13, 1, 2, 'kept', true, false);
INSERT INTO deployments (repository, deployment_id, environment, sha, created_at) VALUES
  ('octo/shop', 1, 'production', 'aaa', '2026-03-02 10:00:05'),
  ('octo/shop', 2, 'production', 'bbb', '2026-03-02 11:00:05'),
  ('octo/shop', 3, 'staging',    'ccc', '2026-03-02 11:00:05'),
  ('octo/shop', 4, 'copied',     'ddd', '2026-03-02 11:00:05'),
  ('octo/shop', 5, 'elsewhere',  'eee', '2026-03-02 11:00:05'),
  ('octo/shop', 6, 'waiting',    'fff', '2026-03-02 11:00:05');
INSERT INTO deployment_statuses (repository, status_id, deployment_id, state, run_id, job_id, created_at) VALUES
  ('octo/shop', 1, 1, 'in_progress', 1, 11,   '2026-03-02 10:00:10'),
  ('octo/shop', 2, 1, 'success',     1, 11,   '2026-03-02 10:00:40'),
  ('octo/shop', 3, 1, 'inactive',    1, 12,   '2026-03-02 11:00:40'),
  ('octo/shop', 4, 2, 'failure',     1, 12,   '2026-03-02 11:00:30'),
  ('octo/shop', 5, 3, 'in_progress', 1, NULL, '2026-03-02 11:00:20'),
  ('octo/shop', 6, 4, 'success',     1, 13,   '2026-03-02 11:00:20'),
  ('octo/shop', 7, 5, 'success',  NULL, NULL, '2026-03-02 11:00:20'),
  ('octo/shop', 8, 6, 'queued',      1, NULL, '2026-03-02 11:00:20');
"""
LOGGED = """
INSERT INTO effects
  (repository, run_id, attempt, job_id, tool, effect, target, outcome, rule, line_no, text, source_id)
VALUES ('octo/shop', 1, 1, {job}, 'kubectl', 'deploy', 'k8s:deployment/cart', '{outcome}', 'kubectl', 1, 'x', 1)
"""
SHOWN = (
    "run_id, attempt, job_id, target, identity, outcome, strftime(began_at, '%H:%M:%S'), occurred_at::TIME::VARCHAR"
)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.memory()
    load_library(store)
    for statement in CASE.strip().split(";\n"):
        store.execute(statement)
    yield store


def shown(store: Store) -> list[tuple[object, ...]]:
    rows = store.query(f"SELECT {SHOWN} FROM deployment_effects ORDER BY began_at, target").rows
    return [tuple(row) for row in rows]


def test_a_deployment_is_done_failed_or_not_known_to_have_ended(store: Store) -> None:
    """Not those without a run, those that only waited, nor those of a job that was copied."""
    assert shown(store) == [
        (1, 1, 11, "environment:production", "aaa", "done", "10:00:10", "10:00:40"),
        (1, 2, 12, "environment:production", "bbb", "failed", "11:00:05", "11:00:30"),
        (1, 2, None, "environment:staging", "ccc", "unknown", "11:00:20", "11:00:20"),
    ]


def test_a_log_that_tells_what_was_deployed_is_enough(store: Store) -> None:
    store.execute(LOGGED.format(job=11, outcome="done"))
    store.execute(LOGGED.format(job=12, outcome="no-op"))
    assert [row[2] for row in shown(store)] == [12, None]


def test_its_columns_are_those_of_write_effects(store: Store) -> None:
    names = [store.query(f"SELECT * FROM {view}").columns for view in ("deployment_effects", "write_effects")]
    assert names[0] == names[1]

"""Why each cancelled attempt and job was cancelled, and by whose arrival: fills the table ``cancellations``.

The decision table is that of the facts, A13: GitHub's annotation first; else, where nothing was annotated because
nothing had begun, whoever arrived at the same group in the seconds before the end.
"""

from __future__ import annotations

from importlib import resources

from forensics.store.store import Store

WAITING_SECONDS = 3
"""An evicted waiter ends this soon after the other's arrival (measured: 1 to 3 s, to the API's second)."""

ANNOTATED_SECONDS = 10
"""The same where an annotation proves the supersession, or a running step had to give in."""

TAIL_SECONDS = 330
"""A running job may resist its cancellation for five minutes before GitHub ends it by force."""

QUEUE_LIMIT = 100
"""What a group with ``queue: max`` lets wait; not configurable."""


def derive_cancellations(store: Store) -> int:
    """Fill ``cancellations`` anew from runs, jobs, annotations and ``concurrency_groups``; returns how many rows.

    One row for each attempt that concluded cancelled (job_id NULL) and for each job that was cancelled, timed out,
    or was stopped by GitHub with a reason. Run again, it gives the same rows. One transaction.
    """
    settings = {
        "waiting_seconds": WAITING_SECONDS,
        "annotated_seconds": ANNOTATED_SECONDS,
        "tail_seconds": TAIL_SECONDS,
        "queue_limit": QUEUE_LIMIT,
    }
    select = resources.files("forensics.concurrency").joinpath("sql", "cancellations.sql").read_text(encoding="utf-8")
    with store.transaction():
        store.execute("DELETE FROM cancellations")
        store.execute(f"INSERT INTO cancellations BY NAME {select}", settings)
        return int(store.query("SELECT count(*) FROM cancellations").rows[0][0])

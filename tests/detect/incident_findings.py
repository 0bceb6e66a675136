"""Findings on one line each, for the tests of incidents."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from forensics.model import EvidenceLine, Finding, RunRef

DAY = datetime(2026, 3, 2)


def finding(
    detector: str,
    severity: Any,
    runs: tuple[int, ...],
    target: str | None,
    at: float | None,
    *,
    number: int = 0,
    lines: tuple[tuple[int, float], ...] = (),
    repository: str = "octo/shop",
    **values: Any,
) -> Finding:
    """A finding about first attempts; ``at`` and the times of its ``lines`` (run, time) are minutes of the day."""
    about = "-".join([*map(str, runs), target or "", str(number), repository])
    return Finding(
        id=f"{detector}-{hashlib.sha256(about.encode()).hexdigest()[:10]}",
        detector=detector,
        title=detector.replace("-", " ").capitalize(),
        severity=severity,
        precision="certain",
        message=f"{detector} of {', '.join(map(str, runs))} at '{target}'.",
        occurred_at=None if at is None else DAY + timedelta(minutes=at),
        repository=repository,
        runs=tuple(RunRef(run, 1) for run in runs),
        target=target,
        evidence=tuple(
            EvidenceLine(run, 1, run * 10, 2, 5, DAY + timedelta(minutes=minute), "proof") for run, minute in lines
        ),
        values=values,
    )

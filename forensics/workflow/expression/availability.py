"""Which contexts and special functions GitHub has at which key of a workflow file.

Source: ``workflow-v1.0.json`` of GitHub's language services (@actions/workflow-parser 0.3.61), which agrees with the
table "Context availability" of GitHub's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTEXTS = (
    "github",
    "inputs",
    "vars",
    "needs",
    "strategy",
    "matrix",
    "env",
    "secrets",
    "steps",
    "job",
    "jobs",
    "runner",
)
"""Every context there is, in lower case."""


@dataclass(frozen=True)
class Availability:
    """What may be used at a key; names in lower case. Functions that every key has are not listed."""

    contexts: tuple[str, ...]
    functions: tuple[str, ...] = ()


_RUN = ("github", "inputs", "vars")
_JOB = (*_RUN, "needs", "strategy", "matrix")
_STEP = (*_JOB, "secrets", "steps", "job", "runner", "env")
_STATUS = ("success", "failure", "always", "cancelled")

ALLOWED: dict[str, Availability] = {
    "concurrency": Availability(_RUN),
    "run-name": Availability(_RUN),
    "env": Availability((*_RUN, "secrets")),
    "on.workflow_call.inputs.default": Availability(_RUN),
    "on.workflow_call.outputs.value": Availability((*_RUN, "jobs")),
    "jobs.concurrency": Availability(_JOB),
    "jobs.if": Availability((*_RUN, "needs"), _STATUS),
    "jobs.strategy": Availability((*_RUN, "needs")),
    "jobs.name": Availability(_JOB),
    "jobs.runs-on": Availability(_JOB),
    "jobs.environment": Availability(_JOB),
    "jobs.with": Availability(_JOB),
    "jobs.secrets": Availability((*_JOB, "secrets")),
    "jobs.env": Availability((*_JOB, "secrets")),
    "jobs.steps": Availability(_STEP, ("hashfiles",)),
    "jobs.steps.if": Availability((*_JOB, "steps", "job", "runner", "env"), (*_STATUS, "hashfiles")),
}
"""By key, job and step ids left out. ``group`` and ``cancel-in-progress`` have what ``concurrency`` has."""

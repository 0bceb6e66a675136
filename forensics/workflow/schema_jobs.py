"""What GitHub takes at the top of a workflow file and in its jobs.

Source: ``workflow-root-strict`` of workflow-v1.0.json in GitHub's language services (@actions/workflow-parser
0.3.61), with what it knows and the runner's older copy (actions/runner at 258d6c8) does not: parallel steps,
``queue``, ``environment.deployment``.
"""

from __future__ import annotations

from dataclasses import replace

from forensics.workflow.expression.availability import Availability
from forensics.workflow.schema_triggers import ON
from forensics.workflow.shape import (
    CALLED_JOBS,
    CREDENTIALS,
    ENVIRONMENT_URL,
    JOB,
    JOB_DEFAULTS,
    JOB_IF,
    JOB_OUTPUT,
    JOB_SECRETS,
    NOTHING,
    RUN,
    STEP,
    STEP_IF,
    WORKFLOW_ENV,
    Shape,
    anything,
    boolean,
    condition,
    either,
    maybe,
    number,
    one_of,
    record,
    rows,
    table,
    text,
    word,
    words,
)

_ANY_ACCESS = one_of("read", "write", "none")
_TO_WRITE = one_of("write", "none")
_TO_READ = one_of("read", "none")

PERMISSIONS = either(
    "permissions by scope, 'read-all' or 'write-all'",
    one_of("read-all", "write-all"),
    record(
        "permissions by scope",
        dict.fromkeys(
            (
                "actions",
                "artifact-metadata",
                "attestations",
                "checks",
                "code-quality",
                "contents",
                "deployments",
                "discussions",
                "drives",
                "issues",
                "packages",
                "pages",
                "pull-requests",
                "repository-projects",
                "security-events",
                "statuses",
            ),
            _ANY_ACCESS,
        )
        | dict.fromkeys(("copilot-requests", "id-token"), _TO_WRITE)
        | dict.fromkeys(("models", "vulnerability-alerts"), _TO_READ),
    ),
)


def _concurrency(available: Availability) -> Shape:
    return either(
        "the name of a group, or a mapping with 'group'",
        word("a group's name", available),
        record(
            "a mapping with 'group'",
            {
                "group": word("a group's name", available),
                "cancel-in-progress": boolean(available),
                "queue": replace(one_of("single", "max"), available=available),
            },
            ("group",),
        ),
        available=available,
    )


def _env(available: Availability) -> Shape:
    return table("variables by name", text("text", available), available)


def _defaults(available: Availability) -> Shape:
    fields = {
        "shell": word("a shell", available),
        "working-directory": word("a folder", available),
    }
    return record("defaults of steps", {"run": record("defaults of 'run'", fields, available=available)})


_CONTAINER_FIELDS = {
    "image": word("an image", JOB),
    "options": text("options", JOB),
    "env": table("variables by name", text("text", JOB_OUTPUT), JOB),
    "ports": rows("a list of ports", word("a port", JOB), JOB),
    "volumes": rows("a list of volumes", word("a volume", JOB), JOB),
    "credentials": record(
        "user name and password",
        {"username": word("a user name", CREDENTIALS), "password": word("a password", CREDENTIALS)},
        available=CREDENTIALS,
    ),
}
_CONTAINER = either("an image", text("an image"), record("a container", _CONTAINER_FIELDS), available=JOB)
_SERVICE = either(
    "an image",
    text("an image"),
    record(
        "a container", {**_CONTAINER_FIELDS, "entrypoint": text("a command", JOB), "command": text("a command", JOB)}
    ),
    available=JOB,
)

_MATRIX_ANYTHING = anything(CALLED_JOBS)
_MATRIX_FILTER = rows("a list of combinations", table("a combination", _MATRIX_ANYTHING, CALLED_JOBS), CALLED_JOBS)
_MATRIX = Shape(
    "a list of values by name",
    fields={"include": _MATRIX_FILTER, "exclude": _MATRIX_FILTER},
    loose=rows("a list of values", _MATRIX_ANYTHING, CALLED_JOBS),
    available=CALLED_JOBS,
)
_STRATEGY = record(
    "a strategy",
    {"fail-fast": boolean(CALLED_JOBS), "max-parallel": number(CALLED_JOBS), "matrix": _MATRIX},
    available=CALLED_JOBS,
)

_ENVIRONMENT = either(
    "the name of an environment, or a mapping with 'name'",
    text("a name"),
    record(
        "a mapping with 'name'",
        {
            "name": text("a name", JOB),
            "url": text("an address", ENVIRONMENT_URL),
            "deployment": boolean(JOB),
        },
        ("name",),
    ),
    available=JOB,
)
_RUNS_ON = either(
    "a label, a list of labels, or a mapping with 'group' or 'labels'",
    words("a label", available=JOB),
    record(
        "a mapping with 'group' or 'labels'",
        {"group": word("a runner group", JOB), "labels": words("a label", available=JOB)},
    ),
    available=JOB,
)
_SNAPSHOT = either(
    "the name of an image, or a mapping with 'image-name'",
    word("a name"),
    record(
        "a mapping with 'image-name'",
        {"image-name": word("a name", JOB), "if": condition(STEP_IF), "version": word("a version", JOB)},
        ("image-name",),
    ),
    available=JOB,
)

_STEP_HEAD = {"name": text("a name", STEP), "id": word("an id"), "continue-on-error": boolean(STEP)}
_STEP_WORK = {
    **_STEP_HEAD,
    "if": condition(STEP_IF),
    "timeout-minutes": number(STEP),
    "env": _env(STEP),
    "background": boolean(),
}
_RUN_STEP = record(
    "a step with 'run'",
    {
        **_STEP_WORK,
        "run": text("a script", STEP),
        "working-directory": text("a folder", STEP),
        "shell": word("a shell"),
    },
    ("run",),
)
_USES_STEP = record("a step with 'uses'", {**_STEP_WORK, "uses": word("an action"), "with": _env(STEP)}, ("uses",))
_WORK = {"run": _RUN_STEP, "uses": _USES_STEP}
_GROUPED = {
    name: replace(shape, fields={key: value for key, value in (shape.fields or {}).items() if key != "background"})
    for name, shape in _WORK.items()
}
# Parallel steps came in 2026; GitHub's language services know them behind the feature flag allowBackgroundSteps.
_PARALLEL_STEP = record(
    "a parallel group",
    {"parallel": rows("a list of steps", Shape("a step with 'run' or 'uses'", choices=_GROUPED))},
    ("parallel",),
)
_STEP_CHOICES = {
    **_WORK,
    "wait": record("a wait", {**_STEP_HEAD, "wait": words("the id of a step")}, ("wait",)),
    "wait-all": record("a wait", {**_STEP_HEAD, "wait-all": maybe(boolean())}, ("wait-all",)),
    "cancel": record("a cancel", {**_STEP_HEAD, "cancel": word("the id of a step")}, ("cancel",)),
    "parallel": _PARALLEL_STEP,
}
STEP_SHAPE = Shape("a step with 'run' or 'uses'", choices=_STEP_CHOICES)

_BOTH_JOBS = {
    "name": text("a name", JOB),
    "needs": words("the id of a job"),
    "if": condition(JOB_IF),
    "strategy": _STRATEGY,
    "permissions": PERMISSIONS,
    "concurrency": _concurrency(JOB),
}
_STEPS_JOB = record(
    "a job with 'runs-on' and 'steps'",
    {
        **_BOTH_JOBS,
        "runs-on": _RUNS_ON,
        "timeout-minutes": number(JOB),
        "cancel-timeout-minutes": number(JOB),
        "continue-on-error": boolean(JOB),
        "container": _CONTAINER,
        "services": table("containers by name", _SERVICE, JOB),
        "env": _env(JOB_SECRETS),
        "environment": _ENVIRONMENT,
        "outputs": table("outputs by name", text("text", JOB_OUTPUT)),
        "defaults": _defaults(JOB_DEFAULTS),
        "steps": rows("a list of steps", STEP_SHAPE),
        "snapshot": _SNAPSHOT,
    },
    ("runs-on",),
)


def _argument(available: Availability) -> Shape:
    return either("text, a number or true or false", text(), boolean(), number(), available=available)


_CALL_JOB = record(
    "a job that calls a workflow with 'uses'",
    {
        **_BOTH_JOBS,
        "uses": word("a workflow file"),
        "with": table("inputs by name", _argument(JOB)),
        "secrets": either(
            "secrets by name, or 'inherit'", one_of("inherit"), table("secrets by name", _argument(JOB_SECRETS))
        ),
    },
    ("uses",),
)
_JOB_CHOICES = {
    **{name: _STEPS_JOB for name in (_STEPS_JOB.fields or {}) if name not in _BOTH_JOBS},
    **dict.fromkeys(("uses", "with", "secrets"), _CALL_JOB),
}
JOB_SHAPE = Shape("a job with 'runs-on' or 'uses'", choices=_JOB_CHOICES)

WORKFLOW = record(
    "a workflow: 'on' and 'jobs'",
    {
        "on": ON,
        "name": text("a name"),
        "description": text("a description"),
        "run-name": text("a name", RUN),
        "defaults": _defaults(NOTHING),
        "env": _env(WORKFLOW_ENV),
        "permissions": PERMISSIONS,
        "concurrency": _concurrency(RUN),
        "jobs": table("jobs by id", JOB_SHAPE),
    },
    ("on", "jobs"),
)

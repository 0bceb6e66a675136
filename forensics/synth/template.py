"""The made-up repository's workflows: read from the YAML that is also written as evidence, with a pace for each step.

The YAML is the one truth: names, order, ``needs``, scripts and ``with:`` of the logs all come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

WORKFLOW_FILES: tuple[str, ...] = ("ci.yml", "release.yml", "deploy.yml", "infra.yml", "docs.yml")
"""In the order in which the repository got them."""

SETUP_STEP = "Set up job"
COMPLETE_STEP = "Complete job"

PACE: dict[str, tuple[float, float]] = {
    # step name: median seconds, sigma of the natural logarithm
    SETUP_STEP: (1.6, 0.2),
    COMPLETE_STEP: (0.3, 0.2),
    "Run actions/checkout@v4": (1.8, 0.25),
    "Run actions/setup-node@v4": (3.2, 0.25),
    "Run docker/setup-buildx-action@v3": (4.5, 0.2),
    "Run docker/login-action@v3": (1.1, 0.2),
    "Run hashicorp/setup-terraform@v3": (2.4, 0.2),
    "Install dependencies": (14.0, 0.2),
    "Lint": (26.0, 0.18),
    "Unit tests": (64.0, 0.16),
    "Integration tests": (118.0, 0.2),
    "Build": (41.0, 0.17),
    "Measure coverage": (88.0, 0.18),
    "Compute next version": (2.2, 0.2),
    "Build and push release image": (104.0, 0.2),
    "Build package": (22.0, 0.18),
    "Publish package": (6.5, 0.22),
    "Push release tag": (2.6, 0.22),
    "Verify package": (8.0, 0.22),
    "Pack assets": (1.4, 0.2),
    "Create GitHub release": (4.1, 0.22),
    "Build and push production image": (92.0, 0.2),
    "Apply manifests": (5.2, 0.2),
    "Wait for rollout": (47.0, 0.2),
    "Smoke test": (11.0, 0.2),
    "Terraform init": (7.5, 0.2),
    "Terraform plan": (33.0, 0.18),
    "Terraform apply": (96.0, 0.22),
    "Build site": (29.0, 0.18),
    "Upload site": (3.4, 0.2),
    "Deploy to GitHub Pages": (12.0, 0.2),
}
"""How long a step takes: log-normal and the same on every day, so that only a planted outlier is one."""

_POST_PACE = (0.7, 0.25)

_WITH_POST = ("actions/checkout", "actions/setup-node", "docker/", "hashicorp/")
"""Actions that clean up after the job (their ``action.yml`` names a ``post:``)."""


@dataclass(frozen=True)
class StepTemplate:
    """One entry under ``steps:``."""

    name: str
    """As GitHub shows it: ``name:``, else ``Run`` and the action or the first line of the script."""
    uses: str | None
    script: str | None
    inputs: tuple[tuple[str, str], ...]
    env: tuple[tuple[str, str], ...]

    @property
    def pace(self) -> tuple[float, float]:
        """Median seconds and sigma of the natural logarithm."""
        return pace(self.name)

    @property
    def has_post(self) -> bool:
        """Whether a ``Post …`` step follows at the end of the job."""
        return self.uses is not None and self.uses.startswith(_WITH_POST)


@dataclass(frozen=True)
class JobTemplate:
    """One job as it runs: a leg of a matrix is a job of its own."""

    key: str
    name: str
    needs: tuple[str, ...]
    """Keys of the jobs that it waits for."""
    condition: str | None
    labels: tuple[str, ...]
    environment: str | None
    matrix: tuple[tuple[str, str], ...]
    steps: tuple[StepTemplate, ...]


@dataclass(frozen=True)
class WorkflowTemplate:
    """One workflow file."""

    file: str
    name: str
    text: str
    permissions: tuple[tuple[str, str], ...]
    jobs: tuple[JobTemplate, ...]

    def job(self, name: str) -> JobTemplate:
        """The job of this name; one of a called workflow, which the file does not have, without steps."""
        called = JobTemplate(name, name, (), None, ("ubuntu-latest",), None, (), ())
        return next((job for job in self.jobs if job.name == name), called)

    @property
    def path(self) -> str:
        """Path in the repository."""
        return f".github/workflows/{self.file}"


def pace(step_name: str) -> tuple[float, float]:
    """Median seconds and sigma of the natural logarithm of a step; ``Post …`` steps share one."""
    return _POST_PACE if step_name.startswith("Post ") else PACE[step_name]


@cache
def load_workflow(file: str) -> WorkflowTemplate:
    """Read one of `WORKFLOW_FILES`; each leg of a matrix becomes a job."""
    return read_workflow(file, (files(__package__) / "workflows" / file).read_text(encoding="utf-8"))


def read_workflow(file: str, text: str) -> WorkflowTemplate:
    """Read the text of a workflow file; a job that calls another workflow has no steps."""
    parsed: dict[str, Any] = YAML(typ="safe").load(text)
    jobs = tuple(leg for key, job in parsed["jobs"].items() for leg in _legs(key, job))
    granted = parsed.get("permissions") or {}
    permissions = tuple((key, value) for key, value in granted.items())
    return WorkflowTemplate(file, parsed["name"], text, permissions, jobs)


def _legs(key: str, job: dict[str, Any]) -> list[JobTemplate]:
    matrix = job.get("strategy", {}).get("matrix", {})
    legs: list[tuple[tuple[str, str], ...]] = [()]
    for axis, values in matrix.items():
        legs = [(*leg, (axis, str(value))) for leg in legs for value in values]
    return [_job(key, job, leg) for leg in legs]


def _job(key: str, job: dict[str, Any], leg: tuple[tuple[str, str], ...]) -> JobTemplate:
    name = job.get("name", key)
    for axis, value in leg:
        name = name.replace("${{ matrix." + axis + " }}", value)
    environment = job.get("environment")
    return JobTemplate(
        key=key,
        name=name,
        needs=_listed(job.get("needs", [])),
        condition=job.get("if"),
        labels=_listed(job.get("runs-on", [])),
        environment=environment["name"] if isinstance(environment, dict) else environment,
        matrix=leg,
        steps=tuple(_step(step) for step in job.get("steps", [])),
    )


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _step(step: dict[str, Any]) -> StepTemplate:
    script = step.get("run")
    uses = step.get("uses")
    shown = uses or str(script).strip().splitlines()[0]
    return StepTemplate(
        name=step.get("name", f"Run {shown}"),
        uses=uses,
        script=script.rstrip("\n") if script else None,
        inputs=_pairs(step.get("with", {})),
        env=_pairs(step.get("env", {})),
    )


def _pairs(mapping: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, _scalar(value)) for key, value in mapping.items())


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).rstrip("\n")

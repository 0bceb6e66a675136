"""What steps do to the world: the truth that the logs announce and that the detectors must find again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from forensics.synth.history import Attempt, History, Job, Run, Step
from forensics.synth.scene import IMAGE, PACKAGE, STATE


@dataclass(frozen=True)
class Deed:
    """One thing that one step did, or tried to."""

    run: Run
    attempt: int
    job: Job
    step: Step
    tool: str
    effect: str
    target: str
    """What it was done to, without the kind."""
    identity: str | None
    """What came into being; None where nothing has a name of its own."""
    outcome: str
    """done, rejected, failed, no-op or unknown."""

    @property
    def occurred_at(self) -> datetime:
        """When it was over, to a second or so, by GitHub's clock."""
        return self.step.completed_at


def list_deeds(history: History) -> Iterator[Deed]:
    """Every deed of every executed job, in the order of the runs."""
    for run, attempt, job in history.executions():
        for step in job.steps:
            if step.conclusion != "skipped":
                for tool, effect, target, identity, outcome in _tell(run, attempt, step):
                    yield Deed(run, attempt.number, job, step, tool, effect, target, identity, outcome)


_Told = tuple[str, str, str, str | None, str]


def _tell(run: Run, attempt: Attempt, step: Step) -> list[_Told]:
    facts, sha = attempt.facts, run.commit.sha
    version = facts.get("version", "")
    digest = f"sha256:{facts['digest']}"
    outcome = {"success": "done", "cancelled": "unknown"}.get(step.conclusion, "failed")
    match step.name:
        case "Build and push release image":
            return [("docker", "push", f"{IMAGE}:{version}", digest, outcome)]
        case "Build and push production image":
            tags = (f"{IMAGE}:production", f"{IMAGE}:sha-{sha}")
            return [("docker", "push", tag, digest, outcome) for tag in tags]
        case "Publish package":
            refused = "rejected" if step.mode == "already-published" else outcome
            return [("npm", "publish", PACKAGE, f"{PACKAGE}@{version}", refused)]
        case "Push release tag":
            refused = "rejected" if step.mode == "tag-exists" else outcome
            return [("git", "tag", "acme/storefront", f"v{version}", refused)]
        case "Create GitHub release":
            return [("github", "release", "acme/storefront", f"v{version}", outcome)]
        case "Apply manifests":
            return [("kubectl", "apply", "deployment/storefront", sha, outcome)]
        case "Terraform apply":
            return [("terraform", "apply", STATE, None, outcome)]
        case "Deploy to GitHub Pages":
            return [("pages", "deploy", "acme/storefront", sha, outcome)]
        case _:
            return []

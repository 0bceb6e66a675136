"""What steps do to the world: the truth that the logs announce and that the effect rules must find again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from forensics.synth.history import Attempt, History, Job, Run, Step
from forensics.synth.scene import IMAGE, PACKAGE, cache_key

DEPLOYMENT = "k8s:deployment/storefront namespace=production"
INFRASTRUCTURE = "terraform:acme/storefront/infra/production"
_UNTOUCHED = ("service/storefront", "configmap/storefront-settings", "horizontalpodautoscaler/storefront")


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
    """What it was done to, as the effect rules name it."""
    identity: str | None
    """What came into being; None where the log does not say."""
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
                for tool, effect, target, identity, outcome in _tell(history, run, attempt, step):
                    yield Deed(run, attempt.number, job, step, tool, effect, target, identity, outcome)


_Told = tuple[str, str, str, str | None, str]


def _tell(history: History, run: Run, attempt: Attempt, step: Step) -> list[_Told]:
    facts, sha = attempt.facts, run.commit.sha
    tag = f"v{facts.get('version', '')}"
    digest = f"sha256:{facts['digest']}"
    outcome = {"success": "done", "cancelled": "unknown"}.get(step.conclusion, "failed")
    if step.mode in ("already-published", "tag-exists", "locked"):
        outcome = "rejected"
    match step.name:
        case "Build and push release image":
            return [("docker", "push", f"docker:{IMAGE}:{tag[1:]}", digest, outcome)]
        case "Build and push production image":
            tags = ("production", f"sha-{sha}")
            return [("docker", "push", f"docker:{IMAGE}:{name}", digest, outcome) for name in tags]
        case "Publish package":
            return [("npm", "publish", f"npm:{PACKAGE}", f"{PACKAGE}@{tag[1:]}", outcome)]
        case "Push release tag":
            return [("git", "tag", f"git-tag:github.com/{history.repository} {tag}", tag, outcome)]
        case "Create GitHub release":
            return [("github-release", "release", f"release:{history.repository}", tag, outcome)]
        case "Apply manifests":
            others = [("kubectl", "apply", f"k8s:{name} namespace=production", None, "no-op") for name in _UNTOUCHED]
            return [("kubectl", "apply", DEPLOYMENT, None, outcome), *others]
        case "Wait for rollout":
            return [("kubectl", "deploy", DEPLOYMENT, None, outcome)]
        case "Upload site":
            return [("artifact", "upload", "artifact:github-pages", facts["artifact"], outcome)]
        case "Deploy to GitHub Pages":
            return [("pages", "deploy", f"pages:{history.repository}", sha, outcome)]
        case "Terraform apply":
            return [("terraform", "apply", INFRASTRUCTURE, None, outcome)]
        case "Terraform plan" if step.mode == "locked":
            return [("terraform", "apply", INFRASTRUCTURE, facts["lock_id"], outcome)]
        case "Post Run actions/setup-node@v4":
            key = cache_key(run)
            return [("cache", "save", f"cache:{key}", key, "no-op")]
        case _:
            return []

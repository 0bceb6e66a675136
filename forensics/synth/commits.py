"""The people of the made-up repository, and the commits that they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random


@dataclass(frozen=True)
class Person:
    """A GitHub user who is not one."""

    login: str
    user_id: int
    name: str

    @property
    def email(self) -> str:
        """Address in commits."""
        return f"{self.user_id}+{self.login}@users.noreply.github.example"


PEOPLE: tuple[Person, ...] = (
    Person("mira-holt", 70010411, "Mira Holt"),
    Person("tobias-renn", 70020517, "Tobias Renn"),
    Person("anouk-vale", 70030623, "Anouk Vale"),
    Person("sami-oduya", 70040729, "Sami Oduya"),
    Person("lena-fisk", 70050831, "Lena Fisk"),
)

AREAS: dict[str, str] = {
    "apps": "deploy.yml",
    "packages": "release.yml",
    "infra": "infra.yml",
    "docs": "docs.yml",
    "tests": "",
}
"""Part of the repository that a change touches → the workflow whose ``paths:`` it matches."""

_SUBJECTS: dict[str, tuple[str, ...]] = {
    "apps": (
        "Show delivery estimate in the basket",
        "Cache product images at the edge",
        "Round prices per line, not per order",
        "Keep the basket when a session expires",
        "Sort search results by stock first",
        "Retry the payment call once on a timeout",
        "Drop the old checkout banner",
    ),
    "packages": (
        "Let callers pass their own fetch",
        "Type the webhook payloads",
        "Accept currency codes in lower case",
        "Export the price formatter",
        "Return the cart as an immutable value",
    ),
    "infra": (
        "Raise the pool size of the orders database",
        "Add a read replica for reports",
        "Move session storage to its own subnet",
        "Tighten the bucket policy of the image store",
    ),
    "docs": (
        "Explain refunds in the operator guide",
        "Describe the webhook retry schedule",
        "Fix the local set-up steps",
    ),
    "tests": (
        "Cover the empty basket",
        "Make the order factory deterministic",
        "Split the slow checkout test",
    ),
}


@dataclass(frozen=True)
class Commit:
    """A commit; on the default branch the order of `pushed_at` is the order of history."""

    sha: str
    branch: str
    subject: str
    author: Person
    authored_at: datetime
    """When it was made, UTC."""
    pushed_at: datetime
    """When GitHub received it, UTC."""
    area: str
    """Key of `AREAS`."""
    pull_request: int | None = None


def make_sha(rng: Random) -> str:
    """Forty hex digits."""
    return f"{rng.getrandbits(160):040x}"


def make_subject(rng: Random, area: str) -> str:
    """A commit subject that fits the area."""
    return rng.choice(_SUBJECTS[area])


def make_branch(rng: Random, subject: str, number: int) -> str:
    """A branch name as people form them from what they are about to do."""
    kind = rng.choice(("feature", "fix", "chore"))
    words = [word for word in subject.lower().replace(",", "").split() if len(word) > 2][:4]
    return f"{kind}/{number}-{'-'.join(words)}"

"""One file over the commits of one branch: which commits to look at, and what follows for those between.

Workflow files seldom change. Where a file is the same at two commits of a branch, it is taken to be the same
at those between them; where it differs, the one in the middle is looked at, as git bisect does. That is wrong
only where a change was taken back between the two: what was not looked at is called ``between``, not ``exact``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

Pair = tuple[str, str]
"""Path and commit."""


@dataclass(frozen=True)
class Wanted:
    """A file at a commit that defined at least one run, itself or as a workflow that it called."""

    repository: str
    """owner/name, where the file lies."""
    path: str
    commit: str
    branch: str
    """What the commit is on, as owner/name:branch; alone in its kind when nothing is known."""
    is_default: bool
    """Whether that is the default branch."""
    at: datetime
    """When the first run at that commit was created, naive UTC: commits of a branch are ordered by it."""
    runs: int
    """Runs that it defined."""
    exact: bool
    """False when the runs may have used another commit's file (pull requests run their merge commit)."""

    @property
    def pair(self) -> Pair:
        """Path and commit."""
        return self.path, self.commit


@dataclass
class Lineage:
    """The wanted files of one branch."""

    repository: str
    branch: str
    is_default: bool
    commits: tuple[str, ...]
    """Oldest first."""
    times: tuple[datetime, ...]
    wants: Mapping[str, Mapping[int, Wanted]]
    """By path: the places in ``commits`` where it is wanted."""
    trunk: Lineage | None = field(default=None, repr=False)
    """The default branch's."""

    @property
    def value(self) -> tuple[bool, int, float]:
        """Sort key: default branches first, then those with most runs, then those with the newest."""
        runs = sum(one.runs for wants in self.wants.values() for one in wants.values())
        return (not self.is_default, -runs, -(self.times[-1] - datetime.min).total_seconds())

    def looks(self, seen: Mapping[Pair, str | None], lost: Mapping[Pair, object]) -> dict[str, set[str]]:
        """Commits to look at next, and the paths to look for there; empty when nothing is left to learn.

        ``seen`` has what is known: the file's blob, or None where there is none; ``lost`` what cannot be had.
        """
        newest, oldest, middle = set(), set(), dict[int, set[str]]()
        for path, wants in self.wants.items():
            open_ = [place for place in wants if self._is_open(path, place, seen, lost)]
            if not open_:
                continue
            known = self._known(path, seen)
            if not known or open_[-1] > known[-1]:
                newest.add((open_[-1], path))
            if not known:
                continue
            if open_[0] < known[0] and not self._is_steady(path, open_[0], seen):
                oldest.add((open_[0], path))
            for low, high in pairwise(known):
                gap = [place for place in open_ if low < place < high]
                if gap and not self._agree(path, low, high, gap, seen):
                    middle.setdefault(gap[len(gap) // 2], set()).add(path)
        # All files are looked for at the same ends, so that one list of the folder tells of all of them.
        for ends, choose in ((newest, max), (oldest, min)):
            if ends:
                middle.setdefault(choose(place for place, _ in ends), set()).update(path for _, path in ends)
        return {self.commits[place]: paths for place, paths in middle.items()}

    def between(self, seen: Mapping[Pair, str | None], lost: Mapping[Pair, object]) -> dict[Wanted, str | None]:
        """What follows for wanted files that were not looked at: their likely blob, None for likely none."""
        found: dict[Wanted, str | None] = {}
        for path, wants in self.wants.items():
            known = self._known(path, seen)
            for place, one in wants.items():
                if not known or not self._is_open(path, place, seen, lost):
                    continue
                if place < known[0] and self._is_steady(path, place, seen):
                    found[one] = seen[path, self.commits[known[0]]]
                for low, high in pairwise(known):
                    if low < place < high and self._agree(path, low, high, [place], seen):
                        found[one] = seen[path, self.commits[low]]
        return found

    def _is_open(self, path: str, place: int, seen: Mapping[Pair, str | None], lost: Mapping[Pair, object]) -> bool:
        pair = path, self.commits[place]
        return pair not in seen and pair not in lost

    def _known(self, path: str, seen: Mapping[Pair, str | None]) -> list[int]:
        return [place for place, commit in enumerate(self.commits) if (path, commit) in seen]

    def _agree(self, path: str, low: int, high: int, gap: Iterable[int], seen: Mapping[Pair, str | None]) -> bool:
        """Whether two known places settle those between them."""
        left, right = seen[path, self.commits[low]], seen[path, self.commits[high]]
        # A run at a commit proves that the file was there, unless the run used another commit's.
        return left == right and (left is not None or not any(self.wants[path][place].exact for place in gap))

    def _is_steady(self, path: str, place: int, seen: Mapping[Pair, str | None]) -> bool:
        """Whether a branch's older commits follow from its newest one alone.

        That is so when the default branch never changed the file, as far as it is known from before the commit
        on, and the branch's oldest known commit has the same: then only a change taken back could hide.
        """
        if self.trunk is None or self.trunk is self:
            return False
        known = self.trunk._known(path, seen)
        blobs = {seen[path, self.trunk.commits[at]] for at in known}
        here = seen[path, self.commits[self._known(path, seen)[0]]]
        return here is not None and blobs == {here} and self.trunk.times[known[0]] <= self.times[place]


def trace(wanted: Iterable[Wanted]) -> tuple[Lineage, ...]:
    """The wanted files as lineages, most valuable first; each lies in one of them."""
    grouped: dict[tuple[str, str], list[Wanted]] = {}
    for one in wanted:
        grouped.setdefault((one.repository, one.branch), []).append(one)
    lineages = [_lineage(group) for _, group in sorted(grouped.items())]
    trunks = {lineage.repository: lineage for lineage in lineages if lineage.is_default}
    for lineage in lineages:
        lineage.trunk = trunks.get(lineage.repository)
    return tuple(sorted(lineages, key=lambda lineage: lineage.value))


def _lineage(group: list[Wanted]) -> Lineage:
    first: dict[str, datetime] = {}
    for one in group:
        first[one.commit] = min(one.at, first.get(one.commit, one.at))
    commits = sorted(first, key=lambda commit: (first[commit], commit))
    place = {commit: number for number, commit in enumerate(commits)}
    wants: dict[str, dict[int, Wanted]] = {}
    for one in sorted(group, key=lambda one: place[one.commit]):
        wants.setdefault(one.path, {})[place[one.commit]] = one
    times = tuple(first[commit] for commit in commits)
    return Lineage(group[0].repository, group[0].branch, group[0].is_default, tuple(commits), times, wants)

"""Which proof of a group's name holds: GitHub's endpoint, an annotation, then what the file says.

Where GitHub and the file disagree GitHub is right, and the disagreement is kept: it is a defect of ours, or a
surprise of GitHub's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forensics.concurrency.attempt import Applied
from forensics.concurrency.reading import Told
from forensics.workflow.expression import Known, Outcome, Pattern, may_equal


@dataclass
class Held:
    """A group that was in force, while it is being proved and after."""

    applied: Applied
    name: str | None
    source: str
    agrees: bool | None = None
    guess: bool = False
    """The name follows from what happened to another run."""

    @property
    def outcome(self) -> Outcome:
        """What evaluation gave."""
        return self.applied.evaluated.setting.group

    @property
    def key(self) -> str | None:
        """The name as names are compared."""
        return self.name.lower() if self.name is not None else None

    @property
    def has_shape(self) -> bool:
        """Whether evaluation says anything of the name at all."""
        return isinstance(self.outcome, Known) or (
            isinstance(self.outcome, Pattern) and any(isinstance(piece, str) for piece in self.outcome.pieces)
        )

    @property
    def confidence(self) -> str:
        """known, likely, pattern or unknown."""
        if self.name is None:
            return "pattern" if self.has_shape else "unknown"
        if self.source in ("github", "annotation"):
            return "likely" if self.guess else "known"
        certain = self.applied.file_source == "exact" and not self.applied.evaluated.inferred
        return "known" if certain and self.agrees is not False else "likely"

    @property
    def pattern(self) -> str:
        """What evaluation gave, with ``?`` for what is not known."""
        return self.applied.evaluated.setting.text

    def state(self, name: str, source: str, *, agrees: bool | None) -> None:
        """Take GitHub's word."""
        self.name, self.source = name, source
        self.agrees = agrees if self.agrees is not False else False


def prove(applied: Sequence[Applied], asked: Sequence[str], told: Sequence[Told], *, latest: bool) -> list[Held]:
    """What was in force in one attempt.

    Args:
        applied: what the files say of it.
        asked: the names that GitHub gave for its run; empty where it was not asked.
        told: what annotations of this attempt say.
        latest: whether it is the run's latest attempt, for GitHub tells of no other.
    """
    held = [_held(one) for one in applied]
    for one in told:
        _take_annotation(held, one)
    if asked:
        _take_names(held, {name.lower(): name for name in asked}, latest)
    return held


def _held(applied: Applied) -> Held:
    setting = applied.evaluated.setting
    return Held(applied, setting.name, "literal" if applied.slot.literal else "evaluated")


def _take_annotation(held: Sequence[Held], told: Told) -> None:
    group = told.message.group
    own = [one for one in held if not one.applied.jobs or told.job_id is None or told.job_id in one.applied.jobs]
    same = [one for one in own if one.key == group.lower()]
    if same:
        for one in same:
            one.state(group, "annotation", agrees=True)
        return
    fits = [one for one in own if one.name is None and may_equal(one.outcome, Known(group))]
    if len(fits) == 1:
        fits[0].state(group, "annotation", agrees=True if fits[0].has_shape else None)
    elif not fits and len(own) == 1 and own[0].source not in ("github", "annotation"):
        own[0].state(group, "annotation", agrees=False)


def _take_names(held: Sequence[Held], names: dict[str, str], latest: bool) -> None:
    unclaimed = names.keys() - {one.key for one in held}
    strange = []
    for one in held:
        if one.key is not None:
            if one.key in names:
                one.state(names[one.key], "github", agrees=True)
            elif latest:
                strange.append(one)
            continue
        fits = [key for key in sorted(names) if may_equal(one.outcome, Known(key))]
        if len(fits) == 1:
            one.state(names[fits[0]], "github", agrees=True if one.has_shape else None)
            unclaimed.discard(fits[0])
        elif not fits and latest:
            strange.append(one)
    for one in strange:
        one.agrees = False
    if len(strange) == 1 and len(unclaimed) == 1 and strange[0].source != "annotation":
        strange[0].state(names[unclaimed.pop()], "github", agrees=False)

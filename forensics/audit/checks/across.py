"""What two files of one checkout do to each other by their groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from forensics.audit.checkout import Checkout
from forensics.audit.checks.names import own_lanes
from forensics.audit.checks.registry import at_most, check, doings, listed, tell
from forensics.audit.finding import Related, Risk
from forensics.audit.fix import block, slug, stem
from forensics.audit.group import Lane, shared_key, show_group
from forensics.audit.play import Deed, Hold, Script, Situation
from forensics.audit.rule import Rule

_TARGETS = ("git:", "pages", "helm:", "s3:", "docker:", "k8s:", "terraform:", "cloudrun:", "ssh:")
"""Beginnings of targets that two workflows surely share when they are spelled the same."""

_BY_ITSELF = ("push", "schedule", "workflow_run", "pull_request", "release", "repository_dispatch", "issues")
"""Events that come without anybody choosing the moment."""


@dataclass(frozen=True)
class _Member:
    """A group of one file in one scene."""

    script: Script
    situation: Situation
    lane: Lane

    @property
    def deeds(self) -> list[Deed]:
        """Writes under it."""
        return [
            deed
            for deed in self.situation.deeds
            if deed.act.writes and any(hold.lane is self.lane for hold in deed.holds)
        ]


def _by_group(checkout: Checkout) -> dict[tuple[str, ...], list[_Member]]:
    members: dict[tuple[str, ...], list[_Member]] = defaultdict(list)
    for script in checkout.started:
        for situation, lane in own_lanes(script):
            key = shared_key(lane.group)
            if key is not None and (lane.job is None or lane.job in situation.running):
                members[key].append(_Member(script, situation, lane))
    return members


@check("shared-lane")
def find_shared_lane(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups that several workflows have, where a run of one ends or evicts a run of another."""
    told: set[tuple[str, ...]] = set()
    for members in _by_group(checkout).values():
        paths = tuple(dict.fromkeys(member.script.path for member in members))
        if len(paths) < 2 or paths in told:
            continue
        risk = _cancels_other(members, rule) or _evicts_other(members, rule)
        if risk is not None:
            told.add(paths)
            yield risk


def _cancels_other(members: Sequence[_Member], rule: Rule) -> Risk | None:
    for killer in members:
        if killer.lane.cancels == "no":
            continue
        victims = [member for member in members if member.script is not killer.script]
        victim = next((member for member in victims if member.deeds), victims[0] if victims else None)
        if victim is None:
            continue
        sure = killer.lane.cancels == "yes"
        return tell(
            rule,
            killer.script.path,
            killer.lane.place,
            f"'{killer.script.title}' and '{victim.script.title}' share the group '{show_group(killer.lane.group)}': "
            "a "
            f"run of '{killer.script.title}' (on {killer.situation.scene.label}) cancels a run of "
            f"'{victim.script.title}' (on {victim.situation.scene.label})"
            + (f" while {doings(victim.deeds)}." if victim.deeds else ", which does something else."),
            job=killer.lane.job,
            fix=f"group: {stem(killer.script.path)}-${{{{ github.ref }}}}",
            writes=bool(victim.deeds),
            severity="high" if victim.deeds and sure else None,
            precision=rule.precision if sure else "possible",
            related=_others(members, killer),
        )
    return None


def _evicts_other(members: Sequence[_Member], rule: Rule) -> Risk | None:
    """Nobody cancels; but of those that wait only the last one is left (``queue: single``)."""
    evictors = [member for member in members if member.lane.queue == "single"]
    for evictor in evictors:
        victims = [member for member in members if member.script is not evictor.script and member.deeds]
        if not victims:
            continue
        same = [
            member
            for member in victims
            if member.situation.scene.event == evictor.situation.scene.event
            and member.situation.scene.ref == evictor.situation.scene.ref
            and member.situation.scene.event in _BY_ITSELF
            and _at_once(member, evictor)
        ]
        victim = (same or victims)[0]
        often = (
            f" Both start on {evictor.situation.scene.label}, so this happens whenever two of them come close."
            if same
            else ""
        )
        return tell(
            rule,
            evictor.script.path,
            evictor.lane.place,
            f"'{evictor.script.title}' and '{victim.script.title}' share the group "
            f"'{show_group(evictor.lane.group)}', in "
            f"which only one run can wait: a waiting run of '{victim.script.title}', whose work nobody else does "
            f"({doings(victim.deeds)}), is cancelled when '{evictor.script.title}' comes.{often}",
            job=evictor.lane.job,
            fix=block(show_group(evictor.lane.group), queue="max")
            + "\n# in every workflow of this group; github.com only",
            severity=None if same else at_most(rule.severity, "low"),
            related=_others(members, evictor),
        )
    return None


def _at_once(one: _Member, other: _Member) -> bool:
    """Whether the event that they have in common starts both; schedules do where a time is the same."""
    if one.situation.scene.event != "schedule":
        return True
    mine, theirs = one.script.document.trigger("schedule"), other.script.document.trigger("schedule")
    return bool(mine and theirs and set(mine.crons) & set(theirs.crons))


def _others(members: Sequence[_Member], one: _Member) -> list[Related]:
    found: dict[str, Related] = {}
    for member in members:
        if member.script is not one.script:
            place = member.lane.place
            found.setdefault(
                member.script.path, Related(member.script.path, place.line, place.column, "The same group here.")
            )
    return list(found.values())[:8]


@check("split-lane")
def find_split_lane(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """One target that two workflows write to under different groups."""
    by_target: dict[str, dict[str, tuple[Script, Situation, Deed]]] = defaultdict(dict)
    for script in checkout.started:
        for situation in script.situations:
            for deed in situation.deeds:
                if (
                    deed.act.writes
                    and deed.target is not None
                    and deed.target.startswith(_TARGETS)
                    and deed.holds
                    and situation.scene.event in _BY_ITSELF
                ):
                    by_target[deed.target].setdefault(script.path, (script, situation, deed))
    for target, writers in by_target.items():
        for (script, situation, deed), (other, _, second) in combinations(writers.values(), 2):
            if _meet(deed.holds, second.holds) or (deed.act.tries_again and second.act.tries_again):
                continue
            group = show_group(second.holds[-1].lane.group)
            yield tell(
                rule,
                deed.path,
                deed.act.place,
                f"'{script.title}' and '{other.title}' both write to '{target.partition(':')[2] or target}' "
                f"({deed.act.what} on {situation.scene.label}; {second.act.what}), but under different groups "
                f"('{show_group(deed.holds[-1].lane.group)}' and '{group}'): neither waits for the other.",
                job=deed.job,
                fix=f"group: {slug(target)}   # in both workflows",
                related=[
                    Related(second.path, second.act.place.line, second.act.place.column, "It is written here too.")
                ],
            )
            break


def _meet(one: Sequence[Hold], other: Sequence[Hold]) -> bool:
    """Whether two writers hold a group in common, or may for all that is known."""
    keys, others = [shared_key(hold.lane.group) for hold in one], [shared_key(hold.lane.group) for hold in other]
    return None in keys or None in others or bool(set(keys) & set(others))


@check("mixed-settings-in-one-group")
def find_mixed_settings(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups for which two places of a checkout say different things."""
    told = set()
    for members in _by_group(checkout).values():
        said: dict[tuple[str, int], tuple[_Member, set[str]]] = {}
        for member in members:
            where = (member.script.path, member.lane.place.line)
            if member.lane.cancels != "perhaps":
                said.setdefault(where, (member, set()))[1].add(_settings(member.lane))
        for (one, mine), (other, theirs) in combinations(said.values(), 2):
            pair = (one.script.path, one.lane.place.line, other.script.path, other.lane.place.line)
            if mine & theirs or pair in told:
                continue
            told.add(pair)
            yield tell(
                rule,
                one.script.path,
                one.lane.place,
                f"The group '{show_group(one.lane.group)}' has {listed(sorted(mine))} in '{one.script.title}' but "
                f"{listed(sorted(theirs))} in '{other.script.title}'. The run that arrives decides by its own file "
                "what "
                "happens to the others.",
                job=one.lane.job,
                fix="# write the same cancel-in-progress and queue at both places, or give each a group of its own",
                writes=bool(one.deeds or other.deeds),
                related=[
                    Related(other.script.path, other.lane.place.line, other.lane.place.column, "The other settings.")
                ],
            )
            break


def _settings(lane: Lane) -> str:
    return f"'cancel-in-progress: {'true' if lane.cancels == 'yes' else 'false'}, queue: {lane.queue}'"

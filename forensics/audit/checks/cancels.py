"""What ``cancel-in-progress`` and ``queue`` do to those that are in the group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from forensics.audit.checkout import Checkout
from forensics.audit.checks.names import own_lanes, shared_by_tags
from forensics.audit.checks.registry import at_most, check, doings, listed, tell
from forensics.audit.finding import Risk
from forensics.audit.fix import ONLY_PULL_REQUESTS, PER_REF, block
from forensics.audit.group import Lane, depends_on, key_of, never_shared, shared_key, show_group
from forensics.audit.play import Deed, Hold, Script, Situation
from forensics.audit.rule import Rule
from forensics.model import Severity
from forensics.workflow.document import Job, Place, Scalar

_APART = ("push", "pull_request", "pull_request_target", "issues", "issue_comment", "discussion")
"""Events whose refs or numbers have nothing to do with each other."""


@check("wrong-lane")
def find_wrong_lane(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups in which the run of one branch, pull request or issue ends that of another."""
    for script in checkout.started:
        told: set[Place] = set()
        lanes = [
            (situation, lane)
            for situation, lane in own_lanes(script)
            if situation.scene.event in _APART and (lane.job is None or lane.job in situation.running)
        ]
        for (one, mine), (other, theirs) in combinations(lanes, 2):
            if mine.place != theirs.place or mine.place in told or theirs.cancels == "no":
                continue
            if one is other:
                # Two jobs of one run that an anchor gave the same lines: no other branch comes into it.
                continue
            if one.scene.event != other.scene.event or one.scene.kind != other.scene.kind:
                continue
            if shared_key(mine.group) is None or shared_key(mine.group) != shared_key(theirs.group):
                continue
            told.add(mine.place)
            writes = any(deed.act.writes for deed in (*one.deeds, *other.deeds))
            yield tell(
                rule,
                script.path,
                mine.place,
                f"{_capital(one.scene.label)} and {other.scene.label} share the group '{show_group(mine.group)}' of "
                f"'{script.title}', and cancel-in-progress holds there: the newer run ends the older one, which has "
                "nothing "
                "to do with it.",
                job=mine.job,
                fix=block(PER_REF, mine.cancel_text or "true"),
                writes=writes,
                precision=rule.precision if theirs.cancels == "yes" else "possible",
            )


def _counts(deed: Deed, situation: Situation) -> bool:
    """A write; of a pull request only what surely happens there: most that may is for those that are merged."""
    return deed.act.writes and (situation.scene.kind != "pull request" or deed.happens == "yes")


@check("cancels-a-mutation")
def find_cancelled_mutation(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Writes that a newer run of the same group may end in the middle."""
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            for deed in situation.deeds:
                hold = _killer(deed, situation, script)
                if not _counts(deed, situation) or hold is None or (hold.path, hold.lane.place) in told:
                    continue
                deeds = [
                    each
                    for each in situation.deeds
                    if each.act.writes and hold in each.holds and each.act.precision != "possible"
                ]
                if not deeds and any(_surer(script, hold)):
                    continue
                told.add((hold.path, hold.lane.place))
                yield _cut_off(rule, script, situation, hold, deeds or [deed])


def _killer(deed: Deed, situation: Situation, script: Script) -> Hold | None:
    """The group through which a newer run may end this one: the file's own words for the run that comes decide."""
    return next(
        (
            hold
            for hold in deed.holds
            if not never_shared(hold.lane.group, situation.scene.event)
            and (situation.scene.kind != "tag" or shared_by_tags(script, situation, hold.lane))
            and (hold.lane.cancels != "no" or _comer(script, hold) is not None)
        ),
        None,
    )


def _comer(script: Script, hold: Hold) -> Situation | None:
    """Another scene of the workflow that has the same group, and cancels there."""
    key = shared_key(hold.lane.group)
    return next(
        (
            situation
            for situation in script.situations
            for other in situation.holds
            if key is not None
            and (other.path, other.lane.place) == (hold.path, hold.lane.place)
            and other.lane.cancels == "yes"
            and shared_key(other.lane.group) == key
        ),
        None,
    )


def _surer(script: Script, hold: Hold) -> Iterator[Deed]:
    """Deeds of other scenes under the same key of the file, of which more is known."""
    for situation in script.situations:
        for deed in situation.deeds:
            if deed.act.writes and deed.act.precision != "possible":
                for other in deed.holds:
                    if (other.path, other.lane.place) == (hold.path, hold.lane.place):
                        yield deed


def _cut_off(rule: Rule, script: Script, situation: Situation, hold: Hold, deeds: Sequence[Deed]) -> Risk:
    lane, scene = hold.lane, situation.scene
    grave = any(deed.act.verb in rule.setting("grave") for deed in deeds)
    sure = any(deed.act.precision != "possible" for deed in deeds)
    severity: Severity = "high" if grave else rule.severity
    whole = all(deed.act.verb in rule.setting("whole") for deed in deeds)
    if not sure or whole or scene.kind == "pull request" or scene.event == "workflow_dispatch":
        severity = at_most(severity, "low")
    harm = (
        "each push lands whole or not at all, but what belongs to it before and after may be missing"
        if whole
        else "that may be cut off halfway, and leave a lock or half of the work behind"
    )
    comer = _comer(script, hold) if lane.cancels == "no" else None
    who = f"A run that comes on {comer.scene.label}" if comer else "A newer run"
    begin = who if lane.cancels == "yes" or comer else "If the expression holds, a newer run"
    return tell(
        rule,
        hold.path,
        lane.cancel_place,
        f"{begin} in the group '{show_group(lane.group)}' cancels the one in progress, and on {scene.label} "
        f"{doings(deeds)}: {harm}.",
        job=hold.job,
        fix=f"cancel-in-progress: {_only_reading(script, situation, hold)}",
        severity=severity,
        precision=rule.precision if sure and (lane.cancels == "yes" or comer) else "possible",
    )


def _only_reading(script: Script, situation: Situation, hold: Hold) -> str:
    """False; but pull requests may go on to cancel where their group is another one and nothing is written there."""
    key = shared_key(hold.lane.group)
    theirs = [each for each in script.situations if each.scene.event == "pull_request"]
    apart = all(
        shared_key(other.lane.group) not in (None, key)
        for each in theirs
        for other in each.holds
        if (other.path, other.lane.place) == (hold.path, hold.lane.place)
    )
    writes = any(deed.act.writes and deed.happens == "yes" for each in theirs for deed in each.deeds)
    reading = theirs and key is not None and apart and not writes and situation.scene.event != "pull_request"
    return ONLY_PULL_REQUESTS if reading else "false"


@check("queue-max-with-cancel")
def find_queue_with_cancel(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """``queue: max`` beside a cancel-in-progress that holds."""
    for script in checkout.scripts:
        told: set[Place] = set()
        for situation, lane in own_lanes(script):
            if lane.queue != "max" or lane.cancels == "no" or lane.place in told:
                continue
            told.add(lane.place)
            surely = lane.cancels == "yes"
            yield tell(
                rule,
                script.path,
                lane.cancel_place,
                f"On {situation.scene.label} cancel-in-progress {'holds' if surely else 'may hold'} beside 'queue: "
                "max' in "
                f"'{script.title}'; GitHub refuses the two together.",
                job=lane.job,
                fix="cancel-in-progress: false",
                precision=rule.precision if surely else "possible",
                severity=rule.severity if surely else at_most(rule.severity, "low"),
            )


@check("matrix-legs-evict")
def find_evicting_legs(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Jobs of one run that ask for one group at the same time."""
    for script in checkout.started:
        told: set[Place] = set()
        for situation in script.situations:
            for hold in situation.holds:
                caller = script.document.job(hold.caller or "")
                if caller is None or hold.lane.place in told or caller.id not in situation.running:
                    continue
                found = _legs(script, situation, hold, caller, rule)
                if found is not None:
                    told.add(hold.lane.place)
                    yield found
            yield from _siblings(script, situation, told, rule)


def _legs(script: Script, situation: Situation, hold: Hold, job: Job, rule: Rule) -> Risk | None:
    if job.strategy is None or job.strategy.matrix is None or _differs_by_leg(hold.lane):
        return None
    count = count_legs(job.strategy.matrix)
    one_by_one = job.strategy.max_parallel is not None and job.strategy.max_parallel.text == "1"
    if one_by_one or (count is not None and count < 2) or not _evicts(hold.lane, count):
        return None
    legs = f"all {count} legs" if count else "all legs"
    return tell(
        rule,
        hold.path,
        hold.lane.place,
        f"On {situation.scene.label} {legs} of the matrix of job '{job.id}' ask for the one group "
        f"'{show_group(hold.lane.group)}': {_how(hold.lane)}.",
        job=hold.job or job.id,
        fix=_leg_fix(job),
        precision=rule.precision if count else "possible",
    )


def _differs_by_leg(lane: Lane) -> bool:
    names = depends_on(lane.group)
    return lane.group is None or any(name.lower().startswith(("matrix", "strategy", "github.job")) for name in names)


def _evicts(lane: Lane, count: int | None) -> bool:
    if lane.cancels == "yes":
        return True
    return lane.queue == "single" and (count is None or count > 2)


def _how(lane: Lane) -> str:
    if lane.cancels == "yes":
        return "each one that begins cancels the one before it, so that only the last is left"
    return "one runs, one waits, and each further one cancels the one that waits"


def _leg_fix(job: Job) -> str:
    matrix = job.strategy.matrix if job.strategy else None
    names = [name for name in matrix or {} if name not in ("include", "exclude", "")]
    if not names:
        return "strategy:\n  max-parallel: 1"
    return "group: …-" + "-".join(f"${{{{ matrix.{name} }}}}" for name in names)


def count_legs(matrix: Mapping[str, Any]) -> int | None:
    """How many legs a matrix has, as far as its include and exclude are lists; None where that is not known."""
    total = 1
    for name, values in matrix.items():
        plain = _items(values)
        if plain is None:
            return None
        if name in ("include", "exclude"):
            continue
        total *= len(plain)
    axes = [name for name in matrix if name not in ("include", "exclude")]
    included = _items(matrix["include"]) if "include" in matrix else []
    excluded = _items(matrix["exclude"]) if "exclude" in matrix else []
    if not axes:
        return len(included or ())
    return max(total - len(excluded or ()), 1)


def _items(values: Any) -> Sequence[Any] | None:
    plain = values.value if isinstance(values, Scalar) else values
    return plain if isinstance(plain, list | tuple) else None


def _siblings(script: Script, situation: Situation, told: set[Place], rule: Rule) -> Iterator[Risk]:
    """Different jobs of one run that do not wait for each other and have one group."""
    by_key: dict[tuple[str, ...], list[Hold]] = {}
    for hold in situation.holds:
        key = key_of(hold.lane.group)
        if hold.caller is not None and key is not None and (hold.depth > 0 or hold.job is not None):
            by_key.setdefault(key, []).append(hold)
    for held in by_key.values():
        jobs = list(dict.fromkeys(hold.caller for hold in held if hold.caller))
        free = [
            name
            for name in jobs
            if name not in situation.gated
            and not any(
                _needs(script, name, other) for other in jobs if other != name and other not in situation.gated
            )
        ]
        lane = held[0].lane
        if len(free) < 2 or lane.place in told or not _evicts(lane, len(free)):
            continue
        told.add(lane.place)
        yield tell(
            rule,
            held[0].path,
            lane.place,
            f"On {situation.scene.label} the jobs {listed(repr(name) for name in free)} of one run of "
            f"'{script.title}' ask "
            f"for the one group '{show_group(lane.group)}' at the same time: {_how(lane)}.",
            job=free[0],
            fix="# let one of them need the other (needs: …), or give each a group of its own",
        )


def _needs(script: Script, job: str, other: str) -> bool:
    """Whether a job waits for another, by however many between them."""
    seen: set[str] = set()
    rest = [job]
    while rest:
        found = script.document.job(rest.pop())
        for name in found.needs if found else ():
            if name == other:
                return True
            if name not in seen:
                seen.add(name)
                rest.append(name)
    return False


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

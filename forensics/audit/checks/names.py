"""What a group's name comes to: empty, collapsed, the same for the merge queue, the same but for its case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from forensics.audit.checkout import Checkout
from forensics.audit.checks.registry import check, listed, tell
from forensics.audit.finding import Related, Risk
from forensics.audit.fix import ONLY_PULL_REQUESTS, PER_REF, block
from forensics.audit.group import Lane, evaluate_lane, read_template, shared_key, show_group
from forensics.audit.play import Script, Situation
from forensics.audit.rule import Rule
from forensics.audit.scene import Scene, contexts_of
from forensics.workflow.document import Concurrency
from forensics.workflow.expression import ExpressionError, Known, Value, as_string, evaluate, print_node, references
from forensics.workflow.expression.tree import Literal, Node

_PER_EVENT = ("github.head_ref", "github.base_ref", "github.event.", "inputs.")
"""Values that some events do not have."""


def own_lanes(script: Script) -> Iterator[tuple[Situation, Lane]]:
    """Groups that stand in this file itself, by scene."""
    for situation in script.situations:
        for hold in situation.holds:
            if hold.depth == 0:
                yield situation, hold.lane


def shared_by_tags(script: Script, situation: Situation, lane: Lane) -> bool:
    """Whether another tag's run has the same group; a tag is not pushed twice."""
    key = shared_key(lane.group)
    others: Sequence[Situation] = [
        each
        for each in script.situations
        if each.scene.event == situation.scene.event and each.scene.ref != situation.scene.ref
    ]
    return any(
        key is not None and key == shared_key(hold.lane.group) and hold.lane.place == lane.place
        for each in others
        for hold in each.holds
    )


@check("empty-or-collapsed-group")
def find_empty_group(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups that are '' for an event, or lose what told two refs apart."""
    for script in checkout.started:
        for concurrency, job in _written(script):
            yield from _empty(script, concurrency, job, rule)


def _written(script: Script) -> Iterator[tuple[Concurrency, str | None]]:
    document = script.document
    for concurrency, job in ((document.concurrency, None), *((job.concurrency, job.id) for job in document.jobs)):
        if concurrency is not None and concurrency.group is not None and concurrency.group.is_expression:
            yield concurrency, job


def _empty(script: Script, concurrency: Concurrency, job: str | None, rule: Rule) -> Iterator[Risk]:
    group = concurrency.group
    if group is None:
        return
    lanes = [
        (situation, lane)
        for situation, lane in own_lanes(script)
        if lane.job == job and (job is None or job in situation.running)
    ]
    empty = [situation for situation, lane in lanes if isinstance(lane.group, Known) and lane.group.value == ""]
    if empty:
        yield tell(
            rule,
            script.path,
            group.place,
            f"On {empty[0].scene.label} the group of '{script.title}' comes to an empty name, which GitHub refuses: "
            "the "
            "run ends as a startup failure before any job.",
            job=job,
            fix=f"group: {PER_REF}",
            severity="high",
        )
        return
    yield from _collapsed(script, concurrency, job, lanes, rule)


def _collapsed(
    script: Script,
    concurrency: Concurrency,
    job: str | None,
    lanes: Sequence[tuple[Situation, Lane]],
    rule: Rule,
) -> Iterator[Risk]:
    group = concurrency.group
    if group is None:
        return
    try:
        parts = [part for part in read_template(group.text).parts if not isinstance(part, Literal)]
    except ExpressionError:
        return
    by_key: dict[tuple[str, ...], list[tuple[Situation, Lane, Node]]] = defaultdict(list)
    for key, entries in _together(lanes).items():
        for situation, lane in entries:
            slot = _empty_slot(parts, contexts_of(situation.scene, script.document))
            if slot is not None:
                by_key[key].append((situation, lane, slot))
    for met in by_key.values():
        others = [entry for entry in met if entry[0].scene.ref != met[0][0].scene.ref]
        if not others or all(entry[0].scene.event == "workflow_dispatch" for entry in met):
            continue
        situation, lane, slot = met[0]
        other = others[0][0]
        cancels = any(entry[1].cancels != "no" for entry in met)
        writes = any(deed.act.writes for entry in met for deed in entry[0].deeds)
        effect = (
            "each new one cancels the one in progress"
            if cancels
            else "they wait for each other, and a third one pushes the second out"
        )
        yield tell(
            rule,
            script.path,
            group.place,
            f"'{print_node(slot)}' is empty on {situation.scene.label}, so the group of '{script.title}' collapses "
            "to "
            f"'{show_group(lane.group)}' for {situation.scene.label} and for {other.scene.label} alike: {effect}.",
            job=job,
            fix=f"group: {PER_REF}",
            writes=writes,
            severity=rule.severity if cancels else "low",
        )
        return


def _together(lanes: Sequence[tuple[Situation, Lane]]) -> dict[tuple[str, ...], list[tuple[Situation, Lane]]]:
    """Lanes by their group, where runs of several refs have it."""
    found: dict[tuple[str, ...], list[tuple[Situation, Lane]]] = defaultdict(list)
    for situation, lane in lanes:
        key = shared_key(lane.group)
        if key is not None:
            found[key].append((situation, lane))
    return {
        key: entries for key, entries in found.items() if len({situation.scene.ref for situation, _ in entries}) > 1
    }


def _empty_slot(parts: Sequence[Node], contexts: dict[str, Value]) -> Node | None:
    """A part that surely gives nothing because the event lacks what it names, not because it says ''."""
    for part in parts:
        if not any(name.lower().startswith(_PER_EVENT) for name in references(part)) or "''" in print_node(part):
            continue
        try:
            text = as_string(evaluate(part, contexts))
        except ExpressionError:
            continue
        if isinstance(text, Known) and text.value == "":
            return part
    return None


@check("merge-queue-cancel")
def find_merge_queue_cancel(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups in which entries of the merge queue end each other, or meet a push of the same ref."""
    for script in checkout.started:
        queued = [entry for entry in own_lanes(script) if entry[0].scene.event == "merge_group"]
        for job in dict.fromkeys(lane.job for _, lane in queued):
            lanes = [(situation, lane) for situation, lane in queued if lane.job == job]
            found = _entries_meet(script, lanes, rule) or _push_meets(script, lanes, rule)
            if found is not None:
                yield found


def _entries_meet(script: Script, lanes: Sequence[tuple[Situation, Lane]], rule: Rule) -> Risk | None:
    lane = lanes[0][1]
    key = shared_key(lane.group)
    if key is None or any(shared_key(other.group) != key for _, other in lanes) or len(lanes) < 2:
        return None
    if lane.cancels == "no" and lane.queue == "max":
        return None
    effect = (
        "each new entry cancels the one before it"
        if lane.cancels != "no"
        else "of three entries the one that waits is cancelled"
    )
    return tell(
        rule,
        script.path,
        lane.place,
        f"All entries of the merge queue share the group '{show_group(lane.group)}' of '{script.title}', so "
        f"{effect}; "
        "GitHub takes a cancelled required check for a failed one and throws the pull request out of the queue.",
        job=lane.job,
        fix=block("${{ github.workflow }}-${{ github.ref }}", ONLY_PULL_REQUESTS),
        severity=None if lane.cancels != "no" else "low",
        precision=None if lane.cancels == "yes" else "possible",
    )


def _push_meets(script: Script, lanes: Sequence[tuple[Situation, Lane]], rule: Rule) -> Risk | None:
    """A push trigger without a filter fires for the queue's own branch too: twins in one group (acts#5885)."""
    situation, lane = lanes[0]
    push = script.document.trigger("push")
    if push is None or not _lets_queue_through(push.branches, push.branches_ignore, push.tags):
        return None
    twin = Scene("push", situation.scene.ref, "a push of the queue's branch", "branch", "", "main")
    concurrency = (
        script.document.concurrency
        if lane.job is None
        else next((job.concurrency for job in script.document.jobs if job.id == lane.job), None)
    )
    other = evaluate_lane(concurrency, contexts_of(twin, script.document), lane.job) if concurrency else None
    if other is None or shared_key(lane.group) is None or shared_key(other.group) != shared_key(lane.group):
        return None
    if "yes" not in (lane.cancels, other.cancels):
        return None
    return tell(
        rule,
        script.path,
        lane.place,
        f"'{script.title}' runs twice for an entry of the merge queue, by 'merge_group' and by the push of its "
        "branch, and "
        f"both share the group '{show_group(lane.group)}': one cancels the other, and a cancelled required check "
        "throws the "
        "pull request out of the queue.",
        job=lane.job,
        fix="on:\n  push:\n    branches-ignore: ['gh-readonly-queue/**']",
    )


def _lets_queue_through(
    branches: Sequence[str] | None, ignored: Sequence[str] | None, tags: Sequence[str] | None
) -> bool:
    if branches is not None:
        return "**" in branches
    if ignored is not None:
        return not any(pattern == "**" or pattern.startswith("gh-readonly-queue") for pattern in ignored)
    return tags is None


@check("case-collision")
def find_case_collision(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups of one checkout that differ in nothing but case."""
    spelled: dict[tuple[str, ...], dict[str, tuple[Script, Lane]]] = defaultdict(dict)
    for script in checkout.started:
        for _, lane in own_lanes(script):
            key = shared_key(lane.group)
            if key is not None and isinstance(lane.group, Known):
                spelled[key].setdefault(str(lane.group.value), (script, lane))
    told = set()
    for spellings in spelled.values():
        if len(spellings) < 2:
            continue
        (name, (script, lane)), *others = spellings.items()
        where = (script.path, lane.place, *(other[1].place for _, other in others))
        if where in told:
            continue
        told.add(where)
        yield tell(
            rule,
            script.path,
            lane.place,
            f"The group '{name}' of '{script.title}' and the group {listed(repr(other) for other, _ in others)} of "
            f"{listed(repr(other.title) for _, (other, _) in others)} differ only in case; for GitHub they are one "
            "group.",
            job=lane.job,
            related=[
                Related(other.path, found.place.line, found.place.column, f"Here it is spelled '{spelling}'.")
                for spelling, (other, found) in others
            ],
        )

"""Whether what writes has a group at all, and one in which it can meet another run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forensics.audit.checkout import Checkout
from forensics.audit.checks.registry import at_most, check, doings, tell
from forensics.audit.finding import Risk
from forensics.audit.fix import ONLY_PULL_REQUESTS, PER_REF, block, stem
from forensics.audit.group import never_shared, show_group
from forensics.audit.play import Deed, Hold, Script, Situation, place_of
from forensics.audit.rule import Rule
from forensics.audit.scene import Scene
from forensics.model import Precision, Severity


@check("missing-group")
def find_missing_group(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Workflows that write, in some scene, without any group held."""
    for script in checkout.started:
        bare = [
            (situation, deed)
            for situation in script.situations
            for deed in situation.deeds
            if deed.act.writes and not deed.holds and not deed.act.tries_again
        ]
        if not bare:
            continue
        situation, first = next((pair for pair in bare if pair[1].act.precision != "possible"), bare[0])
        deeds = [deed for where, deed in bare if where is situation]
        sure = [deed for deed in deeds if deed.act.precision != "possible"]
        job = script.document.job(first.caller)
        yield tell(
            rule,
            script.path,
            place_of(script, first.caller),
            f"Nothing keeps two runs of '{script.title}' from working at once: on {situation.scene.label} "
            f"{doings(sure or deeds)}, and neither the workflow nor the job has a concurrency group.",
            job=first.caller,
            fix=block(_lane_name(script, bare), indent=0 if _alone(script) else 4)
            + (f"\n# in the job '{job.id}'" if job and not _alone(script) else ""),
            severity=_grade(rule.severity, script, [where for where, _ in bare], bool(sure)),
            precision=rule.precision if sure else "possible",
        )


@check("unique-group")
def find_unique_group(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups over a write that no second run can share, for the event taken."""
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            for deed in situation.deeds:
                if not deed.act.writes or not deed.holds:
                    continue
                values = [never_shared(hold.lane.group, situation.scene.event) for hold in deed.holds]
                inner = deed.holds[-1]
                if not all(values) or (inner.path, inner.lane.place) in told:
                    continue
                told.add((inner.path, inner.lane.place))
                yield _unique(rule, script, situation, inner, values[-1], _under(situation, inner, rule))


def _unique(rule: Rule, script: Script, situation: Situation, hold: Hold, value: str, deeds: Sequence[Deed]) -> Risk:
    scene = situation.scene
    sure = any(deed.act.precision != "possible" for deed in deeds)
    precision: Precision = rule.precision if sure else "possible"
    severity: Severity = rule.severity if sure and scene.kind != "tag" else at_most(rule.severity, "low")
    return tell(
        rule,
        hold.path,
        hold.lane.place,
        f"On {scene.label} the group of '{script.title}' is '{show_group(hold.lane.group)}': {value} is another one "
        "in "
        f"every run, so no two runs ever share the group and none waits for another, while {doings(deeds)}.",
        job=hold.job,
        fix=block(PER_REF, ONLY_PULL_REQUESTS),
        severity=severity,
        precision=precision,
    )


def _under(situation: Situation, hold: Hold, rule: Rule) -> list[Deed]:
    return [deed for deed in situation.deeds if deed.act.writes and hold in deed.holds]


def _lane_name(script: Script, bare: Sequence[tuple[Situation, Deed]]) -> str:
    """A group for one file: a lane for each ref, unless every ref writes to the same thing."""
    name = stem(script.path)
    refs = {situation.scene.ref for situation, _ in bare}
    targets = {deed.target for _, deed in bare}
    one_target = len(targets) == 1 and None not in targets and targets != {"npm"}
    return name if len(refs) == 1 or one_target else f"{name}-${{{{ github.ref }}}}"


def _alone(script: Script) -> bool:
    return len(script.document.jobs) == 1


def _grade(severity: Severity, script: Script, situations: Sequence[Situation], sure: bool) -> Severity:
    """Milder where two runs seldom meet: a person starts them, or each has a tag or an issue of its own."""
    seldom = all(_seldom(script, situation.scene) for situation in situations)
    return at_most(severity, "low") if seldom or not sure else severity


def _seldom(script: Script, scene: Scene) -> bool:
    if scene.kind == "tag" or scene.event in ("workflow_dispatch", "release"):
        return True
    trigger = script.document.trigger(scene.event)
    return scene.event == "issues" and trigger is not None and trigger.types == ("opened",)

"""Steps of a job, and what is wrong with them beyond their shape."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.workflow.check import Check
from forensics.workflow.compose import Leaf, Node, Row, Table
from forensics.workflow.document import Step
from forensics.workflow.ids import find_id_problem
from forensics.workflow.pick import get, is_expression, pick_scalar, pick_scalars, pick_text


def read_steps(node: Node | None) -> tuple[Step, ...]:
    """Every step in the order written; those of a parallel group one by one, marked."""
    return tuple(_read_step(step, grouped) for step, grouped in _each(node))


def _each(node: Node | None) -> Iterator[tuple[Table, bool]]:
    """Every step, and whether it stands in a parallel group."""
    for step in node.items if isinstance(node, Row) else ():
        group = get(step, "parallel")
        if isinstance(group, Row):
            yield from ((inner, True) for inner in group.items if isinstance(inner, Table))
        elif isinstance(step, Table):
            yield step, False


def _read_step(step: Table, grouped: bool) -> Step:
    background = step.get("background")
    return Step(
        step.place,
        id=pick_text(step.get("id")),
        name=pick_text(step.get("name")),
        uses=pick_scalar(step.get("uses")),
        run=pick_scalar(step.get("run")),
        condition=pick_scalar(step.get("if")),
        inputs=pick_scalars(step.get("with")),
        env=pick_scalars(step.get("env")),
        background=isinstance(background, Leaf) and background.value is True,
        parallel=grouped,
    )


def check_steps(node: Node | None, check: Check) -> None:
    """Refuse ids that are wrong or twice there, waits for steps that are not there, actions without a version."""
    known: dict[str, str] = {}
    for step, grouped in _each(node):
        # A parallel group is a scope of its own; what follows cannot name what is in it.
        own = step.get("id")
        if isinstance(own, Leaf) and own.text and not is_expression(own):
            taken = {} if grouped else known
            if problem := find_id_problem(own.text, "step", taken):
                check.refuse(own.place, problem)
            taken[own.text.lower()] = own.text
        _check_targets(step, known, check)
        wait_all = step.get("wait-all")
        if isinstance(wait_all, Leaf) and wait_all.value is False:
            check.refuse(wait_all.place, "'wait-all' is false; expected true, or nothing behind the colon.")
        _check_action(step.get("uses"), check)


def _check_targets(step: Table, known: dict[str, str], check: Check) -> None:
    own = (pick_text(step.get("id")) or "").lower()
    for name in ("wait", "cancel"):
        value = step.get(name)
        for target in value.items if isinstance(value, Row) else [value]:
            if not isinstance(target, Leaf) or not target.text:
                continue
            if target.text.lower() == own:
                check.refuse(target.place, f"The step '{target.text}' names itself; expected a step before it.")
            elif target.text not in known.values():
                check.refuse(target.place, f"There is no step '{target.text[:60]}' before this one to {name} for.")


def _check_action(uses: Node | None, check: Check) -> None:
    """Source: ConvertToStep in WorkflowTemplateConverter.cs of the runner; ``$/`` is newer than that."""
    if not isinstance(uses, Leaf) or not uses.text or is_expression(uses):
        return
    text = uses.text
    if text.startswith(("docker://", "./", ".\\", "$/")):
        return
    path, _, version = text.partition("@")
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    if len(parts) < 2 or not version or "@" in version:
        check.refuse(
            uses.place,
            f"'uses' is '{text[:60]}'; expected 'owner/repository@version', './folder' or 'docker://image'.",
        )

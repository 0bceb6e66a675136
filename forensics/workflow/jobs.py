"""Jobs of a workflow file."""

from __future__ import annotations

from collections.abc import Mapping

from forensics.workflow.compose import Leaf, Node, Row, Table
from forensics.workflow.concurrency import read_concurrency
from forensics.workflow.document import Call, Environment, Job, Place, Scalar, Strategy
from forensics.workflow.pick import (
    get,
    is_expression,
    keyed,
    pairs,
    pick_plain,
    pick_scalar,
    pick_scalars,
    pick_text,
    pick_texts,
)
from forensics.workflow.steps import read_steps


def read_jobs(jobs: Node | None) -> tuple[Job, ...]:
    """Every job that is a mapping, in the order written; keys that are missing or wrong are as if not there."""
    return tuple(_read_job(key, body) for key, body in keyed(jobs) if isinstance(body, Table))


def _read_job(key: Leaf, body: Table) -> Job:
    keys = {name.text: name for name, _ in reversed(body.pairs)}
    return Job(
        key.text,
        key.place,
        name=pick_scalar(body.get("name")),
        needs=pick_texts(body.get("needs")) or (),
        condition=pick_scalar(body.get("if")),
        runs_on=_read_runs_on(body.get("runs-on")),
        call=_read_call(body),
        strategy=_read_strategy(body.get("strategy"), keys.get("strategy")),
        concurrency=read_concurrency(keys.get("concurrency"), body.get("concurrency")),
        environment=_read_environment(keys.get("environment"), body.get("environment")),
        permissions=read_permissions(body.get("permissions")),
        steps=read_steps(body.get("steps")),
        timeout_minutes=pick_scalar(body.get("timeout-minutes")),
        outputs={name: value.text for name, value in pairs(body.get("outputs")) if isinstance(value, Leaf)},
        env=pick_scalars(body.get("env")),
    )


def read_permissions(node: Node | None) -> Mapping[str, str] | str | None:
    """Access by scope, or the word for all of them."""
    if isinstance(node, Table):
        return {name: value.text for name, value in pairs(node) if isinstance(value, Leaf)}
    return pick_text(node)


def _read_runs_on(node: Node | None) -> tuple[str, ...]:
    return pick_texts(get(node, "labels") if isinstance(node, Table) else node) or ()


def _read_call(body: Table) -> Call | None:
    uses = pick_scalar(body.get("uses"))
    if uses is None:
        return None
    inherit = pick_text(body.get("secrets")) == "inherit"
    return Call(uses, uses.text.startswith(("./", "$/")), pick_scalars(body.get("with")), inherit)


def _read_strategy(node: Node | None, key: Leaf | None) -> Strategy | None:
    if node is None or key is None:
        return None
    if is_expression(node):
        return Strategy(pick_scalars(node), node.place, None, None)
    matrix = get(node, "matrix")
    place: Place | None = next((name.place for name, _ in keyed(node) if name.text == "matrix"), None)
    return Strategy(
        _read_matrix(matrix) if matrix is not None else None,
        place,
        pick_scalar(get(node, "max-parallel")),
        pick_scalar(get(node, "fail-fast")),
    )


def _read_matrix(node: Node) -> dict[str, object] | None:
    if isinstance(node, Table):
        return {name: pick_plain(value) for name, value in pairs(node)}
    return pick_scalars(node) or None


def _read_environment(key: Leaf | None, node: Node | None) -> Environment | None:
    if key is None or node is None or isinstance(node, Row):
        return None
    if isinstance(node, Leaf):
        name: Scalar | None = pick_scalar(node)
        return Environment(name, key.place)
    deployment = node.get("deployment")
    recorded = not (isinstance(deployment, Leaf) and deployment.value is False)
    return Environment(pick_scalar(node.get("name")), key.place, recorded)

"""Groups that are held while nothing runs."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.audit.checkout import Checkout
from forensics.audit.checks.names import shared_by_tags
from forensics.audit.checks.registry import check, tell
from forensics.audit.finding import Risk
from forensics.audit.fix import block, slug
from forensics.audit.group import never_shared, show_group
from forensics.audit.reach import load_reaches
from forensics.audit.rule import Rule


@check("parked-holder")
def find_parked_holder(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Workflow-level groups around a job whose environment may wait for somebody."""
    ignored = tuple(rule.setting("unprotected"))
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            lane = situation.lane
            if lane is None or never_shared(lane.group, "push") or len(script.document.jobs) < 2:
                continue
            scene = situation.scene
            if scene.kind == "pull request" or (scene.kind == "tag" and not shared_by_tags(script, situation, lane)):
                continue
            for job in script.document.jobs:
                environment = job.environment
                if environment is None or environment.name is None or job.id not in situation.running or told:
                    continue
                name = environment.name.text
                if name.lower() in ignored or not load_reaches().environments.search(name):
                    continue
                told.add(job.id)
                yield tell(
                    rule,
                    script.path,
                    lane.place,
                    f"The whole workflow '{script.title}' holds the group '{show_group(lane.group)}' while its job "
                    f"'{job.id}' waits for the environment '{name}' (line {environment.place.line}): if that asks "
                    "for an "
                    "approval, every later run waits with it, for up to 30 days, and all but the last are cancelled.",
                    job=job.id,
                    fix=f"# in the job '{job.id}' instead of the workflow\n{block('deploy-' + slug(name), indent=4)}",
                )

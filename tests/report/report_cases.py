"""Made-up analyses for the report's tests: an incident, a quiet case, an empty one, crowds, and hostile strings.

``incident()`` is an invented afternoon: a tag push and a merge deploy production at once, a migration runs twice, an
image is pushed twice, an apply is cut off.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from forensics.model import (
    Analysis,
    Attempt,
    Cause,
    Contribution,
    Coverage,
    DetectorDoc,
    Effect,
    Event,
    Evidence,
    EvidenceLine,
    Finding,
    Impact,
    Incident,
    JobTiming,
    Live,
    RunRef,
    Story,
)

DAY = datetime(2026, 11, 17)
REPO = "acme/payments"


def t(text: str, day: datetime = DAY) -> datetime:
    """'14:02:07.5' on the day of the incident."""
    hour, minute, second = text.split(":")
    return day + timedelta(hours=int(hour), minutes=int(minute), seconds=float(second))


def attempt(run_id: int, workflow: str, asked: str, started: str, ended: str, **more: Any) -> Attempt:
    base = Attempt(
        repository=REPO,
        run_id=run_id,
        attempt=1,
        run_number=run_id % 10_000,
        workflow=workflow,
        lane=f"{workflow} main",
        title="Round ledger entries half to even",
        event="push",
        branch="main",
        sha="9f31c0e5aa01bb02",
        actor="mara",
        status="completed",
        conclusion="success",
        created_at=t(asked),
        started_at=t(started),
        completed_at=t(ended),
    )
    return dataclasses.replace(base, **more)


def effect(
    run_id: int, job_id: int, at: str, tool: str, kind: str, target: str, identity: str, **more: Any
) -> Effect:
    base = Effect(
        repository=REPO,
        run_id=run_id,
        attempt=1,
        job_id=job_id,
        step_number=6,
        started_at=t(at),
        occurred_at=t(at),
        tool=tool,
        effect=kind,
        target=target,
        identity=identity,
        outcome="done",
        sha="9f31c0e5aa01bb02",
        rule="docker",
        line_no=118,
        text=f"pushed {identity}",
    )
    return dataclasses.replace(base, **more)


def proof(of: Effect, text: str, matched: bool = True) -> EvidenceLine:
    return EvidenceLine(of.run_id, of.attempt, of.job_id, of.step_number, of.line_no, of.occurred_at, text, matched)


def document(id: str, title: str, severity: Any = "high") -> DetectorDoc:
    return DetectorDoc(
        id=id,
        title=title,
        severity=severity,
        precision="certain",
        question="Which identity of one target was created more than once, by different runs, jobs or attempts?",
        false_positives="A registry that takes the same bytes twice says nothing of it; then both count as done.",
        remedy="Give the job that writes a concurrency group named for what it writes to, and let it queue.",
        params={"grain_seconds": {"default": 1, "means": "Grain of the API's times."}},
        sql="SELECT run_id, attempt\nFROM effects\nWHERE outcome = 'done' AND occurred_at < $until\n",
    )


DETECTORS = (
    document("duplicate-effect", "One identity was created twice", "critical"),
    document("overlapping-effects", "Two runs wrote one target at once", "critical"),
    document("out-of-order-effect", "An older commit landed after a newer one"),
    document("cancelled-mid-effect", "A cancellation cut an effect off"),
    document("overlapping-runs", "Two runs of one lane executed at once", "medium"),
    document("duration-outlier", "A step took an unusual time", "low"),
)


def finding(
    number: int, detector: str, severity: Any, message: str, at: str, of: list[Effect], **more: Any
) -> Finding:
    title = next(d.title for d in DETECTORS if d.id == detector)
    base = Finding(
        id=f"{detector}-{number:010x}",
        detector=detector,
        title=title,
        severity=severity,
        precision="certain",
        message=message,
        occurred_at=t(at),
        repository=REPO,
        runs=tuple(RunRef(e.run_id, e.attempt) for e in of),
        target=of[0].target if of else None,
        evidence=tuple(proof(e, e.text) for e in of),
        values={"overlap_seconds": 401, "pairs": 1, "lane": "main"},
    )
    return dataclasses.replace(base, **more)


def incident() -> Analysis:
    attempts = (
        attempt(19482207714, "Deploy", "14:01:50", "14:02:10", "14:19:39"),
        attempt(
            19482215093,
            "Deploy",
            "14:05:40",
            "14:05:58",
            "14:12:39",
            branch="v4.12.0",
            sha="51be7d2c00",
            event="push",
            lane="Deploy v4.12.0",
            conclusion="failure",
            actor="jo",
        ),
        attempt(19482216617, "Migrate", "14:06:02", "14:06:44", "14:10:21"),
        attempt(19482218555, "Migrate", "14:08:10", "14:08:31", "14:12:09", branch="v4.12.0", conclusion="failure"),
        attempt(19482199021, "Release", "13:58:12", "13:58:41", "14:11:14", branch="v4.12.0"),
        attempt(19482209377, "Release", "14:02:31", "14:02:55", "14:14:47"),
        attempt(19482211030, "Terraform", "14:03:05", "14:03:17", "14:07:01", conclusion="cancelled"),
        attempt(19482217401, "Terraform", "14:06:50", "14:07:03", "14:15:53", conclusion="failure", run_number=None),
        attempt(19482261840, "Deploy", "14:21:02", "14:21:20", "14:33:04", attempt=2),
        attempt(19482231925, "Staging", "14:18:50", "14:19:16", "14:24:15", status=None, conclusion=None),
        attempt(
            -812736450918273645, "Staging", "14:20:00", "14:20:00", "14:22:00", inferred=True, event=None, actor=None
        ),
    )
    deploys = [
        effect(19482207714, 501, "14:15:03", "kubectl", "apply", "kubernetes: production", "api@9f31c0e"),
        effect(19482215093, 502, "14:10:49", "kubectl", "apply", "kubernetes: production", "api@51be7d2"),
    ]
    migrations = [
        effect(
            19482216617,
            503,
            "14:07:31.557",
            "migrate",
            "up",
            "database: ledger",
            "0412_ledger_rounding",
            text="✓ applied 0412_ledger_rounding (47.4s, 1 284 031 rows)",
        ),
        effect(
            19482218555,
            504,
            "14:09:12.318",
            "migrate",
            "up",
            "database: ledger",
            "0412_ledger_rounding",
            text="✓ applied 0412_ledger_rounding (40.9s, 1 284 077 rows)",
        ),
    ]
    pushes = [
        effect(
            19482199021,
            505,
            "14:06:20.774",
            "docker",
            "push",
            "docker: acme/payments-api",
            "acme/payments-api:4.12.0",
            text="4.12.0: digest: sha256:1f6c02 size: 3251",
        ),
        effect(
            19482209377,
            506,
            "14:07:54.115",
            "docker",
            "push",
            "docker: acme/payments-api",
            "acme/payments-api:4.12.0",
            text="4.12.0: digest: sha256:c90d7a size: 3251",
        ),
    ]
    applies = [
        effect(19482211030, 507, "14:06:41.020", "terraform", "apply", "terraform: prod", "prod", outcome="unknown"),
        effect(19482217401, 508, "14:08:02.667", "terraform", "apply", "terraform: prod", "prod", outcome="failed"),
    ]
    extra = EvidenceLine(
        19482218555,
        1,
        504,
        7,
        12,
        t("14:10:02.004"),
        "note: <b>bold</b> \u202e(0412)\u202c\x1b[31m red\x1b[0m",
        False,
    )
    findings = (
        finding(
            1,
            "duplicate-effect",
            "critical",
            "Schema migration '0412_ledger_rounding' was applied by two runs 1 m 41 s apart.",
            "14:09:12",
            migrations,
            values={"identity": "0412_ledger_rounding", "gap_seconds": 101, "kind": "accepted twice"},
        ),
        finding(
            2,
            "overlapping-effects",
            "critical",
            "Runs 19482207714 and 19482215093 wrote 'kubernetes: production' at once for 6 m 41 s.",
            "14:05:58",
            deploys,
        ),
        finding(
            3,
            "duplicate-effect",
            "high",
            "'acme/payments-api:4.12.0' was pushed twice with different digests, 1 m 34 s apart.",
            "14:07:54",
            pushes,
            values={"identity": "acme/payments-api:4.12.0", "digests": 2},
        ),
        finding(
            4,
            "cancelled-mid-effect",
            "high",
            "Run 19482211030 was cancelled 20 s after its Terraform apply began to change resources.",
            "14:07:01",
            applies,
        ),
        finding(
            5,
            "out-of-order-effect",
            "high",
            "Commit 9f31c0e landed on 'kubernetes: production' 4 m 14 s after the newer 51be7d2.",
            "14:15:03",
            deploys,
            precision="likely",
        ),
        finding(
            6,
            "duration-outlier",
            "low",
            "Step 'migrate up' took 47 s where 6 s are usual.",
            "14:07:31",
            [],
            runs=(RunRef(19482216617, 1),),
            target=None,
            values={"median_seconds": 6.25, "samples": 46},
        ),
    )
    findings = (dataclasses.replace(findings[0], evidence=(*findings[0].evidence, extra)), *findings[1:])
    return Analysis(
        title="payments",
        generated_at=datetime(2026, 11, 23, 15, 40),
        version="0.1.0",
        coverage=coverage(11),
        findings=findings,
        detectors=DETECTORS,
        attempts=attempts,
        effects=(*deploys, *migrations, *pushes, *applies),
        timings=timings(random.Random(4)),
        evidence=evidence(3),
        notes=("Clock of runner prod-03 ran 1.8 s ahead.",),
        incidents=(deploys_incident(findings),),
    )


def deploys_incident(findings: tuple[Finding, ...]) -> Incident:
    """The two deploys that met, as one told incident; the other findings are in none."""
    own = tuple(f for f in findings if f.target == "kubernetes: production")
    return Incident(
        id="incident-00000000d1",
        severity="critical",
        title="Two runs wrote one target at once at 'kubernetes: production'; an older commit landed last.",
        repository=REPO,
        findings=own,
        runs=own[0].runs,
        targets=("kubernetes: production",),
        started_at=t("14:01:50"),
        ended_at=t("14:19:39"),
        contributing=(
            Contribution(
                rule="missing-group",
                title="A workflow without a group",
                finding_id="missing-group-00000000a1",
                text="'Deploy' has no concurrency group, and two of its runs met.",
                precision="likely",
                named=True,
                path=".github/workflows/deploy.yml",
                line=7,
            ),
            Contribution(
                rule="in-force",
                title="deploy-v4",
                finding_id=None,
                text="'Deploy': run 19482215093 was in the group 'deploy-v4'.",
                precision="certain",
                named=True,
                group_name="deploy-v4",
            ),
        ),
        first_cause=Cause("setting", "A workflow without a group (.github/workflows/deploy.yml).", "likely"),
        story=Story(
            events=(
                Event(t("14:01:50"), "asked", "Run 19482207714 was asked for.", REPO, own[0].runs[0]),
                Event(
                    t("14:10:49"),
                    "effect",
                    "Run 19482215093: apply: done.",
                    REPO,
                    own[0].runs[1],
                    502,
                    "deploy",
                    6,
                    118,
                ),
                Event(None, "approved", "'mara' approved 'production'.", REPO, own[0].runs[0]),
            ),
            events_left_out=2,
            impact=Impact(out_of_order=1, wrong_seconds={"kubernetes: production": 900.0}),
            live=(
                Live(
                    "kubernetes: production",
                    "9f31c0e5aa01bb02",
                    own[0].runs[0],
                    t("14:15:03"),
                    "51be7d2c00",
                    False,
                    "'kubernetes: production': the last that is known is commit 9f31c0e5, by run 19482207714.",
                ),
            ),
            unknown=("1 executed job of run 19482215093 has no log in the case: what it wrote is unknown.",),
        ),
    )


def coverage(runs: int, **more: Any) -> Coverage:
    base = Coverage(
        repositories=(REPO,),
        first_at=datetime(2026, 10, 24),
        last_at=datetime(2026, 11, 22, 23, 59),
        runs=runs,
        attempts=runs,
        jobs=runs * 3,
        jobs_executed=runs * 2,
        jobs_with_log=runs * 2 - 1 if runs else 0,
        log_lines=81_204,
        effects=8,
        lines_in=90_000,
        lines_stored=81_204,
        lines_duplicate=8_790,
        lines_problem=6,
        problems=(("log expired", 4), ("line without time", 2)),
    )
    return dataclasses.replace(base, **more)


def timings(chance: random.Random) -> tuple[JobTiming, ...]:
    def draw(middle: float, n: int) -> tuple[int, ...]:
        return tuple(int(chance.lognormvariate(middle, 0.8)) for _ in range(n))

    names = (("Deploy", "production"), ("Migrate", "db-migrate"), ("Release", "release"), ("Terraform", "apply"))
    return tuple(JobTiming(w, j, draw(2.8, 140), draw(5.9, 150)) for w, j in names)


def evidence(files: int) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(f"runs/page-{i:04d}.json", f"{i:064x}", 20_480 + i, "export/runs", datetime(2026, 11, 23, 15))
        for i in range(files)
    )


def crowd(size: int, seed: int = 7) -> Analysis:
    """The incident among many quiet runs of 30 days, newest last; about one in six writes to one of six targets."""
    chance = random.Random(seed)
    names = ["CI", "Lint", "Staging", "E2E", "Docs", "Nightly", "Mobile", "Release notes", "Deploy", "Audit"]
    attempts, effects = [], []
    for i in range(size - 11):
        asked = datetime(2026, 10, 24) + timedelta(seconds=int(30 * 86_400 * (i + chance.random()) / size))
        started = asked + timedelta(seconds=int(chance.lognormvariate(2.5, 1)))
        ended = started + timedelta(seconds=int(chance.lognormvariate(5.5, 0.9)))
        name = names[int(chance.random() ** 2 * len(names))]
        made = attempt(
            19_000_000_000 + i * 7,
            name,
            "0:0:0",
            "0:0:0",
            "0:0:0",
            run_number=i,
            created_at=asked,
            started_at=started,
            completed_at=ended,
            conclusion=chance.choice(["success"] * 8 + ["failure", "cancelled"]),
            branch=f"feature/{chance.randrange(400)}",
            lane=f"{name} feature/{chance.randrange(40)}",
            sha=f"{chance.randrange(16**10):010x}",
            title=f"Change number {chance.randrange(size)} to the {name} of payments",
            actor=f"dev-{chance.randrange(40)}",
        )
        attempts.append(made)
        if chance.random() < 1 / 6:
            target = f"service-{chance.randrange(6)}"
            effects.append(
                effect(
                    made.run_id,
                    made.run_id + 1,
                    "0:0:0",
                    "kubectl",
                    "apply",
                    target,
                    made.sha or "",
                    occurred_at=started + (ended - started) / 2,
                )
            )
    case = incident()
    return dataclasses.replace(
        case,
        attempts=(*attempts, *case.attempts),
        effects=(*effects, *case.effects),
        coverage=coverage(size),
        evidence=evidence(40),
    )


def quiet() -> Analysis:
    case = incident()
    return dataclasses.replace(case, findings=(), incidents=(), effects=case.effects[:1])


def empty() -> Analysis:
    nothing = Coverage((), None, None, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ())
    return Analysis("case", datetime(2026, 11, 23), "0.1.0", nothing, (), (), (), (), (), ())


def with_strings(value: Any, change: Callable[[str], str], keep: frozenset[str] = frozenset()) -> Any:
    """The same value with every string in it changed, but for the fields named in ``keep``."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(with_strings(entry, change, keep) for entry in value)
    if isinstance(value, Mapping):
        return {change(key): with_strings(entry, change, keep) for key, entry in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            f.name: with_strings(getattr(value, f.name), change, keep)
            for f in dataclasses.fields(value)
            if f.name not in keep
        }
        return dataclasses.replace(value, **changed)
    return value

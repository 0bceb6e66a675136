"""The whole story, top to bottom: take evidence, load it, detect, analyse, report.

Every command of the command line is one function here; a program may call them as well. Heavy rooms are
imported by the function that needs them, so that ``forensics --help`` stays quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forensics import __version__
from forensics.config import Config, available_cpus
from forensics.errors import NothingToAnalyse
from forensics.model import Analysis, Coverage, Finding, Progress
from forensics.outcome import (
    CaseAudit,
    Demo,
    Detection,
    Explanation,
    IngestSummary,
    LiveSummary,
    OwnRule,
    SourceAccount,
    Status,
)

if TYPE_CHECKING:
    from forensics.audit import Audit
    from forensics.detect.run import DetectionResult
    from forensics.ingest.evidence import Verification
    from forensics.ingest.github.answer import Credential, Policy, Server
    from forensics.ingest.github.scope import Plan, Scope
    from forensics.store.store import Store
    from forensics.synth.write import Written


def ingest_files(
    config: Config, paths: Sequence[Path], progress: Progress, *, rules: Path | None = None
) -> IngestSummary:
    """Take files and folders into the case and load them; without any, only read again what has to be.

    ``rules`` is a folder of effect rules that take the place of those the case keeps. Raises RuleInvalid before
    anything is taken, NothingToAnalyse where a path does not exist or holds nothing usable, CaseLocked, CaseTooNew.
    """
    from forensics.load.prestart import prestart

    prestart(paths, config.workers)
    from forensics.effects.own import keep_own, read_own
    from forensics.ingest.evidence import EvidenceFolder
    from forensics.ingest.folder import take_files
    from forensics.load.local import load
    from forensics.store.store import Store

    begun = time.monotonic()
    own = read_own(rules) if rules else None
    if not paths:
        _require_evidence(config)
    fresh = not config.database.exists()
    # The store is opened first: a locked or newer case must refuse before anything is taken into it.
    with Store.write(config.database, memory_limit_mb=config.memory_limit_mb, threads=config.workers) as store:
        with EvidenceFolder(config.evidence) as folder:
            intake = take_files(folder, paths, progress)
            entries = dict(folder.entries)
        if not entries:
            if fresh:
                config.database.unlink(missing_ok=True)
            raise NothingToAnalyse(
                f"There is nothing to ingest in {', '.join(str(path) for path in paths)}: "
                f"{len(intake.refused)} files, none of them a log, archive, GitHub JSON or workflow file.",
                hint="See what can be ingested: forensics ingest --help",
            )
        if own:
            keep_own(own, config.rules)
        load(
            store, config.evidence, entries, intake.refused,
            workers=config.workers, scratch=config.case / ".loading", progress=progress,
            rules=config.rules,
        )  # fmt: skip
        derive(store)
        coverage = read_coverage(store)
    return _summary(coverage, len(intake.new), intake.known, intake.bytes, begun)


def _require_evidence(config: Config) -> None:
    from forensics.ingest.evidence import MANIFEST

    if not (config.evidence / MANIFEST).is_file():
        raise NothingToAnalyse(
            f"There is no evidence in {config.case} that could be read again.",
            hint="Name what to take beside the rules: forensics ingest --from PATH --rules DIR, or --repo OWNER/NAME",
        )


def derive(store: Store) -> None:
    """What follows from all that is loaded, made anew: the groups in force, and why runs were cancelled."""
    from forensics.concurrency.cancellations import derive_cancellations
    from forensics.concurrency.groups import derive as derive_groups
    from forensics.detect.detector import load_library

    load_library(store)
    derive_groups(store)
    derive_cancellations(store)


def _summary(coverage: Coverage, taken: int, known: int, size: int, begun: float) -> IngestSummary:
    return IngestSummary(
        taken, known, size, coverage.runs, coverage.attempts, coverage.jobs,
        coverage.log_lines, coverage.effects, coverage.lines_in, coverage.lines_stored, coverage.lines_duplicate,
        coverage.lines_problem, coverage.problems, time.monotonic() - begun,
    )  # fmt: skip


def ingest_github(
    config: Config,
    scope: Scope,
    server: Server,
    credential: Credential | None,
    policy: Policy,
    progress: Progress,
    *,
    environment: Mapping[str, str],
    checkout: Path | None,
    announce: Callable[[Plan], None] = lambda plan: None,
    rules: Path | None = None,
) -> LiveSummary:
    """Get what GitHub has of some repositories into the case and load it; ``announce`` hears what it will cost.

    ``rules`` as for ``ingest_files``. Raises RuleInvalid before the first request, and what
    ``forensics.load.live.fetch`` raises; after Incomplete the same call goes on where it stopped.
    """
    from forensics.effects.own import read_own
    from forensics.load.live import Request, fetch
    from forensics.store.store import Store

    begun = time.monotonic()
    own = read_own(rules) if rules else None
    request = Request(config, scope, server, credential, policy, environment, checkout, own)
    fetched = fetch(request, progress, announce, _suspect, derive)
    loaded = None
    if not scope.dry_run:
        with Store.read(config.database, threads=config.workers) as store:
            loaded = _summary(read_coverage(store), fetched.new_files, 0, fetched.new_bytes, begun)
    return LiveSummary(
        fetched.plan, fetched.completeness, scope.logs, fetched.requests, fetched.by_kind, fetched.waited, loaded,
        fetched.moved, fetched.warnings,
    )  # fmt: skip


def _suspect(store: Store) -> list[int]:
    """Runs that the detectors name on what is loaded so far."""
    from forensics.detect.detector import load_detectors
    from forensics.detect.run import detect as run_detectors

    # What a team does not want to see is no reason to leave its logs to expire.
    return [run.run_id for finding in run_detectors(store, load_detectors()).findings for run in finding.runs]


def detect(config: Config, *, only: Sequence[str] = (), queries: Path | None = None) -> Detection:
    """Run the detectors, remember what they said, and return it, worst first, with its incidents."""
    from forensics.detect.story import find_incidents, tell_worst
    from forensics.store.store import Store

    with Store.read(config.database, threads=config.workers) as store:
        coverage = _require_runs(store, config)
        result = _run_detectors(store, config, only, queries)
        paths = _workflow_paths(store, result.findings)
        incidents = tell_worst(store, find_incidents(store, result.findings))
    _remember(config, result)
    return Detection(
        result.findings, result.docs, tuple(result.failures), coverage, paths, incidents, result.suppressed,
        result.remarks,
    )  # fmt: skip


def explain(config: Config, name: str) -> Explanation:
    """Tell one incident or finding, named by its id or the beginning of it.

    Raises UsageProblem, with the nearest ids, where nothing or more than one thing is called so.
    """
    from forensics.detect.explanation import explain as tell_one
    from forensics.store.store import Store

    with Store.read(config.database, threads=config.workers) as store:
        coverage = _require_runs(store, config)
        incident, finding, docs = tell_one(store, _run_detectors(store, config, (), None), name)
    return Explanation(incident, finding, docs, coverage)


def audit_case(config: Config, *, only: Sequence[str] = ()) -> CaseAudit:
    """What the settings in a case did (detectors of their family) and promise (rules on the files used last).

    ``only`` names detectors and rules. Raises UsageProblem for what is neither, NothingToAnalyse without runs.
    """
    from forensics.audit import audit_texts, load_rules
    from forensics.audit.account import read_account, read_agreement
    from forensics.audit.history import FAMILY, read_latest
    from forensics.errors import UsageProblem
    from forensics.store.store import Store

    rules = {rule.id for rule in load_rules()}
    unknown = [name for name in only if name not in rules and name not in FAMILY]
    if unknown:
        raise UsageProblem(
            f"There is no rule or detector of the audit called '{unknown[0]}'.",
            hint="List them: forensics detectors; the rules stand in docs/audit.md.",
        )
    wanted = [name for name in only if name in rules]
    asked = [name for name in FAMILY if not only or name in only]
    with Store.read(config.database, threads=config.workers) as store:
        coverage = _require_runs(store, config)
        # Detectors bring the views that the account reads, so one runs even where only rules were asked for.
        result = _run_detectors(store, config, asked or FAMILY[:1], None)
        findings = result.findings if asked else ()
        paths = _workflow_paths(store, findings)
        accounts, agreement = read_account(store), read_agreement(store)
        audits = {
            repository: audit_texts(texts, only=wanted)
            for repository, texts in read_latest(store).items()
            if wanted or not only
        }
    return CaseAudit(
        accounts, agreement, findings, tuple(result.failures), audits, result.docs if asked else (), coverage, paths
    )


def audit(workflows: Path, *, only: Sequence[str] = (), workers: int = 1) -> Audit:
    """What the concurrency settings of workflow files promise: of a checkout, a folder or one file, without a case.

    Raises NothingToAnalyse where there is no workflow file, UsageProblem for an unknown rule.
    """
    from forensics.audit import audit_checkout

    return audit_checkout(workflows, only=only, workers=workers)


def analyse(
    config: Config, *, finding: str | None = None, start: datetime | None = None, end: datetime | None = None
) -> Analysis:
    """All that a report is made of: for the whole case, a window of it, or one finding."""
    from forensics.detect.analysis import read_analysis
    from forensics.store.store import Store

    with Store.read(config.database, threads=config.workers) as store:
        coverage = _require_runs(store, config)
        result = _run_detectors(store, config, (), None)
        return read_analysis(
            store, coverage, result, version=__version__, generated_at=_now(), finding=finding, start=start, end=end
        )


def report(
    config: Config,
    out: Path | None = None,
    *,
    finding: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    generated_at: datetime | None = None,
) -> Path:
    """Write the HTML incident report; return where it lies."""
    from dataclasses import replace

    from forensics.report.html import write

    analysis = analyse(config, finding=finding, start=start, end=end)
    if generated_at:
        analysis = replace(analysis, generated_at=generated_at)
    target = out or config.reports / "incident.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    write(analysis, target)
    return target


def status(config: Config) -> Status:
    """What is in the case and what is missing."""
    from forensics.effects.own import kept_files
    from forensics.store.coverage import (
        read_accounts,
        read_ingests,
        read_kinds,
        read_problems,
        read_rule_effects,
        read_sources,
        read_windows,
    )
    from forensics.store.store import Store

    with Store.read(config.database, threads=config.workers) as store:
        sources = tuple(SourceAccount(*row) for row in read_sources(store))
        found = read_rule_effects(store)
        rules = tuple(OwnRule(file, kinds, found.get(rule, 0)) for file, rule, kinds in kept_files(config.rules))
        return Status(
            read_coverage(store), read_kinds(store), sources, read_problems(store),
            read_accounts(store), read_windows(store), read_ingests(store), rules,
        )  # fmt: skip


def verify(config: Config) -> Verification:
    """Rehash the evidence folder and name what changed."""
    from forensics.ingest.evidence import MANIFEST
    from forensics.ingest.evidence import verify as verify_folder

    if not (config.evidence / MANIFEST).is_file():
        raise NothingToAnalyse(
            f"There is no evidence in {config.case}.", hint="Make a case with: forensics ingest --from PATH"
        )
    return verify_folder(config.evidence)


def synthesise(scenarios: Sequence[str], out: Path, seed: int = 7) -> Written:
    """Write a made-up history with planted incidents, in GitHub's own forms."""
    from forensics.synth.synthesise import synthesise as make

    return make(scenarios, out, seed=seed)


def demo(out: Path, progress: Progress) -> Demo:
    """The whole way on a made-up history: make it up, ingest, detect, report.

    Writes ``out/history`` and ``out/case``; raises UsageProblem rather than replace a folder that is not a
    demonstration's.
    """
    from forensics.synth.synthesise import DEMO

    begun = time.monotonic()
    _clear_demo(out)
    progress.start("Making a history up", None)
    synthesise(DEMO, out / "history")
    progress.done()
    config = Config(out / "case", workers=available_cpus())
    ingest_files(config, [out / "history"], progress)
    found = detect(config)
    written = report(config)
    return Demo(config.case, written, found.findings, time.monotonic() - begun)


def _clear_demo(out: Path) -> None:
    """Remove what an earlier demonstration left; its mark proves that it is one."""
    import shutil

    from forensics.errors import UsageProblem

    mark = out / ".forensics-demo"
    if out.exists() and any(out.iterdir()) and not mark.is_file():
        raise UsageProblem(
            f"The folder {out} is not empty and not a demonstration's.",
            hint="Name another one: forensics demo -o DIR",
        )
    for part in ("history", "case"):
        shutil.rmtree(out / part, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text("Made by forensics demo; removed and made again by the next one.\n", encoding="utf-8")


def read_coverage(store: Store) -> Coverage:
    """Counts of what the case has."""
    from forensics.store.coverage import read_coverage as read

    return read(store)


def _require_runs(store: Store, config: Config) -> Coverage:
    coverage = read_coverage(store)
    if not coverage.runs:
        raise NothingToAnalyse(
            f"The case {config.case} holds no runs.",
            hint="See what was read and what was not: forensics status",
        )
    return coverage


def _run_detectors(store: Store, config: Config, only: Sequence[str], queries: Path | None) -> DetectionResult:
    from forensics.detect.decided import detect_decided
    from forensics.detect.detector import load_detectors
    from forensics.errors import UsageProblem
    from forensics.settings import find_settings

    detectors = load_detectors(*([queries] if queries else []))
    known = frozenset(detector.id for detector in detectors)
    if only:
        unknown = [name for name in only if name not in known]
        if unknown:
            raise UsageProblem(f"There is no detector '{unknown[0]}'.", hint="List them with: forensics detectors")
        detectors = tuple(detector for detector in detectors if detector.id in only)
    settings = find_settings(config.case, config.here, config.settings)
    return detect_decided(store, detectors, settings, _now().date(), known=known)


def _workflow_paths(store: Store, findings: Sequence[Finding]) -> dict[int, str]:
    named = sorted({run.run_id for finding in findings for run in finding.runs})
    query = "SELECT run_id, workflow_path FROM runs WHERE workflow_path IS NOT NULL AND list_contains($runs, run_id)"
    return {int(run_id): str(path) for run_id, path in store.query(query, {"runs": named}).rows}


def _remember(config: Config, result: DetectionResult) -> None:
    """Keep the findings in the case, for SQL; a case that is locked or read-only still gets its answer."""
    from forensics.errors import ForensicsError
    from forensics.store.findings import write_findings
    from forensics.store.store import Store

    try:
        with Store.write(config.database) as store:
            write_findings(store, result.findings)
    except (ForensicsError, OSError):
        return


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)

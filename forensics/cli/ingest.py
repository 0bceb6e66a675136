"""``forensics ingest``: take evidence into the case, from GitHub or from files."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.options import FOLDER, HELP, Moment, Since, WorkflowFile, with_config
from forensics.cli.progress import shown
from forensics.cli.table import layout
from forensics.cli.terminal import plural, put, say, size, visible, width
from forensics.config import Config
from forensics.errors import Interrupted, UsageProblem

if TYPE_CHECKING:
    from forensics.ingest.github.address import Place
    from forensics.ingest.github.answer import Credential, Policy
    from forensics.ingest.github.scope import Plan, Scope
    from forensics.outcome import IngestSummary, LiveSummary

ANY_PATH = click.Path(path_type=Path)

CLOCKS_MAY_DIFFER = timedelta(minutes=5)
"""Our clock only decides which spans are certainly empty; the server's decides what is asked for."""


@click.command("ingest", context_settings=HELP)
@click.option(
    "--repo", "repositories", multiple=True, metavar="OWNER/NAME", help="Else that of the git checkout here."
)
@click.option(
    "--since",
    type=Since(),
    default="30d",
    show_default=True,
    help="Runs of this span (90m, 12h, 30d, 2w), or since this time (UTC).",
)
@click.option("--until", type=Moment(end=True), help="Only up to this time (UTC); a bare date counts whole.")
@click.option("--workflow", "workflows", type=WorkflowFile(), multiple=True, help="Only this workflow; repeatable.")
@click.option(
    "--logs",
    type=click.Choice(["all", "suspect", "failed", "none"]),
    default="all",
    show_default=True,
    help="Of all attempts, of runs that look like racing and their neighbours, of failed ones, or of none.",
)
@click.option(
    "--api-url",
    envvar="GITHUB_API_URL",
    show_envvar=True,
    metavar="URL",
    help="Address of the API, for an Enterprise Server: https://HOST/api/v3.",
)
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="Make at most so many requests, then stop.")
@click.option("--no-wait", is_flag=True, help="Stop (exit 5) instead of waiting for a rate limit.")
@click.option("--dry-run", is_flag=True, help="Only say what it would cost.")
@click.option(
    "--rules",
    type=FOLDER,
    metavar="DIR",
    help="Find effects with these rules, too; the case keeps them (CASE/rules).",
)
@click.option("--from", "sources", type=ANY_PATH, multiple=True, metavar="PATH...", help="Files or folders instead.")
@click.argument("more", type=ANY_PATH, nargs=-1, metavar="")
@with_config
@click.pass_context
def command(
    context: click.Context,
    /,
    config: Config,
    sources: tuple[Path, ...],
    more: tuple[Path, ...],
    rules: Path | None,
    **live: Any,
) -> None:
    """Take evidence into the case, from GitHub or from files.

    From GitHub: runs, attempts, jobs, annotations, concurrency groups, deployments, workflow files and logs
    of a repository, once, within the rate limit. Stopped at any point, the same command goes on from there;
    later it fetches what is new.

    \b
    The token comes from GH_TOKEN, GITHUB_TOKEN (Enterprise Server: GH_ENTERPRISE_TOKEN,
    GITHUB_ENTERPRISE_TOKEN), `gh auth login`, or a GitHub App: FORENSICS_APP_ID,
    FORENSICS_APP_PRIVATE_KEY and, if you know it, FORENSICS_APP_INSTALLATION.

    \b
    From files, recognised by content, in any mixture: run-log zips, extracted logs, single job
    logs, `gh run view --log` text, `gh run list/view --json`, REST pages, workflow YAML,
    .gz .tar .tar.gz .tar.xz of these, and the evidence folder of another case.

    Everything is kept exactly as received below CASE/evidence. Taking the same thing again changes nothing.

    Rules of your own for effects (docs/rules.md) stay with the case: later ingests use them without being told,
    other ones take their place, and logs that were read without them are read again. With nothing but --rules
    that is all it does.

    \b
    Examples:
      forensics ingest
      forensics ingest --repo octo/hello-world --since 7d --dry-run
      forensics ingest --since 2026-11-01 --workflow deploy.yml --logs suspect
      forensics ingest --repo ghe.example/octo/shop --no-wait
      forensics ingest --from logs.zip --from runs.json
      forensics ingest --rules my-rules/
      forensics --debug ingest --case incident-42 --from downloads/ .github/workflows/
    """
    named = _named_for_github(context)
    if sources:
        if named:
            raise UsageProblem(
                f"--from takes files, and {named[0]} is about GitHub.",
                hint="Give one or the other; a case takes both.",
            )
        _take_files(config, [*sources, *more], rules)
    elif more:
        raise UsageProblem(
            f"'{more[0]}' stands there without an option.",
            hint=f"Files and folders: forensics ingest --from {more[0]}; a repository: --repo OWNER/NAME",
        )
    elif rules and not named:
        _take_files(config, [], rules)
    else:
        _take_from_github(config, rules=rules, **live)


def _named_for_github(context: click.Context) -> list[str]:
    """The options about GitHub that stand on the command line."""
    typed = click.core.ParameterSource.COMMANDLINE
    return [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in ("sources", "more", "config", "rules", "help", None)
        and context.get_parameter_source(str(parameter.name)) is typed
    ]


def _take_files(config: Config, paths: list[Path], rules: Path | None) -> None:
    from forensics import pipeline

    with shown() as progress:
        summary = pipeline.ingest_files(config, paths, progress, rules=rules)
    _say_loaded(summary, config)


def _say_loaded(summary: IngestSummary, config: Config) -> None:
    from forensics.effects.own import kept

    for line in describe(summary):
        say(line)
    if own := kept(config.rules):
        say(visible(f"Read with {plural(len(own), 'rule')} of its own, kept in {config.rules}: {', '.join(own)}."))
    say("  → forensics detect" if summary.runs else "  → forensics status")


def _take_from_github(
    config: Config,
    *,
    rules: Path | None,
    repositories: tuple[str, ...],
    since: timedelta | datetime,
    until: datetime | None,
    workflows: tuple[str, ...],
    logs: Any,
    api_url: str | None,
    budget: int | None,
    no_wait: bool,
    dry_run: bool,
) -> None:
    from forensics.ingest.github.address import locate
    from forensics.ingest.github.answer import Policy
    from forensics.ingest.github.credential import find_credential
    from forensics.ingest.github.scope import Scope

    _require_span(since, until)
    environment = dict(os.environ)
    place = locate(repositories, api_url, environment, Path.cwd())
    scope = Scope(place.repositories, since, until, tuple(dict.fromkeys(workflows)), logs, dry_run)
    # GitHub's limits are published; an Enterprise Server has those that its owner sets, and says so in its answers.
    pace = Policy.per_minute if place.server.is_dotcom else None
    policy = Policy(budget=budget, wait=not no_wait, jitter=random.random, per_minute=pace)
    credential = find_credential(place.server, place.repositories, environment, policy, explicit=place.explicit)
    heading = _heading(place, scope, credential)
    summary = _ingest(config, place, scope, credential, policy, environment, heading, rules)
    if dry_run:
        for line in (heading, *describe_plan(summary.plan, policy, width())):
            put(line)
        return
    for line in describe_completeness(summary, _width_of_stderr()):
        say(line)
    if summary.loaded is not None:
        _say_loaded(summary.loaded, config)


def _ingest(
    config: Config,
    place: Place,
    scope: Scope,
    credential: Credential,
    policy: Policy,
    environment: dict[str, str],
    heading: str,
    rules: Path | None,
) -> LiveSummary:
    """Hand over to the pipeline; the plan is said when it is known, below its heading."""
    from forensics import pipeline

    with _resumable(), shown() as progress:

        def announce(plan: Plan) -> None:
            if not scope.dry_run:
                for line in (heading, *describe_plan(plan, policy, _width_of_stderr())):
                    progress.note(line)

        return pipeline.ingest_github(
            config, scope, place.server, credential, policy, progress,
            environment=environment, checkout=place.checkout, announce=announce, rules=rules,
        )  # fmt: skip


@contextmanager
def _resumable() -> Iterator[None]:
    """A signal that comes where the pipeline does not catch it ends the work just as well."""
    from forensics.cli.main import Terminated

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("Interrupted.") from None
    except Terminated:
        raise Interrupted("Terminated.", exit_code=143) from None


def _require_span(since: timedelta | datetime, until: datetime | None) -> None:
    """Refuse a span that is empty whatever the server's clock says."""
    if until is None:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    begin = since if isinstance(since, datetime) else now - since - CLOCKS_MAY_DIFFER
    if begin >= until:
        raise UsageProblem(
            f"--until {until:%Y-%m-%d %H:%M} is not after --since, so nothing lies between.",
            hint="Times without a zone are UTC. Give --since an earlier one.",
        )


def _heading(place: Place, scope: Scope, credential: Credential) -> str:
    """What is asked, where, as whom."""
    names = ", ".join(place.repositories[:3])
    if len(place.repositories) > 3:
        names += f" and {len(place.repositories) - 3} more"
    span = (
        f"since {scope.since:%Y-%m-%d %H:%M}"
        if isinstance(scope.since, datetime)
        else f"of the last {_span(scope.since)}"
    )
    if scope.until:
        span += f" up to {scope.until:%Y-%m-%d %H:%M}"
    which = f" of {', '.join(scope.workflows)}" if scope.workflows else ""
    logs = {"all": "all logs", "suspect": "suspect runs' logs", "failed": "failed attempts' logs", "none": "no logs"}
    return visible(
        f"{names} on {place.server.host} ({place.server.api_url}), token from {credential.source}: "
        f"runs{which} {span} (UTC), {logs[scope.logs]}."
    )


def _span(span: timedelta) -> str:
    hours, minutes = divmod(span // timedelta(minutes=1), 60)
    if minutes:
        return plural(hours * 60 + minutes, "minute")
    return plural(hours, "hour") if hours % 24 else plural(hours // 24, "day")


def describe_plan(plan: Plan, policy: Policy, columns: int) -> Iterator[str]:
    """What it will cost, and how that fits what is left, as lines for people."""
    wanted = [cost for cost in plan.costs if cost.requests]
    costs = [(cost.what, f"{'' if cost.exact else 'about '}{cost.requests:,}") for cost in wanted]
    exact = all(cost.exact for cost in wanted)
    costs.append(("all", f"{'' if exact else 'about '}{plan.requests:,}"))
    if not wanted:
        yield "Nothing new is listed; what is left to ask takes a few requests."
        return
    room = max(len("requests"), *(len(text) for _, text in costs))
    yield from layout(("what", "requests".rjust(room)), [(what, text.rjust(room)) for what, text in costs], columns)
    yield from _fit(plan, policy)


def _fit(plan: Plan, policy: Policy) -> Iterator[str]:
    """Whether the requests fit the limit, and how long they take at least."""
    wanted = min(plan.requests, policy.budget or plan.requests)
    if policy.budget is not None and policy.budget < plan.requests:
        yield f"--budget ends it after {plural(policy.budget, 'request')}; the same command then goes on."
    if policy.per_minute:
        minutes = -(-wanted // policy.per_minute)
        if minutes > 1:
            yield f"At {policy.per_minute} requests a minute that takes {plural(minutes, 'minute')} at least."
    if plan.quota_left is None:
        yield "The server names no limit."
        return
    resets = f", which resets at {plan.resets_at:%H:%M} UTC" if plan.resets_at else ""
    limit = f" of {plan.quota_limit:,}" if plan.quota_limit is not None else ""
    yield f"{plan.quota_left:,}{limit} requests of the limit are left{resets}; {policy.reserve} are kept for others."
    over = wanted - max(plan.quota_left - policy.reserve, 0)
    if over <= 0:
        return
    if not policy.wait:
        yield f"That is {over:,} too few: --no-wait stops it there, and the same command goes on after the reset."
        return
    an_hour = max((plan.quota_limit or plan.quota_left) - policy.reserve, 1)
    waits = -(-over // an_hour)
    yield f"That is {over:,} too few: it waits for {plural(waits, 'reset')}, an hour apart, and goes on by itself."


def describe_completeness(summary: LiveSummary, columns: int) -> Iterator[str]:
    """What became of everything that was listed, as lines for people."""
    rows = [
        (entry.kind, entry.listed, entry.fetched, entry.expired, entry.refused, entry.skipped, entry.waiting)
        for entry in summary.completeness
    ]
    if rows:
        yield from layout(("kind", "listed", "fetched", "expired", "refused", "skipped", "waiting"), rows, columns)
    waited = f", waited {_duration(summary.waited)} for limits" if summary.waited >= 1 else ""
    downloads = summary.by_kind.get("download", 0)
    made = plural(summary.requests - downloads, "request")
    fetched = f", {plural(downloads, 'download')}" if downloads else ""
    yield f"{made} to the API{fetched}{waited}."
    to_come = {entry.kind: entry.waiting for entry in summary.completeness if entry.waiting}
    logs = to_come.pop("logs", 0)
    if logs and summary.logs != "all":
        yield f"{plural(logs, 'log archive')} beyond --logs {summary.logs} were left; --logs all fetches them."
    elif logs:
        to_come["logs"] = logs
    if to_come:
        things = ", ".join(f"{count:,} {kind}" for kind, count in to_come.items())
        yield f"Not to be had yet: {things}; the same command asks for them again."


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _width_of_stderr() -> int:
    """Columns of the terminal behind stderr; 100 where there is none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return 100


def describe(summary: IngestSummary) -> list[str]:
    """What an ingest did, in sentences."""
    lines = [
        f"Took {plural(summary.files_taken, 'file')} ({size(summary.bytes)}) in {summary.seconds:.1f} s; "
        f"{summary.files_known:,} known already.",
        f"The case holds {plural(summary.runs, 'run')}, {plural(summary.attempts, 'attempt')}, "
        f"{plural(summary.jobs, 'job')}, {plural(summary.log_lines, 'log line')} "
        f"and {plural(summary.effects, 'effect')}.",
        f"Lines read: {summary.lines_in:,} = {summary.lines_stored:,} stored + "
        f"{summary.lines_duplicate:,} duplicates + {summary.lines_problem:,} left out for a reason.",
    ]
    if summary.problems:
        named = ", ".join(f"{visible(kind)} {count:,}" for kind, count in summary.problems)
        lines.append(f"Problems: {named}  (forensics status)")
    return lines

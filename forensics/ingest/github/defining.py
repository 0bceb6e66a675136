"""Which workflow file defined each run of this ingest, asked for at hardly any cost and kept as evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from forensics.errors import EvidenceUnreadable
from forensics.ingest.github.answer import JSON, RAW, RETRIED_LATER
from forensics.ingest.github.clone import Clone
from forensics.ingest.github.files import Definition, define, resolve, wanted_files, write
from forensics.ingest.github.lineage import Pair
from forensics.ingest.github.queue import Item, Settled
from forensics.ingest.github.resolve import Resolution
from forensics.ingest.github.session import Run, Session
from forensics.workflow.load import load_workflow

SHARE = 75
"""At most one request for files for so many runs, and a few in any case: the rest is said to be unknown."""
ALWAYS = 12

Settings = Literal["none", "literal", "evaluated", "unknown"]
"""What a file says of concurrency groups: nothing, names without any expression, or something to be evaluated."""


@dataclass(frozen=True)
class Filed:
    """What the case has of workflow files already."""

    blobs: Mapping[Pair, str | None] = field(default_factory=dict)
    """Blob by path and commit; None for a file that is not to be had."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Text by blob."""


@dataclass(frozen=True)
class Defining:
    """What is known of the files that defined runs."""

    file_of: Mapping[int, Pair] = field(default_factory=dict)
    """Path and commit by run."""
    text_of: Mapping[Pair, str] = field(default_factory=dict)
    """The file's text by path and commit, where known."""

    def settings_of(self, run: Run) -> Settings:
        """What the file of a run says of groups; a called workflow may say more, so its caller's is evaluated."""
        place = self.file_of.get(run["id"])
        text = self.text_of.get(place) if place else None
        if text is None:
            return "unknown"
        return "evaluated" if run.get("referenced_workflows") else _settings(text)


@lru_cache(maxsize=4096)
def _settings(text: str) -> Settings:
    try:
        content = load_workflow(text).content
    except EvidenceUnreadable:
        return "unknown"
    jobs = content["jobs"] if isinstance(content["jobs"], dict) else {}
    found = [content.get("concurrency")]
    for job in jobs.values():
        if isinstance(job, dict):
            if "uses" in job:
                return "evaluated"
            found.append(job.get("concurrency"))
    said = [one for one in found if one is not None]
    if not said:
        return "none"
    return "evaluated" if any("${{" in str(one) for one in said) else "literal"


async def ask_for_files(
    session: Session,
    repository: str,
    default_branch: str,
    runs: Sequence[Run],
    clone: Clone | None,
    filed: Callable[[str], Filed],
) -> Defining:
    """Resolve the files of all runs, ask for those that neither clone nor case has, and keep them."""
    known = filed(repository)
    open_ = {item.run_id: item for item in session.queue.waiting(repository, ("definition",))}
    due = [run for run in runs if run["id"] in open_]

    async def ask(owner: str, path: str, commit: str) -> bytes:
        is_file = path.endswith((".yml", ".yaml"))
        answer = await session.client.get(
            f"/repos/{owner}/contents/{path}",
            {"ref": commit},
            kind="file",
            accept=RAW if is_file else JSON,
            json_expected=not is_file,
        )
        return answer.body

    resolution = Resolution()
    if due:
        # The others' files, where known, are what the new ones are compared with; where not, they stay unknown:
        # another ingest must not spend what the one before saved.
        wanted = wanted_files(repository, default_branch, runs)
        asked = {one.pair for one in wanted_files(repository, default_branch, due)}
        settled = {one.pair: None for one in wanted if one.pair not in asked}
        most = ALWAYS + len(due) // SHARE
        resolution = await resolve(wanted, clone, ask, most=most, known={**settled, **known.blobs})
    write(session.folder, repository, resolution)
    _settle(session, resolution)
    if resolution.stopped:
        raise resolution.stopped
    session.settle(_settle_runs(open_.values(), resolution, define(repository, default_branch, runs)))
    # What failed last time and is not needed any more, or not worth another request.
    left = session.queue.waiting(repository, ("file",))
    session.settle(Settled(item, "skipped", "It was not asked for again, to save requests.") for item in left)
    return Defining(_files(repository, default_branch, runs), _texts(resolution, known))


def _settle(session: Session, resolution: Resolution) -> None:
    results = [
        Settled(Item(one.repository, "file", f"{one.path}@{one.commit}"), "done", one.source)
        for one in resolution.versions
    ]
    results += [
        Settled(Item(one.repository, "file", f"{one.path}@{one.commit}"), one.state, one.detail)
        for one in resolution.gone
    ]
    session.queue.add([result.item for result in results])
    session.settle(results)
    if resolution.unasked:
        session.warn(
            [
                f"{resolution.unasked:,} of the workflow files that defined runs were not asked for, to save "
                "requests; inside a clone of the repository they are read from it."
            ]
        )


def _settle_runs(
    items: Iterable[Item], resolution: Resolution, definitions: Iterable[Definition]
) -> Iterator[Settled]:
    """Runs of which a file may still come are looked at again by the next ingest (fault matrix, row 17)."""
    failed = {one[:3]: one.detail for one in resolution.gone if one.state in RETRIED_LATER}
    why = {
        one.run_id: failed[one.repository, one.path, one.commit]
        for one in definitions
        if (one.repository, one.path, one.commit) in failed
    }
    for item in items:
        detail = why.get(item.run_id or 0)
        yield Settled(item, "failed", detail) if detail else Settled(item, "done")


def _files(repository: str, default_branch: str, runs: Sequence[Run]) -> dict[int, Pair]:
    return {
        one.run_id: (one.path, one.commit)
        for one in define(repository, default_branch, runs)
        if not one.called and one.repository == repository
    }


def _texts(resolution: Resolution, known: Filed) -> dict[Pair, str]:
    texts = {place: known.texts[blob] for place, blob in known.blobs.items() if blob and blob in known.texts}
    for one in resolution.versions:
        if one.blob in resolution.blobs:
            texts[one.path, one.commit] = resolution.blobs[one.blob].decode(errors="replace")
        elif one.blob in known.texts:
            texts[one.path, one.commit] = known.texts[one.blob]
    return texts

"""Log archives and job logs brought to the disk, whole and checked, through whatever the way does to them.

Each try begins with a fresh question to the API, for a link is good for about a minute. Rules: rows 7, 20 to 28, 41,
45, 50, 51 and 56 of the fault matrix.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx2

from forensics.errors import ServerFailing
from forensics.ingest.evidence import safe_path
from forensics.ingest.github.answer import Gone, GoneState, Location, Observer, Policy
from forensics.ingest.github.archive import Checked, check_archive
from forensics.ingest.github.body import Received, on_disk
from forensics.ingest.github.directory import is_html
from forensics.ingest.github.transfer import Broken, Cause, Transfer

SUFFIX = ".part"
_TRIES = 3
"""Times that what comes damaged, does not come in time or is not there is asked for (row 21)."""
_FEW: frozenset[Cause] = frozenset({"damage", "slow", "missing"})
_LONGEST_WAIT = 300.0
_NAMED = 3


class Locator(Protocol):
    """What is needed of :class:`forensics.ingest.github.client.Client`."""

    @property
    def blobs(self) -> httpx2.AsyncClient:
        """A client that carries no token."""

    async def locate(self, path: str, *, kind: str) -> Location:
        """Where the download at an API path lies. Raises Gone."""


@dataclass(frozen=True)
class Fetched:
    """A download that is worth keeping."""

    file: Path
    """Ends in ``.part``; whoever takes it renames it."""
    bytes: int
    checked: Checked | None
    """What the archive holds; None for a text."""
    warnings: tuple[str, ...] = ()
    """Whole sentences: members that came damaged, a text that may not be whole."""


@dataclass(eq=False, kw_only=True)
class CorruptDownload(Gone):
    """What came is no good (``corrupt``) or not to be opened (``refused``), and is kept as it came."""

    file: Path
    """Ends in ``.part``; whoever takes it renames it."""
    checked: Checked | None = None


@dataclass(frozen=True)
class _Wanted:
    path: str
    kind: str
    young: bool
    part: Path
    what: str
    """``The logs at /repos/…``, the beginning of sentences."""
    judge: Callable[[Path, Received, str], _Judged]


@dataclass(frozen=True)
class _Judged:
    """What a try brought."""

    bytes: int
    checked: Checked | None = None
    fault: str | None = None
    """Why another try is due, as a whole sentence."""
    usable: bool = True
    """Whether it is to be used for want of better."""
    refused: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Larger is better."""
        return self.usable, -len(self.checked.damaged) if self.checked else 0, self.bytes


class Downloader:
    """Downloads into a folder of its own, ``scratch``, on the file system of the evidence.

    Several may be under way at once, each under another name. Raises, beside Gone, what the locator raises;
    ServerFailing when many failed in a row; Unreachable; ForensicsError when the disk is full or fails.
    """

    def __init__(self, locator: Locator, policy: Policy, observer: Observer, scratch: Path) -> None:
        self._locator = locator
        self._policy = policy
        self._transfer = Transfer(policy, observer)
        self._scratch = scratch
        self._failed_in_a_row = 0

    def clear(self) -> None:
        """Remove what a killed ingest left behind (row 50): files of ours in ``scratch``, through no link."""
        for folder, _, names in os.walk(self._scratch):
            for name in names:
                file = Path(folder, name)
                if name.endswith(SUFFIX) and not file.is_symlink():
                    with on_disk(file):
                        file.unlink(missing_ok=True)

    async def fetch_archive(self, path: str, name: str, *, young: bool = False) -> Fetched:
        """The log archive at an API path, to ``<scratch>/<name>.part``, every member compared with its checksum.

        ``young``: the run ended so recently that its logs may not be there yet. Raises Gone: ``expired``,
        ``not-ready``, ``failed`` or what the locator says; CorruptDownload with the bytes for ``corrupt`` and
        ``refused``. An archive of which some members are sound is given, after all tries, with ``checked.damaged``.
        """
        return await self._fetch(path, name, "logs", young, _judge_archive)

    async def fetch_text(self, path: str, name: str, *, young: bool = False) -> Fetched:
        """The log of a job at an API path, to ``<scratch>/<name>.part``, compared with length and checksum given.

        Raises as :meth:`fetch_archive` does. A text of which neither was given is warned of.
        """
        return await self._fetch(path, name, "job-log", young, _judge_text)

    async def _fetch(
        self, path: str, name: str, kind: str, young: bool, judge: Callable[[Path, Received, str], _Judged]
    ) -> Fetched:
        part = self._scratch / (safe_path(name) + SUFFIX)
        what = f"The {'logs' if kind == 'logs' else 'log'} at {path}"
        wanted = _Wanted(path, kind, young, part, what, judge)
        outcome: Fetched | CorruptDownload | None = None
        try:
            outcome = await self._try(wanted)
        finally:
            # Failing at this must not hide why; the next ingest clears what stays.
            with suppress(OSError):
                _aside(part).unlink(missing_ok=True)
                if outcome is None:
                    part.unlink(missing_ok=True)
        self._failed_in_a_row = 0
        if isinstance(outcome, CorruptDownload):
            raise outcome
        return outcome

    async def _try(self, wanted: _Wanted) -> Fetched | CorruptDownload:
        """Ask until something is worth keeping, or the tries are used up."""
        tries: Counter[Cause] = Counter()
        best: _Judged | None = None
        while True:
            try:
                location = await self._locate(wanted)
                received = await self._transfer.fetch(self._locator.blobs, location, wanted.part)
                judged = await asyncio.to_thread(wanted.judge, wanted.part, received, wanted.what)
                if judged.refused:
                    return CorruptDownload(
                        "refused", f"{wanted.what} are kept and not opened: {judged.fault}.", 200,
                        file=wanted.part, checked=judged.checked,
                    )  # fmt: skip
                if judged.fault is None:
                    return Fetched(wanted.part, judged.bytes, judged.checked, judged.warnings)
                if best is None or judged.rank > best.rank:
                    best = judged
                    with on_disk(wanted.part):
                        wanted.part.replace(_aside(wanted.part))
                broken = Broken("damage", judged.fault, 200)
            except Broken as error:
                broken = error
            tries[broken.cause] += 1
            if self._is_last(tries, broken, young=wanted.young):
                return self._give_up(wanted, tries, broken, best)
            await self._policy.sleep(self._pause(tries.total(), broken.after))

    async def _locate(self, wanted: _Wanted) -> Location:
        try:
            return await self._locator.locate(wanted.path, kind=wanted.kind)
        except Gone as gone:
            # Row 7: by the status, whatever the message says.
            if gone.status in (404, 410):
                raise self._absent(wanted, gone.status, gone.body) from gone
            raise

    def _absent(self, wanted: _Wanted, status: int, body: bytes) -> Gone:
        self._failed_in_a_row = 0
        state: GoneState = "not-ready" if wanted.young and status == 404 else "expired"
        why = (
            "not there yet; the next ingest asks again"
            if state == "not-ready"
            else "past their retention, or deleted"
        )
        return Gone(state, f"{wanted.what}: the server has none ({status}), {why}.", status, body)

    def _is_last(self, tries: Counter[Cause], broken: Broken, *, young: bool) -> bool:
        if broken.cause == "missing" and (young or broken.status == 410):
            return True
        most = self._policy.tries
        few = min(_TRIES, most) if broken.cause in _FEW else most
        return tries[broken.cause] >= few or tries.total() >= most

    def _pause(self, tries: int, after: float | None) -> float:
        seconds = 2.0 ** (tries - 1) * (1 + self._policy.jitter())
        return max(seconds, min(after or 0.0, _LONGEST_WAIT))

    def _give_up(
        self, wanted: _Wanted, tries: Counter[Cause], broken: Broken, best: _Judged | None
    ) -> Fetched | CorruptDownload:
        count = tries[broken.cause]
        if broken.cause == "damage" and best is not None and count >= min(_TRIES, self._policy.tries):
            with on_disk(wanted.part):
                _aside(wanted.part).replace(wanted.part)
            if best.usable:
                return Fetched(wanted.part, best.bytes, best.checked, best.warnings)
            return CorruptDownload(
                "corrupt", f"{wanted.what} came damaged each of {count} times. {best.fault} What came is kept.", 200,
                file=wanted.part, checked=best.checked,
            )  # fmt: skip
        if broken.cause == "missing" and broken.status is not None:
            raise self._absent(wanted, broken.status, broken.body)
        self._failed_in_a_row += 1
        detail = f"{wanted.what} could not be downloaded in {tries.total()} tries. {broken.why}"
        if self._failed_in_a_row >= self._policy.failures_in_a_row:
            raise ServerFailing(
                f"{self._failed_in_a_row} downloads in a row failed. The last: {detail}",
                hint="See whether GitHub is well (githubstatus.com); the same command goes on from here.",
            )
        raise Gone("failed", detail, broken.status, broken.body)


def _aside(part: Path) -> Path:
    """Where the best of the damaged ones waits for the end of the tries."""
    return part.with_name(part.name.removesuffix(SUFFIX) + ".aside" + SUFFIX)


def _judge_archive(file: Path, received: Received, what: str) -> _Judged:
    """Its own directory and checksums prove an archive, whatever length was announced (rows 21 to 23)."""
    checked = check_archive(file)
    if checked.refused:
        return _Judged(received.size, checked, checked.reason, usable=False, refused=True)
    if checked.reason is not None:
        fault = f"{received.short + ' ' if received.short else ''}The archive is no good: {checked.reason}."
        return _Judged(received.size, checked, fault, usable=False)
    if checked.damaged:
        count = len(checked.damaged)
        names = ", ".join(_printable(name) for name in checked.damaged[:_NAMED]) + ("…" if count > _NAMED else "")
        fault = f"{what}: {count} of {checked.members} members came damaged each time and are left out: {names}."
        return _Judged(received.size, checked, fault, warnings=(fault,))
    warning = f"{what} are whole, though not what was announced: {received.short}" if received.short else None
    return _Judged(received.size, checked, warnings=(warning,) if warning else ())


def _judge_text(file: Path, received: Received, what: str) -> _Judged:
    """A text proves nothing by itself: length, form of the transfer or checksum must (row 21)."""
    if received.short:
        return _Judged(received.size, fault=received.short, usable=False)
    if is_html(received.head):
        return _Judged(received.size, fault="It is an HTML page and no log.", usable=False)
    if received.proven:
        return _Judged(received.size)
    doubt = f"{what} came without a length or checksum: it cannot be told whether it is whole."
    if received.ends_line:
        return _Judged(received.size, warnings=(doubt,))
    doubt += " It ends in the middle of a line."
    return _Judged(received.size, fault=doubt, warnings=(doubt,))


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:80])

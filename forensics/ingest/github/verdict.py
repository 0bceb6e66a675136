"""What an answer of the API means: pure functions of status, headers and body.

Sources: GitHub's documentation of its rate limits and of troubleshooting the REST API; the fault matrix, whose rows
are named where they decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from forensics.errors import AccessRefused, ForensicsError, RequestInvalid, Unreachable
from forensics.ingest.github.answer import GoneState, moment
from forensics.ingest.github.redact import redact

BACK_OFF = 60.0
"""Seconds to wait at least when the secondary limit names none, doubled each time (GitHub's documentation)."""
_LATEST = 4_102_444_800.0  # 2100-01-01: a reset beyond it is no moment but nonsense


@dataclass(frozen=True)
class Question:
    """What was asked, as far as it decides what the answer means."""

    path: str
    """Path and query, for messages."""
    logs: bool = False
    """A log endpoint: sends a link or bytes, and 404 and 410 mean that they have expired."""
    young: bool = False
    """What is asked for is so new that its absence may end."""
    json_expected: bool = True
    conditional: bool = False
    """If-None-Match was sent."""
    versioned: bool = True
    """X-GitHub-Api-Version was sent."""
    source: str | None = None
    """Where the token came from; None without one."""


@dataclass(frozen=True)
class Good:
    """The thing itself."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unchanged:
    """304: what is remembered still holds."""


@dataclass(frozen=True)
class Redirect:
    """It is elsewhere."""

    location: str
    permanent: bool
    """301 and 308: it has another name from now on."""
    to_file: bool = False
    """302 or 303 of a log endpoint: a link to a download."""


@dataclass(frozen=True)
class Wait:
    """A limit: nobody may ask before so many seconds have passed."""

    seconds: float
    why: str
    """A whole sentence."""
    lower_concurrency: bool
    """A secondary limit: too much at once."""
    named: bool = True
    """The server itself named the time; otherwise it is our back-off."""


@dataclass(frozen=True)
class Retry:
    """The server failed; the same may go well later."""

    why: str
    after: float | None = None
    """Seconds that the server asked for."""


@dataclass(frozen=True)
class OtherVersion:
    """This server does not know our version of the API: ask without naming one (row 48)."""


@dataclass(frozen=True)
class GoneVerdict:
    """This one thing is not to be had."""

    state: GoneState
    detail: str


@dataclass(frozen=True)
class Fatal:
    """Nothing can be had."""

    error: ForensicsError
    renewable: bool = False
    """A fresh token might help."""


Verdict = Good | Unchanged | Redirect | Wait | Retry | OtherVersion | GoneVerdict | Fatal


@dataclass(frozen=True)
class Quota:
    """The primary limit as an answer tells it."""

    left: int
    limit: int | None
    resets_at: float | None
    """Seconds since the epoch by the server's clock."""
    core: bool
    """False for a resource of its own (search, code scanning …), which says nothing about ours."""


def judge(
    status: int, headers: Mapping[str, str], body: bytes, *, question: Question, now: float, strikes: int = 0
) -> Verdict:
    """What an answer means.

    ``headers`` have lower-case names; ``now`` is the server's time in seconds since the epoch; ``strikes`` is the
    number of secondary limits met in a row before this answer.
    """
    if status == 304:
        return Unchanged() if question.conditional else Retry("It answered 304 (unchanged) though nothing was named.")
    if 200 <= status < 300:
        return _judge_good(headers, body, question)
    if status in (301, 302, 303, 307, 308):
        return _judge_redirect(status, headers, question)
    if status in (403, 429):
        return _judge_refusal(status, headers, body, question, now, strikes)
    if 400 <= status < 500:
        return _judge_mistake(status, body, question)
    return Retry(f"It answered {status}{_said(body)}.", retry_after(headers, now))


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """The primary limit that the headers tell, or None: an Enterprise Server need not have one (row 16)."""
    left = _number(headers.get("x-ratelimit-remaining"))
    if left is None:
        return None
    reset = _number(headers.get("x-ratelimit-reset"))
    resets_at = float(reset) if reset is not None and 0 < reset < _LATEST else None
    core = headers.get("x-ratelimit-resource", "core") == "core"
    return Quota(left, _number(headers.get("x-ratelimit-limit")), resets_at, core)


def server_time(headers: Mapping[str, str]) -> float | None:
    """``Date`` as seconds since the epoch, or None where it is absent or no date."""
    return _date(headers.get("date"))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """``Retry-After`` as seconds from ``now`` on the server's clock, given as seconds or as a date (row 12)."""
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return float(max(0, seconds))
    date = _date(text)
    return None if date is None else max(0.0, date - now)


def _judge_good(headers: Mapping[str, str], body: bytes, question: Question) -> Verdict:
    if question.json_expected and not question.logs:
        flaw = _json_flaw(body)
        if flaw:
            return Retry(f"It answered 200 with {flaw}.")  # row 18
    elif not question.logs and headers.get("content-type", "").lower().startswith("text/html"):
        return Retry("It answered 200 with an HTML page instead of a file.")  # row 18
    sso = headers.get("x-github-sso", "")
    if not sso.startswith("partial-results"):
        return Good()
    organizations = _parameter(sso, "organizations")
    return Good(
        (
            f"The answer to {question.path} lacks what belongs to organizations that want single sign-on (their ids: "
            f"{organizations or 'not named'}); authorise the token for them to get everything.",
        )
    )


def _json_flaw(body: bytes) -> str | None:
    if not body.strip():
        return "nothing instead of JSON"
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "HTML instead of JSON" if body.lstrip()[:1] == b"<" else "JSON that is cut or broken"
    return None if isinstance(document, (dict, list)) else "JSON that is neither an object nor a list"


def _judge_redirect(status: int, headers: Mapping[str, str], question: Question) -> Verdict:
    location = headers.get("location", "").strip()
    if not location:  # row 26
        return GoneVerdict("failed", f"{question.path} was redirected ({status}) without saying where to.")
    return Redirect(location, permanent=status in (301, 308), to_file=question.logs and status in (302, 303))


def _judge_refusal(
    status: int, headers: Mapping[str, str], body: bytes, question: Question, now: float, strikes: int
) -> Verdict:
    """403 and 429: both stand for limits, and 403 for a lack of rights as well (rows 3, 4, 12, 13, 14)."""
    message = _message(body)
    sso = headers.get("x-github-sso", "")
    if sso.startswith("required"):
        return Fatal(_sign_on(_parameter(sso, "url"), question))
    if message.lower().startswith("resource not accessible"):
        return _no_permission(status, headers, message, question)
    seconds = retry_after(headers, now)
    if seconds is not None:
        return Wait(seconds + 1, f"GitHub asks for a pause of {seconds:.0f} seconds.", lower_concurrency=True)
    limited = status == 429 or "rate limit" in message.lower() or "abuse" in message.lower()
    quota = quota_of(headers)
    if quota and quota.left <= 0 and (quota.core or limited) and quota.resets_at and quota.resets_at >= now:
        return _primary(quota.limit, quota.resets_at, now)
    if limited or (quota and quota.core and quota.left <= 0):
        seconds = BACK_OFF * 2**strikes + 1
        why = f"GitHub's secondary limit was met and names no time: waiting {seconds:.0f} seconds."
        return Wait(seconds, why, lower_concurrency=True, named=False)
    if "login attempts" in message.lower():
        return Fatal(_bad_credentials(message, question))
    if "access blocked" in message.lower():
        return GoneVerdict("blocked", f"{question.path} is blocked by GitHub{_said(body)}.")
    return _no_permission(status, headers, message, question)


def _primary(limit: int | None, resets_at: float, now: float) -> Wait:
    what = "limit" if limit is None else f"limit of {limit} requests an hour"
    why = f"GitHub's {what} is used up; it is reset at {moment(resets_at):%H:%M:%S} UTC."
    return Wait(resets_at - now + 1, why, lower_concurrency=False)


def _no_permission(status: int, headers: Mapping[str, str], message: str, question: Question) -> GoneVerdict:
    lacking = _plain(headers.get("x-accepted-github-permissions", ""))
    helps = f"; it wants the permission {lacking}" if lacking else ""
    answer = f"{status}, “{message}”" if message else str(status)
    return GoneVerdict("no-permission", f"{question.path} is not open to this token ({answer}){helps}.")


def _judge_mistake(status: int, body: bytes, question: Question) -> Verdict:
    """400 to 499 but 403 and 429."""
    path, said = question.path, _said(body)
    match status:
        case 401:
            return Fatal(_bad_credentials(_message(body), question), renewable=question.source is not None)
        case 404:
            return _judge_absence(path, said, question)
        case 407 | 511:
            return Fatal(_proxy_wants_password())
        case 408 | 421 | 425:
            return Retry(f"It answered {status}{said}.")
        case 410 if question.logs:  # row 7: whatever the message says ("Server Error", in the wild)
            return GoneVerdict("expired", f"The logs at {path} are not kept any more (410{said}).")
        case 410:  # row 8
            hint = "Look for a newer version of forensics."
            return Fatal(RequestInvalid(f"{path} was removed by GitHub (410{said}).", hint=hint))
        case 400 if question.versioned and b"version" in body.lower():
            return OtherVersion()
        case 451:  # row 10
            return GoneVerdict("blocked", f"{path} is blocked for legal reasons (451{said}).")
        case 400 | 405 | 406 | 411 | 413 | 414 | 415 | 422 | 431:  # row 9
            hint = "This is a defect of forensics: please report it with this message."
            return Fatal(RequestInvalid(f"GitHub refuses the request {path} as invalid ({status}{said}).", hint=hint))
    return GoneVerdict("failed", f"{path} was answered with {status}{said}.")


def _judge_absence(path: str, said: str, question: Question) -> GoneVerdict:
    if question.young:
        return GoneVerdict("not-ready", f"{path} is not there yet (404{said}); the next ingest asks again.")
    if question.logs:
        return GoneVerdict("expired", f"The logs at {path} are not there (404{said}): expired, or never written.")
    return GoneVerdict("deleted", f"{path} was not found (404{said}), or the token cannot see it.")


def _bad_credentials(message: str, question: Question) -> AccessRefused:
    answer = f" ({message})" if message else ""
    if question.source is None:
        return AccessRefused(f"GitHub wants to know who asks{answer}.", hint="Set GH_TOKEN, or run: gh auth login")
    return AccessRefused(
        f"GitHub refuses the token from {question.source}{answer}: it is wrong, has expired or was revoked.",
        hint=f"{renewal(question.source)} What was fetched is kept.",
    )


def renewal(source: str) -> str:
    """What to do about a token that is no good, by where it came from."""
    if source.startswith("GitHub App"):
        return "Check the App's id, its private key and its installation in this repository."
    if source.isidentifier():
        return f"Put a valid token into {source}, or run: gh auth login."
    return "Log in again: gh auth login; or put a token into GH_TOKEN."


def _sign_on(url: str, question: Question) -> AccessRefused:
    whose = f"the token from {question.source}" if question.source else "a token"
    return AccessRefused(
        f"The organization wants {whose} to be authorised for single sign-on.",
        hint=f"Open {url} and authorise it, then run the same command again."
        if url.startswith("https://")
        else "Authorise the token for single sign-on in GitHub's settings, then run the same command again.",
    )


def _proxy_wants_password() -> Unreachable:
    return Unreachable(
        "The proxy or network wants to know who asks (407 or 511).",
        hint="Put user and password into HTTPS_PROXY, as in http://user:password@proxy.example:3128.",
    )


def _message(body: bytes) -> str:
    """``message`` of an error's JSON, or nothing; a single line, at most 300 characters, without secrets."""
    if len(body) > 1_000_000:
        return ""
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(document, dict):
        return ""
    parts = [document.get("message"), *_flaws(document.get("errors"))]
    return _plain("; ".join(part for part in parts if isinstance(part, str)))


def _flaws(errors: Any) -> list[str]:
    """What a 422 names: its errors are texts, or objects with resource, field and code or message."""
    found = []
    for error in errors[:5] if isinstance(errors, list) else []:
        if isinstance(error, dict):
            error = " ".join(
                str(error[key]) for key in ("resource", "field", "code", "message") if isinstance(error.get(key), str)
            )
        if isinstance(error, str):
            found.append(error)
    return found


def _said(body: bytes) -> str:
    message = _message(body).rstrip(".")
    return f", “{message}”" if message else ""


def _plain(text: str) -> str:
    return redact(re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip())[:300]


def _parameter(header: str, name: str) -> str:
    """A parameter of ``required; url=…`` without control characters."""
    for part in header.split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key == name:
            return re.sub(r"[\s\x00-\x1f\x7f-\x9f]", "", value)
    return ""


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text is not None and len(text) < 20 else None
    except ValueError:
        return None


def _date(text: str | None) -> float | None:
    try:
        date = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if date is None:
        return None
    try:
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (OverflowError, OSError, ValueError):
        return None

"""Every error the program raises on purpose, each with what to do next.

::

    ForensicsError                exit 1
    ├── UsageProblem              exit 2   the arguments do not fit together
    ├── NothingToAnalyse          exit 3   no input, or an empty case
    ├── Incomplete                exit 5   stopped early; the same command goes on
    │   ├── LimitReached          exit 5   a rate limit or the budget, and waiting is not wanted
    │   ├── ServerFailing         exit 5   GitHub, or the way to it, fails again and again
    │   └── Interrupted           exit 130 Ctrl-C (130) or SIGTERM (143)
    ├── AccessRefused             exit 4   no token, a wrong one, not authorised, or nothing to be seen with it
    ├── Unreachable               exit 1   no connection to the server at all: name, network, proxy, certificate
    ├── RequestInvalid            exit 1   the server says that a request of ours is wrong
    ├── IngestRunning             exit 1   another ingest writes into this case
    ├── CaseLocked                exit 1   another process has the case open for writing
    ├── CaseTooNew                exit 1   written by a newer version; left untouched
    ├── CaseUnreadable            exit 1   not a case, or damaged
    ├── EvidenceUnreadable        exit 1   one evidence file cannot be read (becomes a row in `problems`)
    ├── DetectorInvalid           exit 1   a detector file does not match its own header
    ├── RuleInvalid               exit 1   an effect rule file is wrong
    └── QueryRefused              exit 1   SQL that fails or that the read-only shell does not allow

The command line prints ``message`` and, on the next line, ``hint``.
"""

from __future__ import annotations

from typing import ClassVar


class ForensicsError(Exception):
    """Base of all; ``hint`` says what the user can do next, in one sentence."""

    exit_code: ClassVar[int] = 1
    slug: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageProblem(ForensicsError):
    """Arguments that click accepts one by one but that do not fit together."""

    exit_code = 2
    slug = "usage"


class NothingToAnalyse(ForensicsError):
    """There is no input, or the case holds nothing that this command could use."""

    exit_code = 3
    slug = "nothing-to-analyse"


class Incomplete(ForensicsError):
    """The work stopped early, what was done is kept, and the same command goes on from there."""

    exit_code = 5
    slug = "incomplete"


class LimitReached(Incomplete):
    """A limit of the server, or the budget, is reached, and this ingest is not to wait."""

    slug = "limit-reached"


class ServerFailing(Incomplete):
    """Many requests in a row failed; going on would only make it worse."""

    slug = "server-failing"


class Interrupted(Incomplete):
    """A signal ended the work; what was under way was finished or left for the next time."""

    exit_code = 130
    slug = "interrupted"

    def __init__(self, message: str, *, hint: str = "", exit_code: int = 130) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code  # type: ignore[misc]  # 128 and the number of the signal


class AccessRefused(ForensicsError):
    """The server does not let us: no token, a bad one, SSO, or a repository that it cannot see."""

    exit_code = 4
    slug = "access-refused"


class Unreachable(ForensicsError):
    """No conversation with the server came about: name, network, proxy or certificate."""

    slug = "unreachable"


class RequestInvalid(ForensicsError):
    """The server refuses a request as malformed: a defect of this program, or an endpoint that was removed."""

    slug = "request-invalid"


class IngestRunning(ForensicsError):
    """Another process is ingesting into the same case."""

    slug = "ingest-running"


class CaseLocked(ForensicsError):
    """Another process has the case open."""

    slug = "case-locked"


class CaseTooNew(ForensicsError):
    """The case was written by a newer version of the program; it was not touched."""

    slug = "case-too-new"


class CaseUnreadable(ForensicsError):
    """The file is not a case, or is damaged."""

    slug = "case-unreadable"


class EvidenceUnreadable(ForensicsError):
    """One evidence file, or one member of an archive, cannot be read; the rest goes on."""

    slug = "evidence-unreadable"


class DetectorInvalid(ForensicsError):
    """A detector's header is wrong or does not match its SQL."""

    slug = "detector-invalid"


class RuleInvalid(ForensicsError):
    """An effect rule file is wrong; the message names file and place."""

    slug = "rule-invalid"


class QueryRefused(ForensicsError):
    """SQL that does not run, or that would write or reach outside the case."""

    slug = "query-refused"

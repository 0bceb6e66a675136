"""Secrets taken out of every text that is kept or shown: tokens, and what signs a download link.

A link to a log archive is a secret of its own for as long as it lives, for whoever has it gets the log. Row 56 of the
fault matrix asks that neither a link's signature nor a token stands in a row, a log line or an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

REDACTED = "***"

_QUERY_SECRET = re.compile(
    r"""(?ix) (?<![\w%.-])  # a whole name: `sig`, not `design`
    (sig | se | sp | skoid | sktid | token | access_token | refresh_token | client_secret | password
      | signature | x-(?:amz|goog)-[\w-]+ | awsaccesskeyid)
    (=|%3d) [^&\s"'<>\#)\]}]+"""
)
"""Parameters by which Azure, Amazon and Google sign a link, and those that carry a token.
``se`` and ``sp`` (end and permissions of an Azure link) are no secret, but tell what the link was good for."""

_TOKEN = re.compile(
    r"""(?x) (?<![A-Za-z0-9_])
    (?: gh[opsur]_ [A-Za-z0-9_]+ (?: \. [A-Za-z0-9_-]+ )*   # an App's installation token may be ghs_ and a JWT
      | github_pat_ [A-Za-z0-9_]+
      | eyJ [\w-]+ \. [\w-]+ \. [\w-]+                      # the JWT by which an App asks
    )"""
)
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@?#]+@")


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """``text`` without the given secrets, known forms of GitHub tokens, signatures of links and passwords in them."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, REDACTED)
    text = _TOKEN.sub(REDACTED, text)
    text = _AUTHORIZATION.sub(rf"\1 {REDACTED}", text)
    text = _USERINFO.sub(rf"\1{REDACTED}@", text)
    return _QUERY_SECRET.sub(rf"\1\2{REDACTED}", text)


def name_download(url: str) -> str:
    """Host and path of a download link, all that may be kept of it: ``host.example/logs/7.zip``.

    The path is redacted too; an address that is none gives ``(no address)``.
    """
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return "(no address)"
    return redact(f"{host}{parts.path}") if host else "(no address)"

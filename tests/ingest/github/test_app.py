"""Asking as a GitHub App, over real sockets: the statement is checked with the App's public key."""

import asyncio
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from forensics.errors import AccessRefused, ServerFailing, Unreachable, UsageProblem
from forensics.ingest.github.address import find_server, read_api_url
from forensics.ingest.github.answer import Policy
from forensics.ingest.github.app import AppCredential, from_environment

NOON = 1_793_620_800.0
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()


@dataclass
class GitHub:
    """A server that knows one App with one installation, and a clock that both sides look at."""

    now: float = NOON
    ahead: float = 0.0
    """Of the server's clock before ours."""
    minted: int = 0
    asked: list[str] = field(default_factory=list)
    faults: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """What the next requests are answered with; ``location`` is a redirect."""
    url: str = ""
    slept: list[float] = field(default_factory=list)

    def answer(self, method: str, path: str, authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(f"{method} {path}")
        if self.faults:
            return self.faults.pop(0)
        server_now = self.now + self.ahead
        try:
            key = PRIVATE.public_key()
            claims = jwt.decode(
                authorization.removeprefix("Bearer "), key, algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.PyJWTError:
            return 401, {"message": "A JSON web token could not be decoded"}
        if not (claims["iat"] <= server_now < claims["exp"] <= server_now + 600) or claims["iss"] != "17":
            return 401, {"message": "'Expiration time' claim ('exp') must be a numeric value in the future"}
        match (method, path):
            case ("GET", "/api/v3/repos/octo/shop/installation"):
                return 200, {"id": 4711}
            case ("POST", "/api/v3/app/installations/4711/access_tokens"):
                self.minted += 1
                end = datetime.fromtimestamp(server_now + 3600, UTC)
                return 201, {"token": f"ghs_{self.minted}", "expires_at": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        return 404, {"message": "Not Found"}

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def credential(self, **more: str) -> AppCredential:
        environment = {"FORENSICS_APP_ID": "17", "FORENSICS_APP_PRIVATE_KEY": PEM, **more}
        policy = Policy(clock=lambda: self.now, sleep=self.sleep, deadline=10)
        return from_environment(read_api_url(self.url), ("octo/shop",), environment, policy)


@pytest.fixture
def github() -> Iterator[GitHub]:
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = state.answer(self.command, self.path, self.headers["Authorization"])
            body = json.dumps(document).encode()
            self.send_response_only(status)
            self.send_header("Date", formatdate(state.now + state.ahead, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            if "location" in document:
                self.send_header("Location", document["location"])
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}/api/v3"
        yield state
        server.shutdown()
        thread.join()


@contextmanager
def refused(kind: type[Exception], message: str) -> Iterator[None]:
    with pytest.raises(kind) as told:
        yield
    assert str(told.value) == message
    shown = "".join(traceback.format_exception(told.value))
    assert "PRIVATE KEY-----" not in shown
    assert PEM.splitlines()[1] not in shown


FIND = "GET /api/v3/repos/octo/shop/installation"
MAKE = "POST /api/v3/app/installations/4711/access_tokens"


def test_the_installation_is_found_and_its_token_kept(github: GitHub) -> None:
    credential = github.credential()

    async def use() -> list[str]:
        return [await credential.token(), *await asyncio.gather(*(credential.token() for _ in range(5)))]

    assert asyncio.run(use()) == ["ghs_1"] * 6
    assert github.asked == [FIND, MAKE]


def test_a_named_installation_is_not_looked_for(github: GitHub) -> None:
    assert asyncio.run(github.credential(FORENSICS_APP_INSTALLATION="4711").token()) == "ghs_1"
    assert github.asked == [MAKE]


def test_it_is_renewed_a_minute_before_it_ends(github: GitHub) -> None:
    credential = github.credential()

    async def use() -> list[str]:
        tokens = []
        for seconds in (0, 3539, 1, 3600):
            github.now += seconds
            tokens.append(await credential.token())
        return tokens

    assert asyncio.run(use()) == ["ghs_1", "ghs_1", "ghs_2", "ghs_3"]
    assert github.asked == [FIND, MAKE, MAKE, MAKE]


def test_after_a_401_one_fresh_token_serves_all_that_were_refused(github: GitHub) -> None:
    credential = github.credential()

    async def use() -> tuple[list[bool], str]:
        await credential.token()
        github.now += 600
        return list(await asyncio.gather(*(credential.renewed() for _ in range(6)))), await credential.token()

    assert asyncio.run(use()) == ([True] * 6, "ghs_2")


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_a_wrong_clock_of_ours_is_allowed_for(github: GitHub, ahead: float) -> None:
    github.ahead = ahead
    credential = github.credential()

    async def use() -> list[str]:
        tokens = []
        for seconds in (0, 3539, 1):
            github.now += seconds
            tokens.append(await credential.token())
        return tokens

    assert asyncio.run(use()) == ["ghs_1", "ghs_1", "ghs_2"]
    assert github.asked == [FIND, FIND, MAKE, MAKE]


def test_a_renamed_repository_is_followed_on_the_same_server(github: GitHub) -> None:
    github.faults = [(301, {"location": f"{github.url}/repositories/5/installation"}), (200, {"id": 4711})]
    assert asyncio.run(github.credential().token()) == "ghs_1"
    assert github.asked == [FIND, "GET /api/v3/repositories/5/installation", MAKE]


def test_another_server_never_sees_the_statement(github: GitHub) -> None:
    github.faults = [(301, {"location": "https://other.example/api/v3/repositories/5/installation"})]
    with pytest.raises(ServerFailing, match=r"redirects /repos/octo/shop/installation to other\.example\."):
        asyncio.run(github.credential().token())
    assert github.asked == [FIND]


def test_a_circle_of_redirects_ends(github: GitHub) -> None:
    github.faults = [(302, {"location": f"{github.url}/repos/octo/shop/installation"})] * 9
    with pytest.raises(ServerFailing, match="again and again"):
        asyncio.run(github.credential().token())
    assert github.asked == [FIND] * 4


def test_faults_that_pass_are_waited_out(github: GitHub) -> None:
    github.faults = [(502, {}), (503, {}), (403, {"message": "You have exceeded a secondary rate limit."})]
    assert asyncio.run(github.credential().token()) == "ghs_1"
    assert github.slept == [1.5, 3.0, 6.0]


@pytest.mark.parametrize(
    ("faults", "kind", "message"),
    [
        ([(401, {})], AccessRefused, "{host} does not know the GitHub App 17 by its private key."),
        ([(404, {})], AccessRefused, "The GitHub App 17 is not installed on octo/shop, or the name is misspelt."),
        ([(200, {"id": 4711}), (404, {})], AccessRefused, "The GitHub App 17 has no installation 4711."),
        (
            [(200, {"id": 4711}), (403, {"message": "This installation has been suspended"})],
            AccessRefused,
            "The installation of the GitHub App 17 is suspended, or may not make tokens.",
        ),
        ([(422, {})], AccessRefused, "{host} gives the GitHub App 17 no token: status 422."),
        ([(500, {})] * 5, ServerFailing, "{host} gives the GitHub App no token. It answered 500."),
        (
            [(200, {"id": "many"})],
            ServerFailing,
            "{host} named the App's installation in a form that is not known.",
        ),
        (
            [(200, {"id": 4711}), (201, {"token": "ghs_x"})],
            ServerFailing,
            "{host} made a token for the GitHub App in a form that is not known.",
        ),
    ],
)
def test_what_the_server_refuses_is_told(
    github: GitHub, faults: list[tuple[int, dict[str, Any]]], kind: type[Exception], message: str
) -> None:
    github.faults = faults
    with refused(kind, message.format(host=github.url.split("/")[2])):
        asyncio.run(github.credential().token())


def test_without_a_network_it_is_unreachable(github: GitHub) -> None:
    github.url = "http://127.0.0.1:9/api/v3"
    with refused(Unreachable, "127.0.0.1:9 refuses the connection."):
        asyncio.run(github.credential().token())
    assert github.slept == []


def keyed(key: str, folder: Path) -> AppCredential:
    environment = {"FORENSICS_APP_ID": "17", "FORENSICS_APP_PRIVATE_KEY": key}
    return from_environment(find_server("github.com"), ("octo/shop",), environment, Policy())


@pytest.mark.parametrize("form", [lambda path: PEM, lambda path: PEM.replace("\n", "\\n"), str])
def test_the_key_comes_as_text_or_as_a_file(form: Callable[[Path], str], tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_text(PEM)
    assert keyed(form(path), tmp_path).mark == keyed(PEM, tmp_path).mark


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            PEM.split("\n", 1)[1],
            "FORENSICS_APP_PRIVATE_KEY is neither a private key nor the path of a readable file.",
        ),
        ("no-such.pem", "FORENSICS_APP_PRIVATE_KEY is neither a private key nor the path of a readable file."),
        ("FILE", "The file that FORENSICS_APP_PRIVATE_KEY names holds no private key."),
        (PEM[:200] + PEM[300:], "FORENSICS_APP_PRIVATE_KEY holds no RSA private key that can be read."),
        (
            PRIVATE.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "FORENSICS_APP_PRIVATE_KEY holds no RSA private key that can be read.",
        ),
    ],
)
def test_a_key_that_is_none_is_told_without_showing_it(written: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("nothing")
    with refused(AccessRefused, message):
        keyed(str(tmp_path / "other.txt") if written == "FILE" else written, tmp_path)


def test_without_pyjwt_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with pytest.raises(AccessRefused) as told:
        keyed(PEM, tmp_path)
    assert (told.value.message, told.value.hint) == (
        "To ask as a GitHub App, PyJWT is needed, and it is not installed.",
        "Install it with: pip install 'forensics[app]'",
    )


def test_an_app_asks_for_one_account() -> None:
    environment = {"FORENSICS_APP_ID": "17", "FORENSICS_APP_PRIVATE_KEY": PEM}
    with pytest.raises(UsageProblem) as told:
        from_environment(find_server("github.com"), ("octo/shop", "acme/site", "Octo/b"), environment, Policy())
    assert told.value.message == "A GitHub App asks for one account at a time, and these belong to acme and octo."


def test_nothing_secret_is_in_what_it_shows(github: GitHub) -> None:
    credential = github.credential()
    asyncio.run(credential.token())
    assert repr(credential) == f"AppCredential(app_id='17', mark='{credential.mark}')"
    assert credential.source == "GitHub App (FORENSICS_APP_ID)"

"""`forensics ingest` in a process of its own, against a GitHub on this machine: mistakes that only a server shows."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.standin import StandIn, faults, tiny_world

EVERYTHING = ("--repo", "acme/storefront")
TOKEN = "ghp_planted0planted0planted0planted0plant"


@pytest.fixture
def github() -> Iterator[StandIn]:
    """Five runs, an hour ago by the server's clock."""
    with StandIn(tiny_world(tokens=(TOKEN,))) as standin:
        yield standin


def ingest(folder: Path, api_url: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command line."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GITHUB_API_URL": api_url, "GH_TOKEN": TOKEN}
    ended = subprocess.run(
        [sys.executable, "-m", "forensics", "ingest", *arguments],
        cwd=folder, env=bare | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout, ended.stderr


def test_everything_is_fetched_and_accounted_for(github: StandIn, tmp_path: Path) -> None:
    code, out, err = ingest(tmp_path, github.api_url, *EVERYTHING)
    assert (code, out) == (0, ""), err
    host = github.api_url.removeprefix("http://")
    # The stand-in lives in November 2026, whenever the tests run.
    said = err.partition("\n")[2] if err.startswith("The clock of this machine is ") else err
    assert said.startswith(
        f"acme/storefront on {host} ({github.api_url}), token from GH_TOKEN: "
        "runs of the last 30 days (UTC), all logs.\nwhat "
    )
    assert "The case holds 5 runs, 5 attempts," in err
    assert err.endswith("  → forensics detect\n")
    assert TOKEN not in err
    files = [file for file in (tmp_path / "case").rglob("*") if file.is_file()]
    assert len(files) > 20
    assert [file for file in files if TOKEN.encode() in file.read_bytes()] == []


def test_a_dry_run_leaves_nothing_behind(github: StandIn, tmp_path: Path) -> None:
    code, out, err = ingest(tmp_path, github.api_url, *EVERYTHING, "--dry-run")
    assert code == 0, err
    assert "requests of the limit are left" in out
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_token(github: StandIn, tmp_path: Path) -> None:
    code, out, err = ingest(tmp_path, github.api_url, *EVERYTHING, GH_TOKEN="wrong-s3cret")
    assert (code, out, err) == (
        4,
        "",
        "Error: GitHub refuses the token from GH_TOKEN (Bad credentials): it is wrong, has expired or was revoked.\n"
        "  → Put a valid token into GH_TOKEN, or run: gh auth login. What was fetched is kept.\n",
    )


def test_a_token_that_single_sign_on_does_not_know(github: StandIn, tmp_path: Path) -> None:
    github.faults.add([faults.sso_required("https://github.com/orgs/acme/sso?authorization_request=AB12")])
    code, _, err = ingest(tmp_path, github.api_url, *EVERYTHING)
    assert (code, err) == (
        4,
        "Error: The organization wants the token from GH_TOKEN to be authorised for single sign-on.\n"
        "  → Open https://github.com/orgs/acme/sso?authorization_request=AB12 and authorise it, "
        "then run the same command again.\n",
    )


def test_a_repository_that_is_not_there(github: StandIn, tmp_path: Path) -> None:
    code, _, err = ingest(tmp_path, github.api_url, "--repo", "acme/storefrnt")
    assert code == 4
    assert err.startswith("Error: acme/storefrnt was not found on 127.0.0.1:")
    assert err.endswith(
        "  → Check the spelling (OWNER/NAME), and that the token may read the repository's Actions.\n"
    )


def test_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    code, out, err = ingest(tmp_path, f"http://127.0.0.1:{port}", *EVERYTHING)
    assert (code, out, err) == (
        1,
        "",
        f"Error: 127.0.0.1:{port} refuses the connection.\n  → Check the address, and that the server is running.\n",
    )


def test_a_limit_without_waiting(github: StandIn, tmp_path: Path) -> None:
    github.faults.add([faults.primary_limit(reset=1800).on("jobs", times=None)])
    code, _, err = ingest(tmp_path, github.api_url, *EVERYTHING, "--no-wait")
    assert code == 5, err
    assert err.splitlines()[-2].startswith("Error: ")
    assert err.splitlines()[-1].startswith("  → ")


@pytest.mark.parametrize(
    ("ahead", "said"), [(0, ""), (3 * 3600 + 10, "The clock of this machine is 3 h 0 min behind the server's. ")]
)
def test_a_wrong_clock(ahead: int, said: str, tmp_path: Path) -> None:
    with StandIn(tiny_world(tokens=(TOKEN,), clock=lambda: time.time() + ahead)) as github:
        code, _, err = ingest(tmp_path, github.api_url, *EVERYTHING, "--dry-run")
    assert code == 0, err
    assert err.startswith(said)
    assert ("clock" in err) is bool(said)


def test_as_a_github_app(github: StandIn, tmp_path: Path) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    github.world.install_app(17, 4711, public.decode())
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "app.pem").write_bytes(pem)
    app = {"FORENSICS_APP_ID": "17", "FORENSICS_APP_PRIVATE_KEY": str(tmp_path / "app.pem"), "GH_TOKEN": ""}
    code, _, err = ingest(folder, github.api_url, *EVERYTHING, "--logs", "none", **app)
    assert code == 0, err
    assert "token from GitHub App (FORENSICS_APP_ID)" in err
    # The server's clock is not ours: the first statement is refused, and the second made by the server's time.
    assert [(seen.method, seen.status) for seen in github.requests[:3]] == [("GET", 401), ("GET", 200), ("POST", 201)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_the_same_command_goes_on(
    number: signal.Signals, code: int, github: StandIn, tmp_path: Path
) -> None:
    github.latency = 0.3
    environment = {"PATH": os.environ["PATH"], "GITHUB_API_URL": github.api_url, "GH_TOKEN": TOKEN}
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " \
        "from forensics.cli.main import main; main()"  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", program, "ingest", *EVERYTHING],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        waited = time.monotonic() + 60
        while len(github.requests) < 4 and time.monotonic() < waited:
            time.sleep(0.02)
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert err.endswith(
        f"Error: Stopped by {number.name}; everything that was fetched is kept.\n"
        "  → Run the same command again: it goes on where it stopped.\n"
    )
    github.latency = 0
    again, _, err = ingest(tmp_path, github.api_url, *EVERYTHING)
    assert again == 0, err
    assert "The case holds 5 runs, 5 attempts," in err

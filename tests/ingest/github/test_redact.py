"""No secret stays in a text: tokens, signatures of links, passwords (row 56)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.ingest.github.redact import name_download, redact

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("token ghp_abcdefghij0123456789 end", "token *** end"),
        ("gho_aaaaaaaaaa,ghu_bbbbbbbbbb;ghr_cccccccccc", "***,***;***"),
        ("github_pat_11ABCDEFG0_abcDEF refused", "*** refused"),
        (f"ghs_123_{JWT} refused.", "*** refused."),  # the newer form of an App's installation token
        (f"as {JWT}, the App", "as ***, the App"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("proxy http://me:secret@proxy.example:3128/", "proxy http://***@proxy.example:3128/"),
        (
            "https://blob.example/logs/7.zip?sv=2025&se=2026-01-01T00%3A00%3A00Z&sp=r&sig=aB%2F1%3D&rscd=x",
            "https://blob.example/logs/7.zip?sv=2025&se=***&sp=***&sig=***&rscd=x",
        ),
        (
            "https://s3.example/a?X-Amz-Signature=12ab&X-Amz-Credential=K%2Fus&x-amz-security-token=t",
            "https://s3.example/a?X-Amz-Signature=***&X-Amz-Credential=***&x-amz-security-token=***",
        ),
        ("u?token=abc&access_token=def#x", "u?token=***&access_token=***#x"),
        # what only looks alike is left
        ("/runs?status=completed&per_page=100&design=1", "/runs?status=completed&per_page=100&design=1"),
        (
            "https://github.com/orgs/o/sso?authorization_request=A1",
            "https://github.com/orgs/o/sso?authorization_request=A1",
        ),
        ("right_ghp_ and basic things", "right_ghp_ and basic things"),
    ],
)
def test_row_56_secrets_of_known_form_are_taken_out(text, kept):
    assert redact(text) == kept


def test_row_56_the_token_itself_is_taken_out_whatever_its_form():
    assert redact("refused: 0123abcd (0123abcd)", ["0123abcd", ""]) == "refused: *** (***)"


@given(
    st.text(), st.from_regex(r"(ghp|ghs|gho)_[A-Za-z0-9]{20,40}", fullmatch=True), st.sampled_from(" /?&\"'<\n=:,")
)
def test_row_56_a_token_between_any_texts_is_taken_out(text, token, edge):
    assert token not in redact(f"{text}{edge}{token}{edge}{text}")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text):
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://blob.example:8443/logs/7.zip?sig=abc", "blob.example:8443/logs/7.zip"),
        ("https://me:pw@blob.example/a", "blob.example/a"),
        ("https://[broken", "(no address)"),
        ("https://blob.example:port/a", "(no address)"),
        ("", "(no address)"),
    ],
)
def test_a_download_is_named_by_host_and_path_alone(url, name):
    assert name_download(url) == name

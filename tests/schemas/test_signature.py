"""The headers that prove who sent a body and that nobody changed it."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import signature
from schemas.signature import Credential

CREDENTIAL = Credential("test-paas", "test-token")
BODY = b'{"infno": "HD01"}'
HEADERS = signature.headers(CREDENTIAL, BODY, 1_767_571_200, "nonce-1")


def test_the_right_headers_match() -> None:
    assert signature.matches(CREDENTIAL, BODY, HEADERS)


def test_the_tif_signature_is_computed_as_the_platform_does() -> None:
    """Interface facts §2.2: SHA-256 over timestamp, token, nonce, timestamp, in hex."""
    assert HEADERS["x-tif-signature"] == hashlib.sha256(b"1767571200test-tokennonce-11767571200").hexdigest()


def test_the_body_signature_covers_time_nonce_and_digest_apart() -> None:
    """Each on its own line, so that no character can move from one to the next."""
    digest = hashlib.sha256(BODY).hexdigest()
    expected = hmac.new(b"test-token", f"1767571200\nnonce-1\n{digest}".encode(), hashlib.sha256).hexdigest()
    assert HEADERS["x-ld-signature"] == expected
    assert HEADERS["x-ld-digest"] == f"sha256={digest}"


@given(st.binary(max_size=60))
def test_any_other_body_does_not_match(body: bytes) -> None:
    assert signature.matches(CREDENTIAL, body, HEADERS) == (body == BODY)


@pytest.mark.parametrize(
    "name", [signature.TIMESTAMP, signature.NONCE, signature.SIGNATURE, signature.BODY_DIGEST, signature.BODY_SIGNATURE]
)
@pytest.mark.parametrize("change", [lambda text: f"{text}0", lambda text: text[:-1], lambda text: "", lambda text: f"{text}中"])
def test_any_change_of_a_header_breaks_it(name: str, change: object) -> None:
    assert callable(change)
    assert not signature.matches(CREDENTIAL, BODY, {**HEADERS, name: change(HEADERS[name])})


@pytest.mark.parametrize(
    "name", [signature.TIMESTAMP, signature.NONCE, signature.SIGNATURE, signature.BODY_DIGEST, signature.BODY_SIGNATURE]
)
def test_a_missing_header_breaks_it(name: str) -> None:
    assert not signature.matches(CREDENTIAL, BODY, {key: value for key, value in HEADERS.items() if key != name})


def test_characters_cannot_be_moved_between_nonce_and_timestamp() -> None:
    """TIF joins its parts without a separator; the body signature does not."""
    moved = signature.headers(CREDENTIAL, BODY, 1_767_571_200, "nonce-1")
    moved[signature.TIMESTAMP], moved[signature.NONCE] = "176757120", "0nonce-1"
    assert not signature.matches(CREDENTIAL, BODY, moved)


def test_another_token_does_not_match() -> None:
    assert not signature.matches(Credential("test-paas", "other"), BODY, HEADERS)


def test_a_credential_does_not_print_its_token() -> None:
    assert "test-token" not in f"{CREDENTIAL} {CREDENTIAL!r}"

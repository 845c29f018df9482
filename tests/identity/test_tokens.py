"""A5: the tokens that are taken, and every sort of forgery that is not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from conduit.identity.tokens import Claims, Tokens

TOKENS = Tokens(b"k" * 32, "default")
NOW = int(time.time())
HOUR = 3600
"""Longer than the suite takes: tokens are made when it is collected."""
GOOD: dict[str, Any] = {
    "username": "ann",
    "user_id": 7,
    "session_id": "s",
    "sub": "uid",
    "jti": "value",
    "iat": NOW - 1,
    "nbf": NOW - 1,
    "exp": NOW + HOUR,
    "iss": "conduit",
}


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def forged(claims: dict[str, Any], **header: Any) -> str:
    """Return a token that is rightly signed, whatever it says."""
    head, body = (json.dumps(each).encode() for each in ({"alg": "HS256", "typ": "JWT", **header}, claims))
    text = f"{b64(head)}.{b64(body)}"
    return f"{text}.{b64(hmac.digest(TOKENS._key, text.encode(), 'sha256'))}"


def test_a_token_says_what_was_signed() -> None:
    claims = Claims(**GOOD)
    assert TOKENS.read(TOKENS.sign(claims)) == claims == TOKENS.read(forged(GOOD))


@pytest.mark.parametrize("missing", ["exp", "iat", "nbf", "iss", "sub", "jti", "username", "session_id"])
def test_a_token_without_a_claim_is_not_taken(missing: str) -> None:
    assert TOKENS.read(forged({name: value for name, value in GOOD.items() if name != missing})) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - 1},
        {"exp": str(NOW + HOUR)},
        {"exp": float(NOW + HOUR)},
        {"exp": None},
        {"nbf": NOW + HOUR},
        {"iat": NOW + HOUR},
        {"iss": "another"},
        {"iss": ["conduit"]},
        {"sub": 7},
        {"jti": ["value"]},
        {"user_id": "7"},
        {"role": "admin"},
        {"aud": "another"},
    ],
    ids=min,
)
def test_a_token_with_a_wrong_claim_is_not_taken(changed: dict[str, Any]) -> None:
    assert TOKENS.read(forged({**GOOD, **changed})) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "../../dev/null"},
        {"crit": ["exp"]},
        {"jku": "https://evil.example/keys"},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"x5u": "file:///dev/null"},
        {"typ": "at+jwt"},
        {"b64": False, "crit": ["b64"]},
    ],
    ids=str,
)
def test_a_token_with_another_header_is_not_taken(headers: dict[str, Any]) -> None:
    assert TOKENS.read(forged(GOOD, **headers)) is None


def test_another_algorithm_or_key_is_not_taken() -> None:
    private = rsa.generate_private_key(65537, 2048)
    for token in (
        jwt.encode(GOOD, b"k" * 48, "HS384"),
        jwt.encode(GOOD, private, "RS256"),
        jwt.encode(GOOD, b"another key of the same length!!", "HS256"),
        Tokens(b"k" * 32, "another site").sign(Claims(**GOOD)),
        jwt.encode(GOOD, None, "none"),
        forged(GOOD, alg="none"),
        forged(GOOD, alg="none").rpartition(".")[0] + ".",
    ):
        assert TOKENS.read(token) is None


def test_what_is_no_token_is_not_taken() -> None:
    good = forged(GOOD)
    for text in ("", ".", "..", "a.b.c", good[:-1], good + "A", good + "." + good, "x" * 2**20, good.upper(), "é.é.é"):
        assert TOKENS.read(text) is None

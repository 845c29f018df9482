"""What is kept of a body has no secret in it, and no body makes keeping it slow."""

from __future__ import annotations

import json

import pytest

from conduit.audit.redaction import HIDDEN, LONGEST_BODY, redacted, redacted_body

LONG = 120_000


@pytest.mark.parametrize(
    "text", [".", "-", "\n", "password", "password ", "://", "a", ": ", "_token-", "token" + "x" * 70]
)
def test_no_text_makes_it_slow(text: str) -> None:
    """A pattern that could go back over what it matched would take hours; the limit of a test is three minutes."""
    body = json.dumps({"compose": (text * LONG)[:LONG]}).encode()
    assert len(redacted_body(body)) <= LONGEST_BODY


@pytest.mark.parametrize("depth", [300, 600, 900, 100_000])
def test_deep_nesting_is_kept_or_told_by_its_size(depth: int) -> None:
    body = b"[" * depth + b"]" * depth
    assert redacted_body(body) in (body.decode(), f"[{2 * depth} bytes]")


def test_what_is_no_secret_stays() -> None:
    kept = {"name": "token-service", "image": "vault:1", "ports": [80, None, True, 1.5], "note": "two\nlines"}
    assert redacted(kept) == kept


def test_every_form_of_a_secret_goes() -> None:
    given = {
        "PASSWORD": {"a": 1},
        "private_key": ["x"],
        "env": [{"key": "API_KEY", "value": "x"}],
        "url": "postgres://me:x@db/x",
        "text": "a: b\nToken = x\nc: d",
        "basic_auth": {"joe": "x"},
        "key": "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n",
    }
    assert redacted(given) == {
        "PASSWORD": HIDDEN,
        "private_key": HIDDEN,
        "env": [{"key": "API_KEY", "value": HIDDEN}],
        "url": f"postgres://{HIDDEN}@db/x",
        "text": f"a: b\nToken  {HIDDEN}\nc: d",
        "basic_auth": HIDDEN,
        "key": HIDDEN,
    }

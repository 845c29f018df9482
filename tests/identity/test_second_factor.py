"""The second factor: the vectors of RFC 6238, codes that count once, and a shared secret that is never in clear."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest

from conduit.identity.second_factor import SecondFactor, hashes_of, make_recovery_codes, without
from conduit.providers.sealing import seal
from conduit.providers.self_rows import User

KEY = b"k" * 32
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
"""The shared secret of RFC 6238 appendix B."""


def user(secret: str = RFC_SECRET, uid: str = "u1") -> User:
    sealed = base64.b64encode(seal(KEY, secret.encode(), f"totp\0{uid}".encode())).decode()
    return User("ann", uid, totp_secret=sealed, totp_confirmed=True)


@pytest.mark.parametrize(("now", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")])
def test_the_vectors_of_the_rfc_fit(now: int, code: str) -> None:
    assert SecondFactor(KEY, "default").fits(user(), code, now)


@pytest.mark.parametrize(("off", "fits"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_phone_may_be_half_a_minute_off(off: int, fits: bool) -> None:
    assert SecondFactor(KEY, "default").fits(user(), "279037", 2000000000 + off) is fits


def test_a_code_counts_once() -> None:
    factor = SecondFactor(KEY, "default")
    assert factor.fits(user(), "279037", 2000000000)
    assert not factor.fits(user(), "279037", 2000000000)
    assert not factor.fits(user(), "279037", 2000000029)
    assert factor.fits(user(uid="u2"), "279037", 2000000000)


@pytest.mark.parametrize("code", ["", "000000", "279037 1", "２７９０３７", "\ud800", "287082"])
def test_another_code_does_not_fit(code: str) -> None:
    assert not SecondFactor(KEY, "default").fits(user(), code, 2000000000)


def test_the_shared_secret_is_kept_encrypted_and_bound_to_its_user() -> None:
    factor = SecondFactor(KEY, "home")
    made = factor.enrol(User("ann", "u1"))
    assert made.secret not in made.sealed
    assert made.secret.encode() not in base64.b64decode(made.sealed)
    assert f"secret={made.secret}" in made.uri
    with pytest.raises(ValueError, match="does not open"):
        factor.fits(User("bob", "u2", totp_secret=made.sealed), "000000", 1.0)


def test_each_recovery_code_counts_once_however_it_is_typed() -> None:
    codes = make_recovery_codes()
    kept = hashes_of(codes)
    assert len(set(codes)) == 10
    assert kept[0] == sha256(codes[0].replace("-", "").encode()).hexdigest()
    left = without(kept, codes[3].upper().replace("-", " "))
    assert left is not None
    assert len(left) == 9
    assert without(left, codes[3]) is None
    assert without(left, "") is None

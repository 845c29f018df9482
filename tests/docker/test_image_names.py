"""The names that make images ours: read back what was written, and nothing of anybody else."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from conduit.model import Key
from conduit.providers.docker_image_form import normal
from conduit.providers.docker_image_names import TAG, Named, Names

IMAGE = f"sha256:{'a' * 64}"
WORDS = st.text("ab1._-", min_size=1, max_size=12).map(lambda inner: f"x{inner}z")


def names(site: str = "home") -> Names:
    def sign(key: Key, part: str, name: str) -> str:
        return hmac.digest(site.encode(), "\0".join((str(key), part, name)).encode(), "sha256").hex()[:20]

    return Names(site, sign)


@given(name=WORDS, version=WORDS | st.just(""), protected=st.booleans(), gave=st.booleans())
def test_a_name_says_what_was_put_into_it(name: str, version: str, protected: bool, gave: bool) -> None:
    named = Named(Key("image", name), "0123456789ab", protected, gave, version)
    tag = names().tag(named, IMAGE)
    assert TAG.fullmatch(tag)
    assert names().read(f"{names().repository}:{tag}", IMAGE) == named


def test_a_name_is_worth_nothing_on_another_image_or_site_or_when_it_is_changed() -> None:
    tag = names().tag(Named(Key("image", "web"), "0123456789ab", False, True, "1.27"), IMAGE)
    name = f"{names().repository}:{tag}"
    assert names().read(name, IMAGE.replace("a", "b")) is None
    assert names("other").read(name, IMAGE) is None
    assert names().read(name.replace("web", "app"), IMAGE) is None
    assert names().read(name.replace("0123456789ab", "0123456789ac"), IMAGE) is None
    assert names().read(f"elsewhere/home:{tag}", IMAGE) is None
    for other in ("nginx:1.27", f"{names().repository}:x", f"{names().repository}:a.b.c"):
        assert names().read(other, IMAGE) is None


def test_a_long_version_is_left_out_and_a_long_name_is_refused() -> None:
    named = Named(Key("image", "web"), "0123456789ab", False, True, "v" * 120)
    assert names().tag(named, IMAGE).startswith("web.0123456789ab.")
    with pytest.raises(ValueError, match="cannot be part of an image's name"):
        names().tag(replace(named, key=Key("image", "w" * 120)), IMAGE)


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("docker.io/team/app", "team/app:latest"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
        ("ghcr.io/team/app:2@sha256:" + "0" * 64, "ghcr.io/team/app:2@sha256:" + "0" * 64),
    ],
)
def test_a_reference_is_written_as_docker_lists_it(written: str, listed: str) -> None:
    assert normal(written) == listed
    assert normal(listed) == listed

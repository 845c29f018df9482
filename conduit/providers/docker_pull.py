"""Fetching images again, so that the next apply runs what their references stand for by now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from conduit.errors import ConduitError
from conduit.kind import Context
from conduit.model import Key
from conduit.providers.base import Site
from conduit.providers.docker import Config, Docker
from conduit.providers.docker_image_names import KIND


class Pulled(Struct, frozen=True):
    """What came of one image: in words, and whether that is a failure."""

    key: Key
    words: str
    failed: bool = False


def pull(context: Context, keys: Iterable[Key]) -> Iterator[Pulled]:
    """Fetch the images of these keys again, one after the other. Raises `Unreadable`."""
    config = Config.model_validate(context.settings.sections.get("docker") or {})
    site = Site(context.mark, context.fingerprint, context.secret, lambda: context.now)
    docker = Docker(config, context.settings, site)
    lives = {live.key: live for live in reversed(docker.read().objects[KIND])}
    for key in keys:
        if key not in lives:
            yield Pulled(key, "not there yet; apply first", failed=True)
            continue
        try:
            yield Pulled(key, "newer" if docker.images.renew(lives[key]) else "the same")
        except ConduitError as error:
            yield Pulled(key, error.diagnostics[0].summary, failed=True)

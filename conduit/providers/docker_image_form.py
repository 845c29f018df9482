"""What an image was asked to be, and the short hash of it that conduit's name for the image carries. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final

from conduit.canonical import canonical, digest_of
from conduit.model import Native
from conduit.providers.docker_context import name_of
from conduit.providers.docker_look import Row
from conduit.providers.docker_marks import WISH

HUB: Final = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")
WISH_LENGTH: Final = 12
UNKNOWN: Final = "unknown"


def normal(reference: str) -> str:
    """Return a reference as Docker lists it: without the name of its hub, with the tag that it stands for."""
    for prefix in HUB:
        if reference.startswith(prefix):
            reference = reference.removeprefix(prefix)
            break
    tagged = "@" in reference or ":" in reference.rpartition("/")[2]
    return reference if tagged else f"{reference}:latest"


def build(fields: Mapping[str, Any]) -> Native:
    """Return what an image is asked to be, of the fields of its spec."""
    return {name: fields[name] for name in ("reference", "build", "platform", "content")}


def wish_of(native: Native) -> str:
    """Return the short hash of what an image is asked to be; where the directory lies that it is built from is no part.

    What is in it is known by its hash, so that a checkout that is moved, or another one, asks for the same.
    """
    match native:
        case {"build": {"context": str(context), "dockerfile": str(dockerfile)} as build, "content": str(found)} if (
            found
        ):
            inside = {"context": "", "dockerfile": name_of(Path(context), dockerfile)}
            return digest_of(native | {"build": build | inside})[:WISH_LENGTH]
    return digest_of(native)[:WISH_LENGTH]


def wish_labels(native: Native) -> dict[str, str]:
    """Return the label that lets a built image tell what it was asked to be."""
    return {WISH: canonical(native)}


def version_of(reference: str | None) -> str:
    """Return the tag of a reference; empty for one by its digest, and without a reference."""
    return "" if reference is None or "@" in reference else reference.rpartition(":")[2]


def digest_in(digests: Iterable[str], reference: str | None) -> str:
    """Return of an image's digests the one in the repository of its reference; empty when there is none."""
    name = reference or ""
    repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
    return next((digest for digest in digests if digest.partition("@")[0] == repository), "")


def asked_for(wish: str, version: str, image: Row, detail: Row | None, names: Iterable[str]) -> Native:
    """Return what an image was asked to be, found by the hash of it; UNKNOWN when nothing here tells any more.

    A fetched image cannot carry labels of ours: what it was fetched by is among the names that Docker knows it by, or,
    when that name was given to another image by hand, among `names`, those of all images.
    """
    found = next((native for native in _candidates(version, image, detail, names) if wish_of(native) == wish), None)
    return found or {"wish": wish, "asked for": UNKNOWN}


def _candidates(version: str, image: Row, detail: Row | None, all_names: Iterable[str]) -> Iterator[Native]:
    with suppress(ValueError):
        yield json.loads((image["Labels"] or {}).get(WISH, "null"))
    platforms = [None, *(_platforms(detail) if detail else ())]
    names = [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]
    repositories = [name.partition("@")[0] if "@" in name else name.rpartition(":")[0] for name in names]
    references = [*names, *(f"{repository}:{version}" for repository in repositories if version)]
    moved = (name for name in all_names if version and version_of(name) == version)
    likely_first = sorted(dict.fromkeys(references), key=lambda name: version_of(name) != version)
    for reference in chain(likely_first, moved):
        for platform in platforms:
            yield {"reference": reference, "build": None, "platform": platform, "content": ""}


def _platforms(detail: Row) -> list[str]:
    """Return the ways to write an image's platform."""
    plain = f"{detail['Os']}/{detail['Architecture']}"
    return [plain, f"{plain}/{detail.get('Variant')}", str(detail["Os"])]


def fits_platform(detail: Row, platform: str | None) -> bool:
    """Tell whether an image is for a platform, any when none is asked for."""
    return platform is None or platform in _platforms(detail)

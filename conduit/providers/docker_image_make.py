"""Getting an image: fetched from its registry, or built from a directory. Bounded in time; what goes wrong is told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Native
from conduit.providers.docker_api import Api, told
from conduit.providers.docker_context import name_of, pack
from conduit.providers.docker_image_form import wish_labels
from conduit.providers.docker_sdk import calling, patient

NO_IMAGE: Final = Code(
    "CND-1521",
    "an image cannot be had",
    "Fetching or building an image failed; the words of Docker, the registry or the build are in the message. What "
    "uses the image was not changed. Correct the reference, the registry's address, the login of root (docker login), "
    "or what the build says, and apply again.",
)
FETCH_SECONDS: Final = 600.0
BUILD_SECONDS: Final = 1800.0
SILENT_SECONDS: Final = 120.0
"""How long Docker may say nothing in the middle of it."""


def fetch(api: Api, reference: str, platform: str | None) -> None:
    """Fetch an image. Raises `Refused`."""
    name, at, digest = reference.partition("@")
    repository, tag = (name, digest) if at else _split(name)
    with calling(f"fetch {reference}"), patient(api, SILENT_SECONDS) as client:
        lines = client.pull(repository, tag=tag, stream=True, decode=True, platform=platform)
        _follow(lines, FETCH_SECONDS, f"fetch {reference}")


def make(api: Api, native: Native) -> str:
    """Build an image and return its id. Raises `Refused`, OSError."""
    build = native["build"]
    context = Path(build["context"])
    options = {
        "buildargs": build["args"],
        "target": build["target"],
        "platform": native["platform"],
        "labels": wish_labels(native),
        "rm": True,
        "forcerm": True,
        "decode": True,
        "use_config_proxy": False,
    }
    what = f"build from {build['context']}"
    with TemporaryFile() as archive:
        if context.is_absolute():
            _pack(native, context, archive)
            options |= {"fileobj": archive, "custom_context": True, "dockerfile": name_of(context, build["dockerfile"])}
        else:
            options |= {"path": build["context"], "dockerfile": build["dockerfile"]}
        with calling(what), patient(api, SILENT_SECONDS) as client:
            return _follow(client.build(**options), BUILD_SECONDS, what)


def _pack(native: Native, context: Path, archive: Any) -> None:
    try:
        content = pack(context, native["build"]["dockerfile"], archive)
    except ValueError as error:
        raise no_image(str(error)) from None
    if content != native["content"]:
        raise no_image(f"what is in {context} changed since the plan was made", "apply again")
    archive.seek(0)


def _follow(lines: Iterable[Mapping[str, Any]], seconds: float, what: str) -> str:
    """Follow what Docker says until it is done, and return the id of the image it says it made. Raises `Refused`."""
    end, image, last = time.monotonic() + seconds, "", ""
    for line in lines:
        if "error" in line:
            raise no_image(f"{what}: {told(str(line['error']))}" + (f" (after: {last})" if last else ""))
        aux, said = line.get("aux"), line.get("stream")
        image = str(aux.get("ID", image)) if isinstance(aux, dict) else image
        last = told(said) or last if isinstance(said, str) else last
        if time.monotonic() > end:
            raise no_image(f"{what}: not done within {seconds:g} s")
    return image


def _split(name: str) -> tuple[str, str]:
    repository, _, tag = name.rpartition(":")
    return repository, tag


def no_image(summary: str, hint: str = "") -> Refused:
    """Return the error of an image that cannot be had."""
    return Refused(Diagnostic(NO_IMAGE, summary, hint=hint))

"""The version of a resource a caller has seen: its ETag, sent back as If-Match (RFC 9110 section 13.1.1).

`*` is refused: whoever sends it has seen no version, and would overwrite what somebody else has just changed.
"""

from __future__ import annotations

from typing import Annotated

from litestar.params import HeaderParameter

from conduit.api.errors import ApiError

Match = Annotated[str | None, HeaderParameter(name="If-Match", description="the ETag of the version that was seen")]
NoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", description="* for a new resource")]


def seen(match: str | None) -> str | None:
    """Return the version in If-Match, None when it was not sent. Raises `ApiError` 412 for one that is never ours."""
    if match is None:
        return None
    if not (match.startswith('"') and match.endswith('"') and len(match) > 2):
        raise ApiError(412, "If-Match is not a version of this resource")
    return match[1:-1]


def required(match: str | None) -> str:
    """Return the version in If-Match. Raises `ApiError` 428 when it was not sent, 412 for one that is never ours."""
    version = seen(match)
    if version is None:
        raise ApiError(428, "send the ETag of the version you have seen as If-Match")
    return version


def tag(version: str) -> str:
    """Return a version as an ETag."""
    return f'"{version}"'

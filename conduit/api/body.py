"""A request whose body may be anything: what is not readable as JSON is told to its sender, and is no fault of ours."""

from __future__ import annotations

from typing import Any

from litestar import Request

from conduit.api.errors import ApiError


class Sent(Request[Any, Any, Any]):
    """What Litestar makes of a request, with a JSON body that is read or refused."""

    async def json(self) -> Any:
        """Return the body. Raises `ApiError` 400 for one that is not UTF-8 (RFC 8259, section 8.1) or too deep."""
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise ApiError(400, f"the body is not UTF-8 text: byte {error.start} of a string in it") from error
        except RecursionError as error:
            raise ApiError(400, "the body is nested too deeply") from error

"""A text kept outside of this machine's own store: in a file that is only appended to, or behind a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

LIMIT: Final = 64 * 1024
"""The longest text that is read back, in bytes."""
SECONDS: Final = 10.0


class TextFile:
    """A file with one text in each line; its directory must exist. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, text: str) -> None:
        """Write a text after the last one, durably."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            os.write(descriptor, text.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def newest(self) -> str | None:
        """Return the last text, None when there is none."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LIMIT))
            lines = file.read(LIMIT).splitlines()
        return lines[-1].decode(errors="replace") if lines else None


class TextAtUrl:
    """A text that is put to a URL and read from there again. Every method may raise OSError."""

    def __init__(self, url: str) -> None:
        self._url = url

    def append(self, text: str) -> None:
        """Put a text there, and see that it is there."""
        import httpx

        try:
            answer = httpx.put(self._url, content=text.encode(), timeout=SECONDS, follow_redirects=False)
        except httpx.HTTPError as error:
            raise OSError(f"PUT failed: {error}") from error
        if not answer.is_success:
            raise OSError(f"PUT was answered {answer.status_code}")
        if self.newest() != text:
            raise OSError("what was put there does not come back")

    def newest(self) -> str | None:
        """Return the text, None when there is none."""
        import httpx

        try:
            with httpx.stream("GET", self._url, timeout=SECONDS, follow_redirects=False) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if not answer.is_success:
                    raise OSError(f"GET was answered {answer.status_code}")
                body = b""
                for part in answer.iter_bytes(LIMIT):
                    body += part
                    if len(body) > LIMIT:
                        raise OSError("the text there is too long")
        except httpx.HTTPError as error:
            raise OSError(f"GET failed: {error}") from error
        return body.decode(errors="replace")

"""Certificate entries in Caddy's configuration: ours, one for each certificate, whoever uses it. Pure.

An entry carries a digest of what it says, its link, and so does the mark of each route that needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from conduit.providers.caddy_marks import FRAME_KEY, Mark, Sign, read_mark, write_mark
from conduit.providers.caddy_paths import listing

CERTIFICATE = "certificate"
LOAD_FILES = ("apps", "tls", "certificates", "load_files")


def link_of(certificate: Mapping[str, Any]) -> str:
    """Return the short name of a certificate entry: a digest of all it says."""
    files = certificate["files"]
    return sha256("\0".join([certificate["name"], files["certificate"], files["key"]]).encode()).hexdigest()[:16]


def entry_of(certificate: Mapping[str, Any], sign: Sign) -> dict[str, Any]:
    """Return the marked `load_files` entry of a block's certificate."""
    mark = Mark(FRAME_KEY, CERTIFICATE, link_of(certificate))
    return {"@id": write_mark(sign, mark), **certificate["files"], "tags": [f"conduit.{certificate['name']}"]}


def entry_mark(entry: Any, sign: Sign) -> Mark | None:
    """Return the mark of a certificate entry of ours, None for any other."""
    mark = read_mark(sign, entry.get("@id")) if isinstance(entry, dict) else None
    return mark if mark and mark.part == CERTIFICATE else None


def certificates_in(config: Any, sign: Sign) -> dict[str, dict[str, Any]]:
    """Return the certificates of our intact entries by link; an edited entry no longer fits its own link."""
    found = {}
    for entry in listing(config, *LOAD_FILES):
        mark, tags = entry_mark(entry, sign), listing(entry, "tags")
        if mark and len(tags) == 1:
            files = {name: entry.get(name) for name in ("certificate", "key")}
            certificate = {"name": str(tags[0]).removeprefix("conduit."), "files": files}
            if entry_of(certificate, sign) == entry:
                found[mark.link] = certificate
    return found

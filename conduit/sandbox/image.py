"""A small image without a registry: Debian's static busybox, its applets as links, and nothing else."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from conduit.sandbox.machine import find_program

NAME: Final = "sandbox/busybox:1"
"""What the image is called."""

_FILES: Final = {
    "etc/passwd": b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}
_DIRECTORIES: Final = {"bin": 0o755, "etc": 0o755, "srv": 0o755, "tmp": 0o1777, "var": 0o755}
_SECONDS: Final = 60


def load(socket: Path, name: str = NAME) -> str | None:
    """Give the image to the Docker at a socket and return its id; None, and nothing done, when it has that name."""
    from docker import APIClient
    from docker.errors import ImageNotFound

    client = APIClient(base_url=f"unix://{socket}", version="auto", timeout=_SECONDS)
    try:
        client.inspect_image(name)
        return None
    except ImageNotFound:
        repository, _, tag = name.rpartition(":")
        client.import_image_from_data(archive(), repository=repository, tag=tag, changes=['CMD ["/bin/sh"]'])
        return str(client.inspect_image(name)["Id"])
    finally:
        client.close()


def archive() -> bytes:
    """Return the files of the image as a tar archive, always the same for one busybox. Raises `SandboxError`."""
    program = find_program("busybox")
    listed = subprocess.run([str(program), "--list"], capture_output=True, check=True, text=True, timeout=_SECONDS)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, mode in _DIRECTORIES.items():
            tar.addfile(_entry(name, tarfile.DIRTYPE, mode))
        for name, content in (_FILES | {"bin/busybox": program.read_bytes()}).items():
            entry = _entry(name, tarfile.REGTYPE, 0o755 if name.startswith("bin/") else 0o644)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for applet in sorted(set(listed.stdout.split()) - {"busybox"}):
            link = _entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777)
            link.linkname = "busybox"
            tar.addfile(link)
    return packed.getvalue()


def _entry(name: str, sort: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = sort, mode
    return entry

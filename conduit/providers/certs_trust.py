"""The root of the internal CA in this machine's own trust store, by Debian's update-ca-certificates(8)."""

from pathlib import Path
from typing import Final

from conduit.errors import Code, Diagnostic, Refused
from conduit.providers.child import ENVIRONMENT
from conduit.providers.files import make_directory, read_regular, write_file
from conduit.settings import ConfigPath, Section

NOT_TRUSTED = Code(
    "CND-0806",
    "the root was not installed",
    "The root of the internal CA could not be put into this machine's trust store. The message has the words of "
    "update-ca-certificates. conduit has to run as root for it, and there has to be a root: apply something with a "
    "certificate first.",
)
SECONDS: Final = 60
SAID: Final = 2000


class Trust(Section):
    """Where the machine keeps the authorities it trusts; the defaults are Debian's."""

    local: ConfigPath = Path("/usr/local/share/ca-certificates")
    """Where an administrator puts authorities; the root goes here."""
    store: ConfigPath = Path("/etc/ssl/certs")
    """Where programs read them; `ca-certificates.crt` in it is made anew."""
    hooks: ConfigPath = Path("/etc/ca-certificates/update.d")
    """Programs that are told afterwards."""
    program: ConfigPath = Path("/usr/sbin/update-ca-certificates")
    """What makes the store anew."""


def install(root: Path, name: str, program: Path, local: Path, store: Path, hooks: Path) -> str:
    """Put `root` into the trust store under `name` and return what the tool said. Raises `Refused`.

    What the store then holds is read back: the bundle has to contain the root.
    """
    import subprocess

    try:
        pem = read_regular(root, SAID * 32)
        for directory in (local, store):
            make_directory(directory, mode=0o755)
        write_file(local / f"{name}.crt", pem, mode=0o644)
        words = ("--localcertsdir", local, "--etccertsdir", store, "--hooksdir", hooks)
        argv = [str(word) for word in (program, *words)]
        done = subprocess.run(argv, capture_output=True, timeout=SECONDS, env=ENVIRONMENT, cwd="/", check=False)
        said = (done.stdout + done.stderr)[-SAID:].decode(errors="replace").strip()
        if done.returncode or pem.strip() not in (store / "ca-certificates.crt").read_bytes():
            raise _refused(said or f"{program} ended with {done.returncode}")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(str(error)) from error
    return said


def _refused(words: str) -> Refused:
    return Refused(Diagnostic(NOT_TRUSTED, f"the root was not installed: {words}", hint="run conduit as root"))

"""What a proxy really serves: the certificate it shows for a name, whoever signed it."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from conduit.providers.child import ENVIRONMENT

if TYPE_CHECKING:
    from cryptography import x509

SECONDS: Final = 3.0
AT_ONCE: Final = 32
OPENSSL: Final = "/usr/bin/openssl"
TEXT_SECONDS: Final = 10


class Certificate(Struct, frozen=True):
    """One certificate; `serial` and `fingerprint` (SHA-256) are hexadecimal, times are UTC."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    algorithm: str
    fingerprint: str
    pem: str

    def status(self, now: float, revoked: frozenset[str], expiring_seconds: float) -> str:
        """Return `valid`, `expiring`, `expired` or `revoked`; expiring is one with less than so many seconds left."""
        if self.serial in revoked:
            return "revoked"
        left = (self.not_after - datetime.fromtimestamp(now, UTC)).total_seconds()
        return "expired" if left <= 0 else "expiring" if left < expiring_seconds else "valid"


def served(address: tuple[str, int], names: Iterable[str]) -> dict[str, Certificate | None]:
    """Return what is shown for each name at `address`, all asked side by side; None where there is no TLS answer."""
    with ThreadPoolExecutor(AT_ONCE, "tls") as pool:
        asked = {name: pool.submit(_shown, address, name) for name in names}
        return {name: future.result() for name, future in asked.items()}


def _shown(address: tuple[str, int], name: str) -> Certificate | None:
    """Shake hands for one name and look, without trusting: a wrong certificate is what one wants to see."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        suppress(OSError),
        socket.create_connection(address, SECONDS) as link,
        context.wrap_socket(link, server_hostname=name) as tunnel,
    ):
        content = tunnel.getpeercert(binary_form=True)
        return read_der(content) if content else None
    return None


def read_der(content: bytes) -> Certificate:
    """Read a certificate. Raises ValueError."""
    from cryptography import x509

    return _read(x509.load_der_x509_certificate(content))


def read_pem(content: bytes) -> Certificate:
    """Read the first certificate of a PEM file. Raises ValueError."""
    from cryptography import x509

    return _read(x509.load_pem_x509_certificate(content))


def _read(found: x509.Certificate) -> Certificate:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    key: Any = found.public_key()
    curve = getattr(getattr(key, "curve", None), "name", "")
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        serial=f"{found.serial_number:x}",
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        algorithm=f"ECDSA {curve}" if curve else f"{type(key).__name__} {getattr(key, 'key_size', '')}".strip(),
        fingerprint=found.fingerprint(SHA256()).hex(),
        pem=found.public_bytes(Encoding.PEM).decode(),
    )


def text_of(certificate: Certificate) -> str:
    """Return a certificate as openssl prints it. Raises OSError."""
    argv = (OPENSSL, "x509", "-noout", "-text")
    try:
        done = subprocess.run(
            argv,
            input=certificate.pem.encode(),
            capture_output=True,
            timeout=TEXT_SECONDS,
            env=ENVIRONMENT,
            cwd=Path("/"),
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"openssl cannot print the certificate: {error}") from error
    return done.stdout.decode(errors="replace")


def counted(statuses: Iterable[str]) -> Mapping[str, int]:
    """Return how many certificates there are of each status."""
    found = dict.fromkeys(("valid", "expiring", "expired"), 0)
    for status in statuses:
        found[status] = found.get(status, 0) + 1
    return found

"""The revocation list of the internal CA, `root.crl` beside its root (RFC 5280 section 5).

A certificate on it is due to be issued anew, so putting a serial there is all that a rotation has to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from conduit.errors import Diagnostic, Unreadable
from conduit.providers.certs_ca import CA_UNUSABLE, Authority
from conduit.providers.files import read_regular, write_file

LIMIT: Final = 8 * 2**20


def path_of(directory: Path) -> Path:
    """Return where the list of the CA in `directory` lies."""
    return directory / "root.crl"


def content_of(directory: Path) -> bytes | None:
    """Return the list as it lies there, None when nothing was ever revoked. Raises `Unreadable`."""
    path = path_of(directory)
    try:
        return read_regular(path, LIMIT)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(Diagnostic(CA_UNUSABLE, f"cannot read {path}: {error}", hint="put it back")) from error


def serials_in(content: bytes | None) -> frozenset[str]:
    """Return the revoked serial numbers, hexadecimal. Raises `Unreadable` for what is no revocation list."""
    if content is None:
        return frozenset()
    from cryptography import x509

    try:
        return frozenset(f"{each.serial_number:x}" for each in x509.load_pem_x509_crl(content))
    except ValueError:
        hint = "put root.crl back from a backup, or move it away: what it revoked is then valid again"
        raise Unreadable(Diagnostic(CA_UNUSABLE, "root.crl is no revocation list", hint=hint)) from None


def revoke(directory: Path, authority: Authority, serials: Iterable[str], now: int) -> None:
    """Write the list anew with `serials` on it, signed by the root. Raises OSError, `Unreadable`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    content = content_of(directory)
    earlier = {} if content is None else {each.serial_number: each for each in x509.load_pem_x509_crl(content)}
    moment = datetime.fromtimestamp(now, UTC)
    entry = x509.RevokedCertificateBuilder().revocation_date(moment)
    fresh = {int(serial, 16): entry.serial_number(int(serial, 16)).build() for serial in serials}
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject).last_update(moment)
    builder = builder.next_update(authority.certificate.not_valid_after_utc)
    builder = builder.add_extension(x509.CRLNumber(now), critical=False)
    for each in (fresh | earlier).values():
        builder = builder.add_revoked_certificate(each)
    signed = builder.sign(authority.key, hashes.SHA256())
    write_file(path_of(directory), signed.public_bytes(Encoding.PEM), mode=0o644)

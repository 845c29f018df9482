"""The internal CA: one ECDSA P-256 root per site, which signs server certificates (RFC 5280).

Reading the root's fingerprint needs no cryptography, which keeps a no-op cheap; signing checks it in full.
"""

from __future__ import annotations

import binascii
import hashlib
import stat
from base64 import b64decode
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Refused, Unreadable
from conduit.providers.files import make_directory, read_regular, write_file

if TYPE_CHECKING:
    from cryptography import x509

BACKDATE = 300
"""Seconds a certificate is valid before it is made, so that a client whose clock is a little slow takes it."""
LIMIT = 64 * 1024
BEGIN, END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

CA_UNUSABLE = Code(
    "CND-0801",
    "ca_unusable",
    "The root certificate or its key is missing, damaged, open to others, or the two do not belong together. conduit "
    "never makes a new root silently, because every client would stop trusting every site at once. Put both files back "
    "from a backup. To start anew, move the `ca` directory aside as `ca.old`: a new root is made, every certificate "
    "is issued again, and clients need the new root.",
)
CA_EXPIRED = Code(
    "CND-0802",
    "ca_expired",
    "The root certificate of the internal CA is outside its time of validity, so nothing it signs would be trusted. "
    "Check the clock of this machine first. When the clock is right, move the `ca` directory aside as `ca.old`: a new "
    "root is made, every certificate is issued again, and clients need the new root.",
)


class Issued(Struct, frozen=True):
    """A new certificate with its key, both PEM and never printed; `serial` is hexadecimal, times are epoch seconds."""

    certificate: bytes
    key: bytes
    serial: str
    not_after: int

    __repr__ = object.__repr__


class Authority(Struct, frozen=True, eq=False):
    """An opened root, ready to sign."""

    certificate: x509.Certificate
    key: Any
    fingerprint: str

    __repr__ = object.__repr__

    @property
    def not_after(self) -> int:
        """The epoch second the root expires at."""
        return int(self.certificate.not_valid_after_utc.timestamp())

    def issue(self, subject: str, names: list[str], now: int, lifetime: float) -> Issued:
        """Issue a server certificate for DNS `names`; it never outlives the root. `lifetime` is in seconds."""
        from secrets import randbits

        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        key, serial = ec.generate_private_key(ec.SECP256R1()), randbits(80) | 1 << 79
        not_after = min(int(now + lifetime), self.not_after)
        builder = _builder(_name(subject), key.public_key(), now, not_after).serial_number(serial)
        builder = builder.issuer_name(self.certificate.subject)
        for extension, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False),
        ):
            builder = builder.add_extension(extension, critical)
        return Issued(_sign(builder, self.key), _pem(key), f"{serial:x}", not_after)


def fingerprint(directory: Path) -> str:
    """Return the first 16 hex digits of the root's SHA-256 fingerprint, "" when there is no root yet.

    Raises `Unreadable` for a root that cannot be read, or whose key is not beside it or open to others.
    """
    try:
        pem = read_regular(directory / "root.crt", LIMIT)
        mode = stat.S_IMODE((directory / "root.key").lstat().st_mode)
    except FileNotFoundError as error:
        if error.filename == str(directory / "root.crt"):
            return ""
        raise Unreadable(_unusable(f"{error.filename} is missing", directory)) from None
    except OSError as error:
        raise Unreadable(_unusable(f"cannot read the root in {directory}: {error}", directory)) from error
    if mode & 0o077:
        diagnostic = Diagnostic(
            CA_UNUSABLE, f"{directory}/root.key is open to others", hint=f"chmod 600 {directory}/root.key"
        )
        raise Unreadable(diagnostic)
    try:
        return _fingerprint(pem)
    except binascii.Error:
        raise Unreadable(_unusable(f"{directory}/root.crt is not a certificate", directory)) from None


def retired(directory: Path) -> frozenset[str]:
    """Return the fingerprints of the roots an operator moved aside: `ca.old` beside `ca`, with any ending."""
    found = set()
    for path in directory.parent.glob(f"{directory.name}.*/root.crt"):
        with suppress(OSError, binascii.Error):
            found.add(_fingerprint(read_regular(path, LIMIT)))
    return frozenset(found)


def create(directory: Path, site: str, now: int, lifetime: float) -> None:
    """Make the root of a site: key first, certificate last, so a certificate without key always means a lost key."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"conduit {site[:50]} root")
    builder = _builder(subject, key.public_key(), now, int(now + lifetime)).issuer_name(subject)
    builder = builder.serial_number(x509.random_serial_number())
    for extension, critical in (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_usage(key_cert_sign=True, crl_sign=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical)
    make_directory(directory, mode=0o755)
    write_file(directory / "root.key", _pem(key))
    write_file(directory / "root.crt", _sign(builder, key), mode=0o644)


def open_authority(directory: Path, now: float) -> Authority:
    """Open the root for signing. Raises `Refused` when it is damaged, not valid now, or not the key's own."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        pem = read_regular(directory / "root.crt", LIMIT)
        certificate = x509.load_pem_x509_certificate(pem)
        key: Any = load_pem_private_key(read_regular(directory / "root.key", LIMIT), password=None)
        ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except OSError as error:
        raise Refused(_unusable(f"cannot read the root in {directory}: {error}", directory)) from error
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        raise Refused(_unusable(f"the root in {directory} is damaged", directory)) from None
    if not ca or key.public_key() != certificate.public_key():
        raise Refused(_unusable(f"{directory}/root.key does not belong to root.crt", directory))
    _require_valid(certificate, directory, now)
    return Authority(certificate, key, _fingerprint(pem))


def _require_valid(certificate: x509.Certificate, directory: Path, now: float) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if start.timestamp() <= now < end.timestamp():
        return
    expired = now >= end.timestamp()
    what = f"expired on {end:%Y-%m-%d}" if expired else f"is not valid before {start:%Y-%m-%d %H:%M} UTC"
    hint = f"check the clock; if it is right, move the CA aside: mv {directory} {directory}.old"
    raise Refused(Diagnostic(CA_EXPIRED, f"ca_expired: the root in {directory} {what}", hint=hint))


def _unusable(summary: str, directory: Path) -> Diagnostic:
    hint = f"put it back from a backup, or start anew and redistribute the root: mv {directory} {directory}.old"
    return Diagnostic(CA_UNUSABLE, summary, hint=hint)


def _fingerprint(pem: bytes) -> str:
    body = pem.partition(BEGIN)[2].partition(END)[0]
    der = b64decode(body)
    if not der:
        raise binascii.Error("no certificate")
    return hashlib.sha256(der).hexdigest()[:16]


def _name(common_name: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, public_key: Any, now: int, not_after: int) -> x509.CertificateBuilder:
    from cryptography import x509

    builder = x509.CertificateBuilder().subject_name(subject).public_key(public_key)
    builder = builder.not_valid_before(datetime.fromtimestamp(now - BACKDATE, UTC))
    return builder.not_valid_after(datetime.fromtimestamp(not_after, UTC))


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: Any) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

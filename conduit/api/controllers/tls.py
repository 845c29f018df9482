"""TLS: the certificates that are served, the internal CA, rotation, and this machine's trust."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Final, NotRequired, TypedDict

from litestar.params import Parameter

from conduit.api.auth import Caller, Who
from conduit.api.certificates import Shown, Wanted, look
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import applied, operated, refused, table
from conduit.api.errors import ApiError
from conduit.api.metrics import Life
from conduit.api.registration import NAME
from conduit.api.routing import Result, route
from conduit.change import Outcome
from conduit.errors import ConduitError
from conduit.measures import rfc3339
from conduit.model import FRAME, Key
from conduit.providers.certs import root_path
from conduit.providers.probe_tls import Certificate as Seen
from conduit.providers.probe_tls import read_pem, text_of
from conduit.reconcile.asks import Apply, Operate, Passed
from conduit.resources.service import names_of
from conduit.resources.site_leaves import proxy_of

CERTS: Final = Key(FRAME, "certs")
DATE: Final = "%b %e %H:%M:%S %Y"
"""How openssl writes a date."""
LOOKED_SECONDS: Final = 60.0
"""How long the ends of certificates are taken from the last look: a scrape is no reason for a thousand handshakes."""
Name = Annotated[str, Parameter(pattern=NAME, description="the name of a service")]


class Certificate(TypedDict):
    """A certificate as it is served; the fingerprint is SHA-256, times are RFC 3339."""

    name: str
    domain: str
    status: str
    not_before: str
    not_after: str
    algorithm: str
    fingerprint: str
    serial: str
    pem: str


class Certificates(TypedDict):
    """All certificates, as a table and as data."""

    ok: bool
    output: str
    certs: list[Certificate]


class Authority(TypedDict):
    """The internal CA, without its key."""

    issuer: str
    not_after: str
    algorithm: str
    fingerprint: str
    pem: str


class TheAuthority(TypedDict):
    """The internal CA."""

    ca: Authority


class Inspected(TypedDict):
    """A certificate in full."""

    ok: bool
    output: str
    certificate: NotRequired[Certificate]


@route("GET", "/api/tls", "certificates:read", sync_to_thread=True, summary="The certificates that are served")
def certificates(desk: Here) -> Certificates:
    """Ask the proxies for the certificate of every service, and return what they show."""
    found = look(desk, wanted(desk))
    rows = [(s.key.name, f"{s.certificate.not_after:{DATE}}", s.domain) for s in found if s.certificate]
    return {
        "ok": True,
        "output": table(("SERVICE", "EXPIRES", "DOMAIN"), *rows),
        "certs": [_document(shown, shown.certificate) for shown in found if shown.certificate],
    }


@route("GET", "/api/tls/ca", "certificates:read", sync_to_thread=True, summary="The internal CA")
def authority(desk: Here) -> TheAuthority:
    """Return the root certificate that clients have to trust."""
    try:
        found = read_pem(root_path(desk.settings).read_bytes())
    except FileNotFoundError:
        raise ApiError(404, "there is no internal CA yet", hint="it is made with the first certificate") from None
    return {
        "ca": {
            "issuer": found.issuer,
            "not_after": rfc3339(found.not_after.timestamp()),
            "algorithm": found.algorithm,
            "fingerprint": found.fingerprint,
            "pem": found.pem,
        }
    }


@route(
    "POST",
    "/api/tls/{name:str}/rotate",
    "certificates:write",
    act="cert_rotate",
    summary="Revoke a certificate and serve a new one",
)
async def rotate(desk: Here, caller: Who, name: Name) -> Result:
    """Revoke the certificate of a service and issue another, which the proxy serves when the answer arrives."""
    (key, domain, proxy) = _one(desk, name)
    result = await _rotated(desk, caller, key)
    message = f"rotated the certificate of {key.name}" if result["ok"] else result["stderr"].strip()
    details = {"name": key.name, "domain": domain, "proxy": proxy}
    desk.record(caller, "cert_rotate", message, ok=result["ok"], details=details)
    return result


async def _rotated(desk: Desk, caller: Caller, service: Key) -> Result:
    try:
        certificate = Key("certificate", service.name)
        outcome: Outcome = await desk.ask(Operate(certificate, "rotate"))
        if not (revoked := operated(outcome))["ok"]:
            return revoked
        passed: Passed = await desk.ask(Apply(own=frozenset((service, certificate))))
    except ConduitError as error:
        return refused(str(error), error.exit_code)
    said = f"rotated the certificate of {service.name}: {outcome.reason}"
    return applied(desk.sight(caller).passed(passed, service), service, said)


@route("GET", "/api/tls/{name:str}/inspect", "certificates:read", sync_to_thread=True, summary="A certificate in full")
def inspect(desk: Here, name: Name) -> Inspected:
    """Return the certificate that is served for a service, in full."""
    (shown,) = look(desk, [_one(desk, name)])
    if shown.certificate is None:
        return {"ok": False, "output": f"{shown.domain} shows no certificate\n"}
    text = f"=== Certificate: {shown.key.name} ===\n\n{text_of(shown.certificate)}"
    return {"ok": True, "output": text, "certificate": _document(shown, shown.certificate)}


@route(
    "POST",
    "/api/tls/trust",
    "certificates:write",
    act="ca_trust_install",
    summary="Let this machine trust the internal CA",
)
async def trust(desk: Here, caller: Who) -> Result:
    """Put the root of the internal CA into this machine's trust store."""
    try:
        outcome: Outcome = await desk.ask(Operate(CERTS, "trust"))
        result = operated(outcome)
    except ConduitError as error:
        result = refused(str(error), error.exit_code)
    desk.record(caller, "ca_trust_install", (result["stdout"] or result["stderr"]).strip(), ok=result["ok"])
    return result


def wanted(desk: Desk) -> list[Wanted]:
    """Return every service that is served over TLS."""
    roots = desk.desired.roots
    services = [(key, root.spec) for key, root in sorted(roots.items()) if key.kind == "service"]
    return [
        (key, names_of(key.name, spec, desk.settings)[0], proxy_of(spec, desk.settings))
        for key, spec in services
        if spec.tls != "off"
    ]


def lives(desk: Desk) -> Mapping[str, Life]:
    """Return how long the certificate is good that is shown for each service, as a look of the last minute found it."""
    kept, now = desk.kept.get(lives), time.monotonic()
    if kept is None or now > kept[0] + LOOKED_SECONDS:
        shown = [(each.key.name, each.certificate) for each in look(desk, wanted(desk)) if each.certificate]
        found = {name: Life(seen.not_before.timestamp(), seen.not_after.timestamp()) for name, seen in shown}
        desk.kept[lives] = kept = (now, found)
    return dict(kept[1])


def _one(desk: Desk, name: str) -> Wanted:
    found = next((each for each in wanted(desk) if each[0].name == name.lower()), None)
    if found is None:
        raise ApiError(404, f"there is no certificate of '{name}'")
    return found


def _document(shown: Shown, seen: Seen) -> Certificate:
    return {
        "name": shown.key.name,
        "domain": shown.domain,
        "status": shown.status,
        "not_before": rfc3339(seen.not_before.timestamp()),
        "not_after": rfc3339(seen.not_after.timestamp()),
        "algorithm": seen.algorithm,
        "fingerprint": seen.fingerprint,
        "serial": seen.serial,
        "pem": seen.pem,
    }


ROUTES = (certificates, authority, rotate, inspect, trust)

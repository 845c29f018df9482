"""The black-box proof of a service: its name, the connection, the certificate, the answer.

Whose answer it is: Caddy adds `Via: <version> Caddy` to what an upstream sent (2.11) and to nothing of its own, and our
vhosts let nginx do the same. Caddy's own 502 and 503 have an empty body, and so has the 200 it gives to a host no route
matches; status alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape
from ipaddress import ip_address, ip_network
from typing import Final

from conduit.change import Level, Proof
from conduit.grammar import split_host_port
from conduit.kind import Context, Prober
from conduit.model import Key
from conduit.providers.probe import CONNECT_SECONDS, HttpAnswer, HttpProbe
from conduit.resources.route_spec import Redirect
from conduit.resources.service import ServiceSpec, address_of, names_of, proxy_of, upstreams_of
from conduit.spec import Resource

Verdict = tuple[Level, str]

HEALTHY: Final = "below 500"
"""What any working upstream answers when no status was declared."""


def prove(ctx: Context, prober: Prober, resource: Resource[ServiceSpec]) -> Proof:
    """Ask DNS and the proxy as a visitor would, and stop at the first step that fails."""
    spec, key = resource.spec, resource.key
    host = names_of(key.name, spec, ctx.settings)[0]
    checks: list[str] = []
    if spec.dns and (wrong := _name(ctx, prober, spec, host, checks)):
        return Proof(key, Level.NO_NAME, wrong, tuple(checks))
    asked, wanted = _question(spec)
    answer: HttpAnswer = prober.http(HttpProbe(host, asked, tls=spec.tls != "off", proxy=proxy_of(spec, ctx.settings)))
    if answer.status is None:
        return Proof(key, answer.level, f"{host}: {answer.error}", tuple(checks))
    serial = ctx.facts.get(Key("certificate", key.name), {}).get("serial")
    if spec.tls != "off" and serial and answer.serial != serial and not _shared(ctx, answer):
        wrong = f"{host} serves the certificate {answer.serial}, not {serial}"
        return Proof(key, Level.NO_TLS, wrong, tuple(checks))
    if answer.serial:
        checks.append(f"certificate {answer.serial} verified against the internal CA")
    level, detail = _judge(spec, asked, wanted, answer, prober)
    checks.append(f"GET {asked} answered {answer.status}")
    return Proof(key, level, detail, tuple(checks))


def _shared(ctx: Context, answer: HttpAnswer) -> bool:
    """Whether the certificate is another one of ours: services that share a name by path show one of theirs."""
    return any(key.kind == "certificate" and facts.get("serial") == answer.serial for key, facts in ctx.facts.items())


def _name(ctx: Context, prober: Prober, spec: ServiceSpec, host: str, checks: list[str]) -> str:
    """Return what is wrong with the DNS answer, or nothing."""
    rtype, address = address_of(spec, ctx.settings)
    try:
        found = prober.dns(host, rtype)
    except OSError as error:
        return str(error)
    if address not in found:
        return f"{host} {rtype} answers {', '.join(found) or 'nothing'}, not {address}"
    checks.append(f"{host} {rtype} answers {address}")
    return ""


def _question(spec: ServiceSpec) -> tuple[str, int | str]:
    """Return the path to ask for and the status to expect: those of the health check where a visitor reaches it."""
    if spec.health is None or spec.maintenance or spec.redirect:
        return spec.path, HEALTHY
    if spec.strip_prefix:
        return spec.path + spec.health.path, spec.health.status
    path = spec.health.path.partition("?")[0]
    if path == spec.path or path.startswith(spec.path.rstrip("/") + "/"):
        return spec.health.path, spec.health.status
    return spec.path, HEALTHY


def _judge(spec: ServiceSpec, asked: str, wanted: int | str, answer: HttpAnswer, prober: Prober) -> Verdict:
    """Say what an answer proves, in the proxy's order: who may come in, with what password, then the rest."""
    if not _admitted(spec, answer.client):
        return _own(answer, 403, f"{answer.client} is not allowed and must be refused")
    if spec.basic_auth:
        return _own(answer, 401, "a password must be asked for")
    if spec.maintenance:
        return _own(answer, 503, "the maintenance page must be shown", spec.maintenance.message)
    if spec.redirect:
        return _redirected(spec.redirect, asked, answer)
    return _served(spec, wanted, answer, prober)


def _admitted(spec: ServiceSpec, client: str) -> bool:
    """Whether the proxy lets this address in, by the service's own lists."""
    if not client:
        return True
    inside = [ip_address(client) in ip_network(block) for block in spec.allow or ()]
    return (any(inside) or not inside) and not any(ip_address(client) in ip_network(block) for block in spec.deny)


def _own(answer: HttpAnswer, status: int, promise: str, text: str = "") -> Verdict:
    """Judge an answer that must come from the proxy itself."""
    if (
        answer.status == status
        and not _from_upstream(answer)
        and text in unescape(answer.body.decode(errors="replace"))
    ):
        return Level.EXPECTED, f"{status}, as it must be: {promise}"
    return _reached(answer), f"{promise}, with status {status}, but the answer is {answer.status}"


def _redirected(redirect: Redirect, asked: str, answer: HttpAnswer) -> Verdict:
    target = redirect.to + (asked if redirect.keep_path else "")
    location = answer.headers.get("location", "")
    if (answer.status, location) == (redirect.status, target):
        return Level.EXPECTED, f"{answer.status} to {target}"
    return _reached(answer), f"{answer.status} to {location or 'nowhere'}, not {redirect.status} to {target}"


def _served(spec: ServiceSpec, wanted: int | str, answer: HttpAnswer, prober: Prober) -> Verdict:
    if not _from_upstream(answer):
        direct = "; ".join(_asked_directly(prober, spec))
        return Level.PROXY_ERROR, f"the proxy itself answers {answer.status}, no upstream was reached: {direct}"
    if _matches(answer.status or 0, wanted):
        return Level.EXPECTED, f"the upstream answers {answer.status}"
    return Level.UPSTREAM_ANSWERED, f"the upstream answers {answer.status}, not {wanted}"


def _asked_directly(prober: Prober, spec: ServiceSpec) -> Iterable[str]:
    """Ask the upstreams themselves, as the proxy would, and tell what each says."""
    path = spec.health.path if spec.health else "/"
    for _, text, _ in upstreams_of(spec):
        address = split_host_port(text)
        answer: HttpAnswer = prober.http(HttpProbe(address[0], path, address=address, seconds=CONNECT_SECONDS))
        yield f"{text} {answer.error or f'answers {answer.status}'}"


def _matches(status: int, wanted: int | str) -> bool:
    if isinstance(wanted, int):
        return status == wanted
    return status < 500 if wanted == HEALTHY else status // 100 == int(wanted[0])


def _reached(answer: HttpAnswer) -> Level:
    return Level.UPSTREAM_ANSWERED if _from_upstream(answer) else Level.PROXY_ERROR


def _from_upstream(answer: HttpAnswer) -> bool:
    return any(step.strip().endswith((" Caddy", " nginx")) for step in answer.headers.get("via", "").split(","))

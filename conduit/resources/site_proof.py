"""The black-box proof of a site: for each of its names the DNS answer, the connection, the certificate, the answer.

What a service or domain promises is read from the leaves it stands for, so that what is proven is what was applied.

Whose answer it is: Caddy adds `Via: <version> Caddy` to what an upstream sent (2.11) and to nothing of its own, and our
vhosts let nginx do the same. Caddy's own 502 and 503 have an empty body; status alone proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from html import unescape
from ipaddress import ip_address, ip_network
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from conduit.change import Level, Proof
from conduit.grammar import split_host_port
from conduit.kind import Context, Prober
from conduit.model import Key, Ref
from conduit.providers.probe import CONNECT_SECONDS, TOTAL_SECONDS, HttpAnswer, HttpProbe
from conduit.resources.route_spec import Redirect, RouteSpec
from conduit.resources.site_leaves import LEAF
from conduit.resources.upstream_spec import Upstream
from conduit.spec import Resource

Verdict = tuple[Level, str]
SHOWN: Final = 200
"""Characters of an unexpected answer that are shown."""

HEALTHY: Final = "below 500"
"""What any working upstream answers when no status was declared."""
NAMES: Final = 10
"""How many names of one route are asked for; they differ in nothing but the name."""
PROXIES: Final = {kind: proxy for proxy, kind in LEAF.items()}


def prove(ctx: Context, prober: Prober, root: Key) -> Proof | None:
    """Ask DNS and the proxy as a visitor would, name by name, for a few seconds at most."""
    leaves = ctx.leaves(root)
    records = {leaf.spec.name: leaf.spec for leaf in leaves if leaf.key.kind == "dns_record"}
    checks: list[str] = []
    parts: dict[str, Proof] = {}
    started = time.monotonic()
    for site in (leaf for leaf in leaves if leaf.key.kind in PROXIES):
        for host in site.spec.names[:NAMES]:
            if not parts or time.monotonic() < started + TOTAL_SECONDS:
                visit = _visit(ctx, prober, site, host, records.get(host), checks)
                parts[host] = Proof(root, *visit.verdict, seconds=visit.seconds, said=visit.said)
    if not parts:
        return None
    weakest = next((part for part in parts.values() if not part.passed), next(iter(parts.values())))
    return replace(weakest, checks=tuple(checks), parts=parts)


class _Visit(NamedTuple):
    """What asking for one name of a site came to; `seconds` is None when there was no answer."""

    verdict: Verdict
    seconds: float | None = None
    said: str = ""


def _visit(
    ctx: Context, prober: Prober, site: Resource[RouteSpec], host: str, record: Any, checks: list[str]
) -> _Visit:
    """Ask for one name of a site, and stop at the first step that fails."""
    wrong = _name(prober, record, checks) if record else ""
    return _Visit((Level.NO_NAME, wrong)) if wrong else _answer(ctx, prober, site, host, checks)


def _answer(ctx: Context, prober: Prober, site: Resource[RouteSpec], host: str, checks: list[str]) -> _Visit:
    """Ask a site under one of its names."""
    spec = site.spec
    asked, wanted = _question(spec)
    answer: HttpAnswer = prober.http(HttpProbe(host, asked, tls=spec.tls, proxy=PROXIES[site.key.kind]))
    if answer.status is None:
        return _Visit((answer.level, f"{host}: {answer.error}"))
    serial = _serial(ctx, spec.certificate)
    if serial and answer.serial != serial and not _ours(ctx, answer):
        return _Visit((Level.NO_TLS, f"{host} serves the certificate {answer.serial}, not {serial}"), answer.seconds)
    if answer.serial:
        checks.append(f"certificate {answer.serial} verified against the internal CA")
    checks.append(f"GET {asked} answered {answer.status}")
    verdict = _judge(ctx, spec, asked, wanted, answer, prober)
    return _Visit(verdict, answer.seconds, _beginning(answer) if verdict[0] is Level.UPSTREAM_ANSWERED else "")


def _beginning(answer: HttpAnswer) -> str:
    """Return how an answer begins, in one line."""
    return " ".join(answer.body[: 4 * SHOWN].decode(errors="replace").split())[:SHOWN]


def _serial(ctx: Context, certificate: Ref | None) -> Any:
    return ctx.facts.get(certificate.key, {}).get("serial") if certificate else None


def _ours(ctx: Context, answer: HttpAnswer) -> bool:
    """Whether the certificate is another one of ours: sites that share a name by path may each bring one."""
    return any(key.kind == "certificate" and facts.get("serial") == answer.serial for key, facts in ctx.facts.items())


def _name(prober: Prober, record: Any, checks: list[str]) -> str:
    """Return what is wrong with the DNS answer, or nothing."""
    try:
        found = prober.dns(record.name, record.type)
    except OSError as error:
        return str(error)
    if record.value not in found:
        return f"{record.name} {record.type} answers {', '.join(found) or 'nothing'}, not {record.value}"
    checks.append(f"{record.name} {record.type} answers {record.value}")
    return ""


def _question(spec: RouteSpec) -> tuple[str, int | str]:
    """Return the path to ask for and the status to expect: those of the health check where a visitor reaches it."""
    if spec.health is None or spec.maintenance or spec.redirect:
        return spec.path, HEALTHY
    if spec.strip_prefix:
        return spec.path + spec.health.path, spec.health.status
    path = spec.health.path.partition("?")[0]
    if path == spec.path or path.startswith(spec.path.rstrip("/") + "/"):
        return spec.health.path, spec.health.status
    return spec.path, HEALTHY


def _judge(ctx: Context, spec: RouteSpec, asked: str, wanted: int | str, answer: HttpAnswer, prober: Prober) -> Verdict:
    """Say what an answer proves, in the proxy's order: who may come in, with what password, then the rest."""
    if not _admitted(spec, answer.client):
        return _own(answer, 403, f"{answer.client} is not allowed and must be refused")
    if spec.basic_auth:
        return _own(answer, 401, "a password must be asked for")
    if spec.maintenance:
        return _own(answer, 503, "the maintenance page must be shown", spec.maintenance.message)
    if spec.redirect:
        return _redirected(spec.redirect, asked, answer)
    return _served(ctx, spec, wanted, answer, prober)


def _admitted(spec: RouteSpec, client: str) -> bool:
    """Whether the proxy lets this address in, by the site's own lists."""
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


def _served(ctx: Context, spec: RouteSpec, wanted: int | str, answer: HttpAnswer, prober: Prober) -> Verdict:
    if not _from_upstream(answer):
        direct = "; ".join(_asked_directly(ctx, prober, spec))
        return Level.PROXY_ERROR, f"the proxy itself answers {answer.status}, no upstream was reached: {direct}"
    if _matches(answer.status or 0, wanted):
        return Level.EXPECTED, f"the upstream answers {answer.status}"
    return Level.UPSTREAM_ANSWERED, f"the upstream answers {answer.status}, not {wanted}"


def _asked_directly(ctx: Context, prober: Prober, spec: RouteSpec) -> Iterable[str]:
    """Ask the upstreams themselves, as the proxy would, and tell what each says."""
    path = spec.health.path if spec.health else "/"
    for upstream in spec.upstreams:
        text = _dial(ctx, upstream)
        if not text:
            yield f"{upstream.container} is not known"
            continue
        address = split_host_port(text)
        answer: HttpAnswer = prober.http(HttpProbe(address[0], path, address=address, seconds=CONNECT_SECONDS))
        yield f"{text} {answer.error or f'answers {answer.status}'}"


def _dial(ctx: Context, upstream: Upstream) -> str:
    """Return where an upstream is now; empty for a container nobody knows the address of."""
    if upstream.container is None:
        return upstream.dial
    address = ctx.facts.get(upstream.container.key, {}).get(upstream.container.fact)
    return upstream.model_copy(update={"container": upstream.container.resolved(address)}).dial if address else ""


def _matches(status: int, wanted: int | str) -> bool:
    if isinstance(wanted, int):
        return status == wanted
    return status < 500 if wanted == HEALTHY else status // 100 == int(wanted[0])


def _reached(answer: HttpAnswer) -> Level:
    return Level.UPSTREAM_ANSWERED if _from_upstream(answer) else Level.PROXY_ERROR


def _from_upstream(answer: HttpAnswer) -> bool:
    return any(step.strip().endswith((" Caddy", " nginx")) for step in answer.headers.get("via", "").split(","))

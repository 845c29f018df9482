"""The certificates of the declared services as the proxies really serve them."""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec import Struct

from conduit.api.desk import Desk
from conduit.measures import duration
from conduit.model import Key
from conduit.providers.certs import root_path
from conduit.providers.certs_config import Config
from conduit.providers.certs_revoked import content_of, serials_in
from conduit.providers.probe_tls import Certificate, served

Wanted = tuple[Key, str, str]
"""A service, the name it is served under, and its proxy."""


class Shown(Struct, frozen=True):
    """One service: its key, its name, what is shown for it (None when nothing is), and what that is worth."""

    key: Key
    domain: str
    certificate: Certificate | None
    status: str


def look(desk: Desk, wanted: Iterable[Wanted]) -> list[Shown]:
    """Shake hands for every service, side by side, and return what was shown."""
    wanted = list(wanted)
    prober = desk.reader.proving_context().prober
    by_proxy: dict[str, list[str]] = {}
    for _, domain, proxy in wanted:
        by_proxy.setdefault(proxy, []).append(domain)
    found = {proxy: served(prober.endpoint(proxy), domains) for proxy, domains in by_proxy.items()}  # type: ignore[union-attr]
    revoked = serials_in(content_of(root_path(desk.settings).parent))
    early = duration(Config.model_validate(desk.settings.sections.get("certs") or {}).renew_before)
    return [
        Shown(key, domain, each, each.status(time.time(), revoked, early) if each else "missing")
        for key, domain, proxy in wanted
        for each in (found[proxy][domain],)
    ]

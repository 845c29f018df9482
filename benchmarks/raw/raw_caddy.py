"""Caddy by hand: one read, bytes compared, the few routes that differ or everything in one load."""

import json
from typing import Any

import httpx

FEW = 10
"""How many routes are replaced one by one before loading everything is cheaper."""


class Part:
    """The routes of the site."""

    def __init__(self, site: dict[str, Any], declared: dict[str, Any]) -> None:
        self.routes = [
            _route(f"{name}.{site['domain']}", name, fields["upstream"])
            for name, fields in declared["services"].items()
            if fields.get("proxy", site["proxy"]) == "caddy"
        ]
        server = {"listen": [site["caddy_listen"]], "automatic_https": {"disable": True}, "routes": self.routes}
        want = {**site["caddy_base"], "apps": {"http": {"servers": {"site": server}}}}
        self.want = json.dumps(want, sort_keys=True, separators=(",", ":")).encode()
        transport = httpx.HTTPTransport(uds=site["caddy_admin"])
        self.client = httpx.Client(transport=transport, base_url="http://caddy", timeout=300)

    def differs(self) -> bool:
        """Read what Caddy has and compare it with the wish."""
        self.live = self.client.get("/config/").content.rstrip()
        return self.live != self.want

    def write(self) -> None:
        """Replace the few routes that differ, else load everything."""
        server = json.loads(self.live).get("apps", {}).get("http", {}).get("servers", {}).get("site", {})
        have = {each["@id"]: each for each in server.get("routes", [])}
        changed = [each for each in self.routes if have.get(each["@id"]) != each]
        if have.keys() == {each["@id"] for each in self.routes} and len(changed) <= FEW:
            for each in changed:
                self.client.patch(f"/id/{each['@id']}", json=each).raise_for_status()
        else:
            self.client.post(
                "/load", content=self.want, headers={"Content-Type": "application/json"}
            ).raise_for_status()


def _route(host: str, name: str, upstream: str) -> dict[str, Any]:
    handler = {"handler": "reverse_proxy", "upstreams": [{"dial": upstream}]}
    return {"@id": name, "match": [{"host": [host]}], "handle": [handler], "terminal": True}

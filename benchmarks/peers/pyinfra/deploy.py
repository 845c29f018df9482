"""The job in tuned pyinfra: one fact and one artifact per daemon, an operation only where something differs."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from pyinfra import host
from pyinfra.api import FactBase
from pyinfra.operations import files, server


class CaddyConfig(FactBase):
    """The whole configuration of the Caddy behind a unix socket."""

    def requires_command(self, admin: str) -> str:
        return "curl"

    def command(self, admin: str) -> str:
        return f"curl -fsS --unix-socket {admin} http://caddy/config/"

    def process(self, output: list[str]) -> Any:
        return json.loads("".join(output))


site = json.loads(Path(host.data.site).read_text())
domain = site["domain"]
services = yaml.load(Path(site["manifest"]).read_bytes(), Loader=yaml.CSafeLoader)["services"]

hosts = files.put(
    name="dnsmasq hosts",
    src=StringIO("".join(f"{fields['address']} {name}.{domain}\n" for name, fields in services.items())),
    dest=site["hosts_file"],
)
server.shell(name="dnsmasq reads them", commands=[f"kill -HUP $(cat {site['dnsmasq_pid']})"], _if=hosts.did_change)

routes = [
    {
        "@id": name,
        "match": [{"host": [f"{name}.{domain}"]}],
        "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": fields["upstream"]}]}],
        "terminal": True,
    }
    for name, fields in services.items()
]
listener = {"listen": [site["listen"]], "automatic_https": {"disable": True}, "routes": routes}
config = {**site["base"], "apps": {"http": {"servers": {"site": listener}}}}
if host.get_fact(CaddyConfig, admin=site["admin"]) != config:
    files.put(name="caddy configuration", src=StringIO(json.dumps(config)), dest=site["staged"])
    post = f"curl -fsS --unix-socket {site['admin']} -H 'Content-Type: application/json'"
    server.shell(name="caddy loads it", commands=[f"{post} --data-binary @{site['staged']} http://caddy/load"])

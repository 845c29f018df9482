"""The job in tuned pyinfra: one fact and one artifact per daemon, an operation only where something differs."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from pyinfra import host
from pyinfra.api import FactBase
from pyinfra.operations import docker, files, server


class CaddyConfig(FactBase):
    """The whole configuration of the Caddy behind a unix socket."""

    def requires_command(self, admin: str) -> str:
        return "curl"

    def command(self, admin: str) -> str:
        return f"curl -fsS --unix-socket {admin} http://caddy/config/"

    def process(self, output: list[str]) -> Any:
        return json.loads("".join(output))


class Applications(FactBase):
    """Name, image, state and labels of the job's containers, running or not."""

    default = dict

    def requires_command(self) -> str:
        return "docker"

    def command(self) -> str:
        form = "{{.Names}}\t{{.Image}}\t{{.State}}\t{{.Labels}}"
        return f"docker ps --all --filter label=bench.app --format '{form}'"

    def process(self, output: list[str]) -> Any:
        rows = (line.split("\t") for line in output)
        return {name: (image, state, set(labels.split(","))) for name, image, state, labels in rows}


def dnsmasq() -> None:
    """The names."""
    named = {name: fields for name, fields in services.items() if "address" in fields}
    hosts = files.put(
        name="dnsmasq hosts",
        src=StringIO("".join(f"{fields['address']} {name}.{domain}\n" for name, fields in named.items())),
        dest=site["hosts_file"],
    )
    hup = f"kill -HUP $(cat {site['dnsmasq_pid']})"
    server.shell(name="dnsmasq reads them", commands=[hup], _if=hosts.did_change)


def nginx() -> None:
    """The vhosts."""
    vhosts = "".join(
        f"server {{\n    listen {site['nginx_listen']};\n    server_name {name}.{domain};\n"
        f"    location / {{\n        proxy_pass http://{fields['upstream']};\n    }}\n}}\n"
        for name, fields in services.items()
        if fields.get("proxy", site["proxy"]) == "nginx"
    )
    file = files.put(name="nginx vhosts", src=StringIO(site["nginx_frame"] + vhosts), dest=site["nginx_file"])
    reload = f"{' '.join(site['nginx_check'])} && kill -HUP $(cat {site['nginx_pid']})"
    server.shell(name="nginx loads them", commands=[reload], _if=file.did_change)


def caddy() -> None:
    """The routes."""
    routes = [
        {
            "@id": name,
            "match": [{"host": [f"{name}.{domain}"]}],
            "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": fields["upstream"]}]}],
            "terminal": True,
        }
        for name, fields in services.items()
        if fields.get("proxy", site["proxy"]) == "caddy"
    ]
    listener = {"listen": [site["caddy_listen"]], "automatic_https": {"disable": True}, "routes": routes}
    config = {**site["caddy_base"], "apps": {"http": {"servers": {"site": listener}}}}
    if host.get_fact(CaddyConfig, admin=site["caddy_admin"]) != config:
        staged = site["caddy_staged"]
        files.put(name="caddy configuration", src=StringIO(json.dumps(config)), dest=staged)
        post = f"curl -fsS --unix-socket {site['caddy_admin']} -H 'Content-Type: application/json'"
        server.shell(name="caddy loads it", commands=[f"{post} --data-binary @{staged} http://caddy/load"])


def containers() -> None:
    """The containers; `docker.container` never compares one that is there, so that is done here."""
    environment = {"DOCKER_HOST": f"unix://{site['docker_socket']}"}
    live = host.get_fact(Applications, _env=environment)
    for name, deployment in declared["deployments"].items():
        app = deployment["compose"]["services"]["app"]
        labels = [f"{key}={value}" for key, value in app["labels"].items()]
        image, state, found = live.get(name, ("", "", set()))
        if (image, state) != (app["image"], "running") or not found.issuperset(labels):
            docker.container(
                name=f"container {name}",
                container=name,
                image=app["image"],
                command=" ".join(app["command"]),
                labels=labels,
                env_vars=[f"{key}={value}" for key, value in app["environment"].items()],
                networks=[site["docker_network"]],
                extra_args=["--stop-signal", app["stop_signal"]],
                force=name in live,
                _env=environment,
            )


site = json.loads(Path(host.data.site).read_text())
domain = site["domain"]
declared = yaml.load(Path(site["manifest"]).read_bytes(), Loader=yaml.CSafeLoader)
services = declared["services"]
for part in site["parts"]:
    {"caddy": caddy, "nginx": nginx, "dnsmasq": dnsmasq, "docker": containers}[part]()

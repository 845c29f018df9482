"""The cases of the kind contract: of each leaf kind a manifest, a change, a damage, and how it looks from outside."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from conduit.sandbox import image
from tests.engine.by_hand import admin, docker_cli, edit, nginx_file
from tests.engine.conftest import World

ROUTE = "routes:\n  x:\n    names: [x.home.arpa]\n    tls: false\n    upstreams: [{address: 'UPSTREAM'}]\n"
VHOST = ROUTE.replace("routes", "vhosts")
NETWORK = "networks:\n  x: {{attachable: {attachable}}}\n"
CONTAINER = (
    "containers:\n  xx: {{image: busybox, command: [sleep, '600'], stop_signal: SIGKILL, labels: {{team: {team}}}}}\n"
)
IMAGE = "images:\n  x: {{build: {{context: app, args: {{SAYS: {says}}}}}}}\n"
CERTIFICATE = "certificates:\n  x: {{names: [{names}]}}\n"


@dataclass(frozen=True)
class Case:
    """One leaf: its manifest, the manifest with one field changed, that field, damage by hand, a look from outside."""

    key: str
    first: str
    second: str
    field: str
    damage: Callable[[World], object]
    seen: Callable[[World], str]
    before: str
    after: str
    prepare: Callable[[World], object] = lambda world: None


def remove_route(world: World) -> None:
    servers = admin(world, "GET", "/config/apps/http/servers")
    name = next(name for name in servers if any("x.home.arpa" in json.dumps(r) for r in servers[name]["routes"]))
    index = next(i for i, r in enumerate(servers[name]["routes"]) if "x.home.arpa" in json.dumps(r))
    admin(world, "DELETE", f"/config/apps/http/servers/{name}/routes/{index}")


def spoil_certificate(world: World) -> None:
    copy = next((world.site.directory / "caddy-certs").glob("x.*"))
    copy.write_text("not a certificate\n")


def names_of_certificate(world: World) -> str:
    found = sorted((world.site.directory / "caddy-certs").glob("x.*"))
    if not found:
        return ""
    words = ["openssl", "x509", "-in", str(found[-1]), "-noout", "-ext", "subjectAltName"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def make_context(world: World) -> None:
    (world.site.directory / "app").mkdir()
    (world.site.directory / "app" / "Dockerfile").write_text("FROM sandbox/busybox:1\nARG SAYS\nLABEL says=$SAYS\n")


def built_images(world: World) -> str:
    """The names of images that a Dockerfile of `make_context` made, and what they say."""
    names = docker_cli("image", "ls", "--filter", "label=says", "--format", "{{.Repository}}:{{.Tag}}")(world).split()
    says = docker_cli("image", "inspect", "--format", "{{json .RepoTags}} says {{.Config.Labels.says}}", *names)
    return says(world) if names else ""


def declare_image(world: World) -> None:
    world.site.write("images.yaml", f"images:\n  busybox: {{reference: '{image.NAME}'}}\n")
    assert world.apply().exit_code == 0


def remove_images(world: World) -> str:
    names = docker_cli("image", "ls", "--filter", "label=says", "--format", "{{.Repository}}:{{.Tag}}")(world).split()
    return docker_cli("image", "rm", *names)(world)


def self_db(world: World) -> Path:
    return Path(world.site.directory) / "keys" / "self.db"


def told_by_self_db(query: str) -> Callable[[World], str]:
    """Ask self.db as the sqlite3 program would."""

    def look(world: World) -> str:
        with closing(sqlite3.connect(self_db(world))) as connection, connection:
            return "; ".join(" ".join(map(str, row)) for row in connection.execute(query))

    return look


def declare_user(world: World) -> None:
    world.site.write("user.yaml", "users:\n  ada: {role: operator}\n")
    assert world.apply().exit_code == 0


def declare_user_and_deployment(world: World) -> None:
    """Nothing of the deployment runs: its one service is in a profile that is off."""
    world.site.write("user.yaml", "users:\n  ada: {role: operator}\n")
    service = f"{{web: {{image: '{image.NAME}', profiles: ['off']}}}}"
    world.site.write("wiki.yaml", f"deployments:\n  wiki:\n    compose: {{services: {service}}}\n")
    assert world.apply().exit_code == 0


LEAVES = {
    "route": Case(
        key="route/x",
        first=ROUTE,
        second=ROUTE + "    response_headers: {X-Sort: tested}\n",
        field="response_headers.X-Sort",
        damage=remove_route,
        seen=lambda world: world.site.curl("http://x.home.arpa/").stdout.replace("x-sort", "X-Sort"),
        before="HTTP/1.1 200",
        after="X-Sort: tested",
    ),
    "vhost": Case(
        key="vhost/x",
        first=VHOST,
        second=VHOST + "    response_headers: {X-Sort: tested}\n",
        field="response_headers.X-Sort",
        damage=edit(nginx_file, "X-Sort tested", "X-Sort evil"),
        seen=lambda world: world.site.curl("http://x.home.arpa/", proxy="nginx").stdout,
        before="HTTP/1.1 200",
        after="X-Sort: tested",
    ),
    "certificate": Case(
        key="certificate/x",
        first=CERTIFICATE.format(names="x.home.arpa"),
        second=CERTIFICATE.format(names="x.home.arpa, y.home.arpa"),
        field="names",
        damage=spoil_certificate,
        seen=names_of_certificate,
        before="DNS:x.home.arpa",
        after="DNS:x.home.arpa, DNS:y.home.arpa",
    ),
    "network": Case(
        key="network/x",
        first=NETWORK.format(attachable="false"),
        second=NETWORK.format(attachable="true"),
        field="attachable",
        damage=docker_cli("network", "rm", "x"),
        seen=docker_cli("network", "inspect", "--format", "attachable {{.Attachable}}", "x"),
        before="attachable false",
        after="attachable true",
    ),
    "image": Case(
        key="image/x",
        first=IMAGE.format(says="one"),
        second=IMAGE.format(says="two"),
        field="build.args.SAYS",
        damage=remove_images,
        seen=built_images,
        before="says one",
        after="says two",
        prepare=make_context,
    ),
    "container": Case(
        key="container/xx",
        first=CONTAINER.format(team="one"),
        second=CONTAINER.format(team="two"),
        field="labels.team",
        damage=docker_cli("rm", "--force", "xx-b"),
        seen=docker_cli("ps", "--all", "--format", '{{.State}} team {{.Label "team"}}'),
        before="running team one",
        after="running team two",
        prepare=declare_image,
    ),
    "user": Case(
        key="user/x",
        first="users:\n  x: {role: viewer, email: x@home.arpa}\n",
        second="users:\n  x: {role: operator, email: x@home.arpa}\n",
        field="role",
        damage=told_by_self_db("UPDATE users SET role = 'admin'"),
        seen=told_by_self_db("SELECT name, role FROM users"),
        before="x viewer",
        after="x operator",
    ),
    "role": Case(
        key="role/x",
        first="roles:\n  x: {permissions: [dns:read]}\n",
        second="roles:\n  x: {permissions: [dns:write, dns:read]}\n",
        field="permissions",
        damage=told_by_self_db("UPDATE roles SET permissions = '[\"users:write\"]'"),
        seen=told_by_self_db("SELECT name, permissions FROM roles"),
        before='x ["dns:read"]',
        after='x ["dns:read", "dns:write"]',
    ),
    "grant": Case(
        key="grant/x",
        first="grants:\n  x: {user: ada, deployment: wiki, level: read}\n",
        second="grants:\n  x: {user: ada, deployment: wiki, level: write}\n",
        field="level",
        damage=told_by_self_db("UPDATE grants SET level = 'admin'"),
        seen=told_by_self_db("SELECT user, deployment, level FROM grants"),
        before="ada wiki read",
        after="ada wiki write",
        prepare=declare_user_and_deployment,
    ),
    "task": Case(
        key="task/x",
        first="tasks:\n  x: {schedule: '@daily', action: flush, subject: frame/dnsmasq, run_as: ada}\n",
        second="tasks:\n  x: {schedule: '@hourly', action: flush, subject: frame/dnsmasq, run_as: ada}\n",
        field="schedule",
        damage=told_by_self_db("UPDATE tasks SET schedule = '* * * * *'"),
        seen=told_by_self_db("SELECT schedule, action, subject, run_as FROM tasks"),
        before="0 0 * * * flush frame/dnsmasq ada",
        after="0 * * * * flush frame/dnsmasq ada",
        prepare=declare_user,
    ),
}

DOCKER = {"network", "image", "container", "grant"}
"""The cases that live in Docker, or are about what does."""

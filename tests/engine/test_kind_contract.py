"""What every leaf kind owes the engine, on real daemons.

empty -> create -> live equals the wish -> empty plan -> one field -> exactly that field -> damage behind its back ->
drift -> heal -> prune; and a neighbour that is not ours stays as it was.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from conduit.change import Action, Origin
from conduit.model import Key
from conduit.resources import load_kinds
from conduit.sandbox import image
from conduit.settled import settled
from tests.engine.conftest import World

ROUTE = "routes:\n  x:\n    names: [x.home.arpa]\n    tls: false\n    upstreams: [{address: 'UPSTREAM'}]\n"
RECORD = "dns_records:\n  x: {{name: {name}, type: {type}, {value}}}\n"
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


def admin(world: World, method: str, path: str, body: Any = None) -> Any:
    """Talk to the site's Caddy as a person with curl would."""
    socket = world.site.daemons["caddy"].section["admin"].removeprefix("unix/")
    words = ["curl", "-sS", "-X", method, "--unix-socket", socket, f"http://localhost{path}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    out = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout
    return json.loads(out) if out.strip() else None


def hosts_file(world: World) -> Path:
    return Path(world.site.daemons["dnsmasq"].section["hosts_file"])


def conf_file(world: World) -> Path:
    return Path(world.site.daemons["dnsmasq"].section["conf_file"])


def edit(path: Callable[[World], Path], old: str, new: str) -> Callable[[World], None]:
    def damage(world: World) -> None:
        text = path(world).read_text()
        assert old in text
        path(world).write_text(text.replace(old, new))

    return damage


def remove_route(world: World) -> None:
    servers = admin(world, "GET", "/config/apps/http/servers")
    name = next(name for name in servers if any("x.home.arpa" in json.dumps(r) for r in servers[name]["routes"]))
    index = next(i for i, r in enumerate(servers[name]["routes"]) if "x.home.arpa" in json.dumps(r))
    admin(world, "DELETE", f"/config/apps/http/servers/{name}/routes/{index}")


def nginx_file(world: World) -> Path:
    return Path(world.site.daemons["nginx"].section["conf_file"])


def spoil_certificate(world: World) -> None:
    copy = next((world.site.directory / "caddy-certs").glob("x.*"))
    copy.write_text("not a certificate\n")


def names_of_certificate(world: World) -> str:
    found = sorted((world.site.directory / "caddy-certs").glob("x.*"))
    if not found:
        return ""
    words = ["openssl", "x509", "-in", str(found[-1]), "-noout", "-ext", "subjectAltName"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def docker_cli(*words: str) -> Callable[[World], str]:
    """Look, or meddle, with Docker's own command line."""

    def look(world: World) -> str:
        host = f"unix://{world.site.settings['docker']['socket']}"
        argv = ["/usr/bin/docker", "--host", host, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout

    return look


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


def declare_user_and_deployment(world: World) -> None:
    """Nothing of the deployment runs: its one service is in a profile that is off."""
    world.site.write("user.yaml", "users:\n  ada: {role: operator}\n")
    service = f"{{web: {{image: '{image.NAME}', profiles: ['off']}}}}"
    world.site.write("wiki.yaml", f"deployments:\n  wiki:\n    compose: {{services: {service}}}\n")
    assert world.apply().exit_code == 0


def record(kind: str, name: str, first: str, second: str, field: str, shown: tuple[str, str]) -> Case:
    """The case of one record type; plain addresses live in the hosts file, everything else in the conf file."""
    plain = kind in ("A", "AAAA") and not name.startswith("*")
    asked = name.replace("*", "any")
    return Case(
        key="dns_record/x",
        first=RECORD.format(name=f"'{name}'", type=kind, value=first),
        second=RECORD.format(name=f"'{name}'", type=kind, value=second),
        field=field,
        damage=drop_record if plain else edit(conf_file, conf_word(kind, shown[1]), conf_word(kind, DAMAGED[kind])),
        seen=lambda world: " ".join(world.site.dig(asked, kind)),
        before=shown[0],
        after=shown[1],
    )


DAMAGED = {
    "A": "10.9.9.9",
    "AAAA": "fd00::9",
    "CNAME": "evil.home.arpa",
    "TXT": "evil",
    "SRV": "evil.home.arpa",
    "MX": "evil.home.arpa",
    "PTR": "evil.home.arpa",
}


def conf_word(kind: str, answer: str) -> str:
    """The word of an answer that stands in the conf file too."""
    return answer.split()[-1].rstrip(".").strip('"')


def drop_record(world: World) -> None:
    lines = hosts_file(world).read_text().splitlines(keepends=True)
    hosts_file(world).write_text("".join(line for line in lines if "x.home.arpa" not in line))


CASES = {
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
    "A": record("A", "x.home.arpa", "value: 10.0.0.1", "value: 10.0.0.2", "value", ("10.0.0.1", "10.0.0.2")),
    "AAAA": record("AAAA", "x.home.arpa", "value: 'fd00::1'", "value: 'fd00::2'", "value", ("fd00::1", "fd00::2")),
    "wildcard": record("A", "*.x.home.arpa", "value: 10.0.0.1", "value: 10.0.0.2", "value", ("10.0.0.1", "10.0.0.2")),
    "CNAME": record(
        "CNAME", "x.home.arpa", "value: a.home.arpa", "value: b.home.arpa", "value", ("a.home.arpa.", "b.home.arpa.")
    ),
    "TXT": record("TXT", "x.home.arpa", "value: one", "value: two", "value", ('"one"', '"two"')),
    "MX": record(
        "MX",
        "x.home.arpa",
        "priority: 10, value: m1.home.arpa",
        "priority: 10, value: m2.home.arpa",
        "value",
        ("10 m1.home.arpa.", "10 m2.home.arpa."),
    ),
    "SRV": record(
        "SRV",
        "_x._tcp.home.arpa",
        "priority: 1, weight: 2, port: 389, value: s1.home.arpa",
        "priority: 1, weight: 2, port: 389, value: s2.home.arpa",
        "value",
        ("1 2 389 s1.home.arpa.", "1 2 389 s2.home.arpa."),
    ),
    "PTR": record(
        "PTR",
        "1.0.0.10.in-addr.arpa",
        "value: p1.home.arpa",
        "value: p2.home.arpa",
        "value",
        ("p1.home.arpa.", "p2.home.arpa."),
    ),
}


DOCKER = {"network", "image", "container", "grant"}
"""The cases that live in Docker, or are about what does."""


@pytest.fixture
def settings(name: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.getfixturevalue("docker_settings") if name in DOCKER else {}


@pytest.fixture
def proxies(name: str) -> tuple[str, ...]:
    return ("caddy", "nginx") if name == "vhost" else ("caddy",)


@pytest.mark.parametrize("name", CASES)
def test_contract(world: World, upstream: Callable[..., Any], name: str) -> None:
    case = CASES[name]
    address = upstream().address if name in ("route", "vhost") else ""
    neighbour = make_neighbour(world)
    case.prepare(world)
    key = Key.parse(case.key)

    world.site.write("x.yaml", case.first.replace("UPSTREAM", address))
    (created,) = world.changes()
    assert (created.key, created.action) == (key, Action.CREATE)
    assert world.apply().exit_code == 0
    assert case.before in case.seen(world)
    (live,) = [each for each in world.engine().live(key.kind) if each.key == key]
    assert live.owned
    assert world.plan().empty

    world.site.write("x.yaml", case.second.replace("UPSTREAM", address))
    (changed,) = world.changes()
    assert [field.path for field in changed.diff.fields][:1] == [case.field]
    assert len({field.path.split(".")[0] for field in changed.diff.fields}) == 1
    assert changed.origin is Origin.PENDING
    assert changed.source.line > 0
    assert world.apply().exit_code == 0
    assert case.after in case.seen(world)
    assert world.plan().empty

    case.damage(world)
    assert world.plan().drift, "damage by hand must show up as drift"
    assert world.apply().exit_code == 0
    assert case.after in case.seen(world)
    assert world.plan().empty

    world.site.write("x.yaml", "dns_records:\n  other: {name: o.home.arpa, type: A, value: 10.0.0.7}\n")
    assert world.apply(allow_deletes=1).exit_code == 0
    assert key not in [each.key for each in world.engine().live(key.kind)]
    if case.after:
        assert case.after not in case.seen(world)
    assert neighbour() == "untouched"


@pytest.mark.parametrize("name", CASES)
def test_the_quick_answer_ends_with_any_change(world: World, upstream: Callable[..., Any], name: str) -> None:
    """An edit or damage alike: `conduit.settled` may say of no kind that nothing differs when something does."""
    case = CASES[name]
    address = upstream().address if name in ("route", "vhost") else ""
    case.prepare(world)
    for manifest in (case.first, case.second):
        world.site.write("x.yaml", manifest.replace("UPSTREAM", address))
        assert settled(world.site.settings_file) is None
        assert world.apply(prove=False).exit_code == 0
        assert world.plan().empty
        assert settled(world.site.settings_file) is not None
    case.damage(world)
    assert settled(world.site.settings_file) is None


def make_neighbour(world: World) -> Callable[[], str]:
    """Put foreign things beside ours in both daemons; the result tells whether they are as they were."""
    foreign = {"listen": ["127.0.0.1:0"], "automatic_https": {"disable": True}, "routes": [{"@id": "theirs"}]}
    admin(world, "POST", "/config/apps", {"http": {"servers": {"theirs": foreign}}})
    stray = conf_file(world).parent / "theirs.conf"
    stray.write_text("address=/theirs.example/10.1.1.1\n")

    def look() -> str:
        same = admin(world, "GET", "/config/apps/http/servers/theirs") == foreign
        same = same and stray.read_text() == "address=/theirs.example/10.1.1.1\n"
        return "untouched" if same else "changed"

    return look


def test_every_leaf_kind_has_a_case() -> None:
    """Objects that are kept whatever is declared have tests of their own, such as tests/docker/test_volumes.py."""
    leaves = {kind.name for kind in load_kinds().values() if not kind.composite and not kind.keeps}
    assert leaves == {Key.parse(case.key).kind for case in CASES.values()}


def test_every_record_type_has_a_case() -> None:
    types = get_args(load_kinds()["dns_record"].spec.model_fields["type"].annotation)
    assert set(types) <= CASES.keys()

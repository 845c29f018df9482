"""What happens behind conduit's back between two diffs, and how to look whether an answer is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conduit.change import Action, Change, Diff, Origin
from conduit.journal import Journal
from conduit.model import Key, Source
from conduit.sandbox.machine import wait_for
from conduit.settled import settled
from tests.engine.by_hand import admin, conf_file, edit, hosts_file, route_path
from tests.engine.conftest import World

NOTHING = "No changes. Live state matches desired/.\n"
RECORD = "dns_records:\n  more: {name: more.home.arpa, value: 10.0.0.9}\n"


def is_settled(world: World, **clock: Any) -> bool:
    return settled(world.site.settings_file, **clock) is not None


def kept(world: World) -> Path:
    return Path(world.site.directory, "state", "cache", "settled.json")


def manifest(world: World) -> Path:
    return Path(world.site.desired, "web.yaml")


def copy_of_certificate(world: World) -> Path:
    (copy,) = Path(world.site.directory, "caddy-certs").glob("web.*")
    return copy


def edit_unnoticed(path: Callable[[World], Path], old: str, new: str) -> Callable[[World], None]:
    """Damage that leaves size and time of change as they were."""

    def damage(world: World) -> None:
        assert len(old) == len(new)
        before = path(world).stat()
        edit(path, old, new)(world)
        os.utime(path(world), ns=(before.st_atime_ns, before.st_mtime_ns))

    return damage


def make_link(world: World) -> None:
    elsewhere = manifest(world).rename(world.site.directory / "elsewhere.yaml")
    manifest(world).symlink_to(elsewhere)


def change_route(world: World) -> None:
    path = route_path(world, "https")
    route = admin(world, "GET", path)
    next(h for h in route["handle"] if h["handler"] == "reverse_proxy")["upstreams"][0]["dial"] = "127.0.0.1:9"
    admin(world, "PATCH", path, route)


def add_foreign_route(world: World) -> None:
    server = {"listen": ["127.0.0.1:0"], "automatic_https": {"disable": True}, "routes": [{"@id": "theirs"}]}
    admin(world, "PUT", "/config/apps/http/servers/theirs", server)


def serve_older_hosts(world: World) -> None:
    """Contents and times equal to what was read prove nothing while dnsmasq serves something else."""
    path, before, whole = hosts_file(world), hosts_file(world).stat(), hosts_file(world).read_bytes()
    path.write_bytes(b"")
    os.kill(int((world.site.directory / "dnsmasq" / "pid").read_text()), 1)
    wait_for(lambda: not world.site.dig("web.home.arpa"), "dnsmasq serves what the file then holds")
    path.write_bytes(whole)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def add_foreign_conf(world: World) -> None:
    (conf_file(world).parent / "theirs.conf").write_text("address=/theirs.example/10.1.1.1\n")


def leave_a_killed_run(world: World) -> None:
    key = Key("dns_record", "web")
    change = Change(Action.UPDATE, key, "dnsmasq", Diff(), Origin.PENDING, Source(""), key)
    with Journal(world.site.directory / "state" / "journal").run("apply", "digest") as run:
        run.intent("dnsmasq", [change])


def stray_certificate(world: World) -> None:
    (world.site.directory / "caddy-certs" / "stray.one.two.pem").write_text("stray")


def commit(world: World) -> None:
    for words in (
        ["init", "-q"],
        ["add", "desired"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *words], cwd=world.site.directory, check=True, timeout=20)


def add_local_domain(world: World) -> None:
    with world.site.settings_file.open("a") as settings:
        settings.write("local_domains: [more.test]\n")


@dataclass(frozen=True)
class Damage:
    """What is done behind conduit's back, and the exit code and words of the diff that has to notice it."""

    do: Callable[[World], object]
    code: int
    words: str


DAMAGES = {
    "a manifest edited, its size and time kept": Damage(
        edit_unnoticed(manifest, "/health", "/wealth"), 2, "~ route/web"
    ),
    "a manifest added": Damage(lambda world: world.site.write("more.yaml", RECORD), 2, "+ dns_record/more"),
    "a manifest removed": Damage(lambda world: manifest(world).unlink(), 2, "- dns_record/web"),
    "a manifest made a link": Damage(make_link, 1, "symbolic link"),
    "the tree removed": Damage(lambda world: shutil.rmtree(world.site.desired), 1, "there is no directory"),
    "conduit.yaml edited": Damage(add_local_domain, 2, "~ frame/dnsmasq"),
    "a route changed in Caddy": Damage(change_route, 3, "!   ~ route/web"),
    "a foreign route added in Caddy": Damage(add_foreign_route, 0, "1 unmanaged object"),
    "Caddy stopped": Damage(lambda world: world.site.daemons["caddy"].stop(), 6, "UNKNOWN: Caddy's admin API"),
    "the hosts file edited": Damage(
        edit_unnoticed(hosts_file, "127.0.0.1 web", "127.0.0.9 web"), 3, 'value        "127.0.0.9" → "127.0.0.1"'
    ),
    "the hosts file removed": Damage(lambda world: hosts_file(world).unlink(), 3, "+ dns_record/web"),
    "the hosts file touched": Damage(lambda world: os.utime(hosts_file(world)), 3, "was changed by hand"),
    "the conf file edited": Damage(edit_unnoticed(conf_file, "home.arpa", "home.arpb"), 3, "~ frame/dnsmasq"),
    "a foreign conf file added": Damage(add_foreign_conf, 0, "1 unmanaged object"),
    "older hosts served": Damage(serve_older_hosts, 3, "is not the one dnsmasq serves"),
    "dnsmasq stopped": Damage(
        lambda world: world.site.daemons["dnsmasq"].stop(), 6, "UNKNOWN: dnsmasq does not answer"
    ),
    "a certificate damaged": Damage(lambda world: copy_of_certificate(world).write_text("no"), 3, "damaged"),
    "a certificate removed": Damage(lambda world: copy_of_certificate(world).unlink(), 3, "missing"),
    "a certificate open to others": Damage(lambda world: copy_of_certificate(world).chmod(0o644), 3, "mode 0644"),
    "a stray file beside the certificates": Damage(stray_certificate, 0, "1 unmanaged object"),
    "the root's key lost": Damage(lambda world: (world.site.certificates / "ca/root.key").unlink(), 6, "root.key"),
    "a key open to others": Damage(
        lambda world: (world.site.directory / "keys/site.key").chmod(0o644), 1, "site.key is open to others"
    ),
    "the site key replaced": Damage(
        lambda world: (world.site.directory / "keys/site.key").write_bytes(b"k" * 32), 3, "~ route/web"
    ),
    "a killed run": Damage(leave_a_killed_run, 0, "did not end"),
    "a commit": Damage(commit, 0, "(HEAD is "),
}

"""Container specs for properties: every field that Docker is told of, in the normal form the spec has."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from conduit.resources.container_spec import ContainerSpec

WORD = st.text(string.ascii_lowercase, min_size=2, max_size=6)
TEXT = st.text(string.ascii_letters + ' =:$"é', max_size=8)
PATH = WORD.map(lambda word: f"/{word}")
MB = st.integers(6, 4096).map(lambda number: number << 20)
SECONDS = st.integers(1, 900).map(lambda seconds: f"{seconds}s")
PORT = st.integers(1, 65535)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def unique(items: st.SearchStrategy[Any], *names: str) -> st.SearchStrategy[list[Any]]:
    """A list sorted by, and unique in, the fields `names`."""

    def by(item: Any) -> Any:
        return tuple(item.get(name, "") for name in names) if names else item

    return st.lists(items, min_size=1, max_size=3, unique_by=by).map(lambda found: sorted(found, key=by))


OPTIONS = {
    "bind": optional(
        propagation=st.sampled_from(("rprivate", "shared")),
        selinux=st.sampled_from("zZ"),
        create_host_path=st.just(False),
    ),
    "volume": optional(nocopy=st.just(True), subpath=WORD),
    "tmpfs": optional(size=MB, mode=st.sampled_from((0o700, 0o1777))),
}


@st.composite
def mounts(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(tuple(OPTIONS)))
    sources = {"bind": PATH, "volume": st.none() | WORD, "tmpfs": st.none()}
    mount = {"type": kind, "target": draw(PATH), "source": draw(sources[kind]), "read_only": draw(st.booleans())}
    options = draw(OPTIONS[kind])
    return mount | ({kind: options} if options else {})


CHECKS = st.just({"disable": True}) | st.fixed_dictionaries(
    {"test": st.just(["CMD", "true"])},
    optional={"interval": SECONDS, "start_period": SECONDS, "retries": st.integers(1, 9)},
)
PORTS = st.fixed_dictionaries(
    {
        "target": PORT,
        "published": st.sampled_from(("", "8080", "9000-9010")),
        "protocol": st.sampled_from(("tcp", "udp")),
    },
    optional={"host_ip": st.just("127.0.0.1")},
)
LIMIT = st.fixed_dictionaries({"soft": st.integers(1, 9), "hard": st.integers(10, 99)})
NETWORK = optional(aliases=unique(WORD), ipv4_address=st.just("10.9.8.7"))
FILE = st.fixed_dictionaries({"target": PATH, "content": TEXT}, optional={"uid": st.just("7"), "mode": st.just(0o400)})
DEVICE = st.fixed_dictionaries({"source": PATH, "target": PATH, "permissions": st.sampled_from(("r", "rwm"))})

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "command": st.lists(TEXT, max_size=2),
    "entrypoint": st.lists(TEXT, max_size=2),
    "environment": st.dictionaries(WORD, TEXT, min_size=1, max_size=3),
    "working_dir": PATH,
    "user": st.sampled_from(("1000", "app:app")),
    "group_add": unique(WORD),
    "hostname": st.just("box"),
    "labels": st.dictionaries(WORD, TEXT, min_size=1, max_size=2),
    "healthcheck": CHECKS,
    "restart": st.sampled_from(("always", "unless-stopped", "on-failure", "on-failure:3")),
    "stop_grace_period": SECONDS,
    "stop_signal": st.just("SIGUSR1"),
    "init": st.booleans(),
    "shm_size": MB,
    "ulimits": st.dictionaries(WORD, LIMIT, min_size=1, max_size=2),
    "sysctls": st.just({"net.core.somaxconn": "1024"}),
    "ports": unique(PORTS, "host_ip", "published", "target", "protocol"),
    "expose": unique(PORT.map(lambda port: f"{port}/tcp")),
    "dns": st.just(["1.1.1.1", "9.9.9.9"]),
    "dns_search": st.just(["home.arpa"]),
    "dns_opt": st.just(["ndots:1"]),
    "extra_hosts": st.just({"a": ["10.0.0.1", "::1"], "b": ["10.0.0.2"]}),
    "tmpfs": st.dictionaries(PATH, st.sampled_from(("", "size=1m")), min_size=1, max_size=2),
    "devices": unique(DEVICE, "target", "source"),
    "read_only": st.just(True),
    "privileged": st.just(True),
    "cap_add": st.just(["NET_ADMIN"]),
    "cap_drop": st.just(["ALL"]),
    "security_opt": st.just(["no-new-privileges:true"]),
    "logging": st.fixed_dictionaries({"driver": st.just("local")}, optional={"options": st.just({"max-size": "1m"})}),
    "mounts": unique(mounts(), "target"),
    "files": unique(FILE, "target"),
    "cpus": st.sampled_from((0.25, 1.5)),
    "memory": MB,
    "memory_reservation": MB,
    "pids": st.integers(1, 999),
    "pid": st.just("host"),
    "ipc": st.sampled_from(("private", "shareable")),
    "container_name": st.just("exactly-this"),
    "follows": unique(st.fixed_dictionaries({"container": WORD}), "container"),
    "project": st.just("wiki"),
    "service": st.just("web"),
    "number": st.integers(2, 9),
    "state": st.sampled_from(("running", "stopped", "finished")),
    "networks": st.dictionaries(WORD, NETWORK, min_size=1, max_size=2),
}
"""Every field of a container, but for those that only the plan goes by and those that exclude others."""


@st.composite
def specs(draw: st.DrawFn) -> ContainerSpec:
    """A valid container spec with any of its fields."""
    return ContainerSpec.model_validate({"image": "web", **draw(optional(**FIELDS))})

"""The last step before the model: what several fields say together, defaults, and one order. Reads `env_file`.

Works on the merged tree, so that every value keeps the place where it was written.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conduit.compose.files import Files
from conduit.compose.forms import node_of
from conduit.compose.merge import published_port
from conduit.compose.nodes import Node, Problems
from conduit.compose.validate import checked
from conduit.compose.values import Flag, flag, fraction, size, whole
from conduit.errors import Code
from conduit.spec import Spec

TWO_LIMITS = Code(
    "CND-1412",
    "two values for one limit",
    "cpus, mem_limit, mem_reservation and pids_limit say the same as the fields below deploy.resources. A service that "
    "writes both must write the same value. Keep one of them.",
)

LIMITS: Final = {
    "cpus": ("limits", "cpus", fraction),
    "mem_limit": ("limits", "memory", size),
    "pids_limit": ("limits", "pids", whole),
    "mem_reservation": ("reservations", "memory", size),
}
"""Where each of the older fields is kept below deploy.resources, and how its value is read."""
SORTED: Final = ("cap_add", "cap_drop", "expose", "group_add", "profiles", "security_opt")
SORTED_BY: Final = {
    "ports": ("host_ip", "published", "target", "protocol"),
    "volumes": ("target",),
    "secrets": ("target", "source"),
    "configs": ("target", "source"),
    "devices": ("target", "source"),
}
PREFIX: Final = "service:"


class EnvFile(Spec):
    """One entry of `env_file`."""

    path: str
    required: Flag = True


class Settler:
    """Settles the services of one application."""

    def __init__(self, files: Files, problems: Problems, environment: Mapping[str, str]) -> None:
        self._files, self._problems, self._environment = files, problems, environment

    def service(self, name: str, node: Node) -> Node:
        """Return a service in the one form of all its spellings."""
        if not isinstance(node.value, dict):
            return node
        node = self._with_environment(name, node)
        node = self._with_limits(node)
        node = _with_dependencies(node)
        node = _with_network(node)
        node = _with_words(node)
        return node.with_members({field: _in_order(field, item) for field, item in node.items})

    def _with_environment(self, name: str, node: Node) -> Node:
        """Return a service whose environment holds its env_files, and no name without a value."""
        known = dict(self._environment)
        found: dict[str, Node] = {}
        listed = node.get("env_file")
        for item in listed.value if listed and isinstance(listed.value, list) else ():
            file = checked(EnvFile, item, f"env_file of {name}", self._problems)
            if file is None:
                continue
            above = {key: str(value.value) for key, value in found.items()}
            read = self._files.variables(file.path, item, {**above, **known}, required=file.required)
            found |= {key: item.holding(value) for key, value in read.items()}
        given = node.get("environment")
        if given is not None and not isinstance(given.value, dict):
            return node
        found |= dict(given.items) if given else {}
        build = node.get("build")
        made: dict[str, Node | None] = {"env_file": None}
        if found:
            made["environment"] = (given or listed or node).holding(self._filled(found.items()))
        if build and (args := build.get("args")):
            made["build"] = build.with_members({"args": args.holding(self._filled(args.items))})
        return node.with_members(made)

    def _filled(self, items: Any) -> dict[str, Node]:
        """Return variables, those without a value taken from the environment, or left out."""
        known = self._environment
        return {
            key: node.holding(known[key]) if node.value is None else node
            for key, node in items
            if node.value is not None or key in known
        }

    def _with_limits(self, node: Node) -> Node:
        """Return a service whose limits stand below deploy.resources."""
        given = {field: item for field, item in node.items if field in LIMITS}
        if not given:
            return node
        deploy = node.get("deploy") or node.holding({})
        resources = deploy.get("resources") or node.holding({})
        for field, item in given.items():
            section, member, read = LIMITS[field]
            inside = resources.get(section) or node.holding({})
            if any(not isinstance(part.value, dict) for part in (deploy, resources, inside)):
                return node.with_members(dict.fromkeys(given))
            other = inside.get(member)
            if other and _read(read, other) != _read(read, item):
                summary = f"{field} and deploy.resources.{section}.{member} differ"
                self._problems.add(TWO_LIMITS, summary, item, "keep one of them", related=[("the other", other)])
            resources = resources.with_members({section: inside.with_members({member: item})})
        kept: dict[str, Node | None] = dict.fromkeys(given)
        return node.with_members({**kept, "deploy": deploy.with_members({"resources": resources})})


def _read(read: Any, node: Node) -> Any:
    try:
        return read(node.value)
    except ValueError:
        return node.value


def _with_dependencies(node: Node) -> Node:
    """Return a service that also waits for those whose namespaces it shares."""
    fields = [found for field in ("network_mode", "pid", "ipc") if (found := node.get(field))]
    shared = [field for field in fields if str(field.value).startswith(PREFIX)]
    known = node.get("depends_on")
    if not shared or (known and not isinstance(known.value, dict)):
        return node
    waits = {field.value.removeprefix(PREFIX): node_of({"restart": True}, field) for field in shared}
    return node.with_members({"depends_on": (known or node).holding({**waits, **(known.value if known else {})})})


def _with_network(node: Node) -> Node:
    """Return a service on the default network when it names no other."""
    networks = node.get("networks")
    if node.get("network_mode") or (networks and networks.value):
        return node
    return node.with_members({"networks": node_of({"default": {}}, node)})


def _with_words(node: Node) -> Node:
    """Return a service with the one word of several that mean the same."""
    made: dict[str, Node | None] = {}
    policy, restart, check = node.get("pull_policy"), node.get("restart"), node.get("healthcheck")
    if policy and policy.value == "if_not_present":
        made["pull_policy"] = policy.holding("missing")
    if restart and restart.value == "on-failure:0":
        made["restart"] = restart.holding("on-failure")
    if check and (off := check.get("disable")) and flag(off.value) is True:
        others = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}
        made["healthcheck"] = check.with_members(dict.fromkeys(others & set(check.value)))
    if volumes := node.get("volumes"):
        made["volumes"] = volumes.holding(list(_with_options(volumes)))
    return node.with_members(made)


def _with_options(volumes: Node) -> Iterator[Node]:
    """Yield mounts with the options of their type, all defaults when none are written."""
    for item in volumes.value if isinstance(volumes.value, list) else ():
        kind = item.get("type")
        known = kind is not None and kind.value in ("bind", "volume", "tmpfs")
        yield item.with_members({kind.value: item.get(kind.value) or item.holding({})}) if kind and known else item


def _in_order(field: str, node: Node) -> Node:
    """Return a list whose order means nothing sorted, with nothing in it twice."""
    if not isinstance(node.value, list) or (field not in SORTED and field not in SORTED_BY):
        return node
    fields = SORTED_BY.get(field, ())

    def rank(item: Node) -> str:
        plain = item.plain()
        shown = [str(plain.get(each, "")).rjust(6) for each in fields] if isinstance(plain, dict) else [str(plain)]
        return "\0".join(shown)

    identity = published_port if field == "ports" else repr
    unique = {identity(item.plain()): item for item in node.value}
    return node.holding(sorted(unique.values(), key=rank))

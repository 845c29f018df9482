"""A service's fields in their long forms, with its relative paths made absolute. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conduit.compose import short_forms
from conduit.compose.forms import Forms, node_of
from conduit.compose.nodes import Node
from conduit.compose.paths import is_remote, tidy

Read = Callable[[Node], Node]


class ServiceForms:
    """Reads the services of one file; `path` makes a path of it absolute."""

    def __init__(self, forms: Forms, path: Read) -> None:
        self.forms, self.path = forms, path
        self._service: dict[str, Read] = {
            **dict.fromkeys(("environment",), forms.entries),
            **dict.fromkeys(("labels", "sysctls"), self._blank_entries),
            **dict.fromkeys(("command", "entrypoint"), forms.words),
            **dict.fromkeys(("dns", "dns_search", "dns_opt", "group_add", "profiles", "security_opt"), forms.texts),
            **dict.fromkeys(("cap_add", "cap_drop"), self._capabilities),
            "build": self._build,
            "configs": lambda node: forms.listed(node, lambda item: self._file_mount(item, "/")),
            "secrets": lambda node: forms.listed(node, lambda item: self._file_mount(item, "/run/secrets/")),
            "depends_on": forms.named,
            "devices": lambda node: forms.listed(node, lambda item: self._written(item, short_forms.device)),
            "env_file": self._env_files,
            "expose": lambda node: forms.listed(forms.texts(node), self._exposed),
            "extra_hosts": self._extra_hosts,
            "healthcheck": self._healthcheck,
            "logging": lambda node: self._options(node, "options"),
            "networks": forms.named,
            "ports": lambda node: forms.listed(node, self._ports),
            "tmpfs": self._tmpfs,
            "ulimits": self._ulimits,
            "volumes": lambda node: forms.listed(node, self._volumes),
        }

    def service(self, node: Node) -> Node:
        """Return a service; its null fields count as absent."""
        if not isinstance(node.value, dict):
            return node
        given = {field: item for field, item in node.items if item.value is not None}
        read = {field: self._service[field](item) for field, item in given.items() if field in self._service}
        return node.holding({**given, **read})

    def _blank_entries(self, node: Node) -> Node:
        return self.forms.entries(node, "")

    def _options(self, node: Node, field: str) -> Node:
        options = node.get(field)
        return node.with_members({field: self._blank_entries(options)}) if options else node

    def _capabilities(self, node: Node) -> Node:
        """Return capabilities in capitals, without CAP_."""
        if not isinstance(node.value, list):
            return node
        return node.holding(
            [
                item.holding(item.value.upper().removeprefix("CAP_")) if isinstance(item.value, str) else item
                for item in node.value
            ]
        )

    def _written(self, node: Node, read: Callable[[str], Any]) -> list[Node]:
        """Return the long forms of a short one; a node that is no text is long already."""
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            node = self.forms.text(node)
        if not isinstance(node.value, str):
            return [node]
        made = self.forms.short(node, read)
        return [node_of(item, node) for item in (made if isinstance(made, list) else [made]) if item is not None]

    def _build(self, node: Node) -> Node:
        """Return a build with its context absolute."""
        if isinstance(node.value, str):
            node = node.holding({"context": node})
        if not isinstance(node.value, dict):
            return node
        context = node.get("context") or node.holding(".")
        args = node.get("args")
        remote = isinstance(context.value, str) and is_remote(context.value)
        return node.with_members(
            {"context": context if remote else self.path(context), "args": args and self.forms.entries(args)}
        )

    def _file_mount(self, node: Node, directory: str) -> list[Node]:
        """Return a secret or config of a service with its target absolute."""
        if isinstance(node.value, str):
            node = node.holding({"source": node})
        source, target = node.get("source"), node.get("target")
        named = target or source
        if not isinstance(node.value, dict) or not named or not isinstance(named.value, str):
            return [node]
        where = named.value if named.value.startswith("/") else directory + named.value
        return [node.with_members({"target": named.holding(where)})]

    def _env_files(self, node: Node) -> Node:
        """Return a list of {path, required} with absolute paths."""
        single = node.holding([node]) if isinstance(node.value, (str, dict)) else node
        return self.forms.listed(single, self._env_file)

    def _env_file(self, node: Node) -> list[Node]:
        long = node.holding({"path": node}) if isinstance(node.value, str) else node
        path = long.get("path")
        return [long.with_members({"path": self.path(path)}) if path else long]

    def _exposed(self, node: Node) -> list[Node]:
        return self._written(node, short_forms.exposed)

    def _ports(self, node: Node) -> list[Node]:
        """Return a published port in its long forms; `mode` means something to Swarm alone."""
        if not isinstance(node.value, dict):
            return self._written(node, short_forms.ports)
        made = {field: item for field, item in node.items if field != "mode" or item.value not in ("host", "ingress")}
        if "published" in made:
            text = self.forms.text(made["published"])
            if isinstance(text.value, str):
                read = self.forms.short(text, short_forms.published) if text.value else ""
                made["published"] = text.holding(read or "")
        return [node.holding(made)]

    def _volumes(self, node: Node) -> list[Node]:
        """Return a mount in its long form, the path of a bind absolute."""
        made = self._written(node, short_forms.volume)
        return [self._mount(item) if isinstance(item.value, dict) else item for item in made]

    def _mount(self, node: Node) -> Node:
        kind, source, target = node.get("type"), node.get("source"), node.get("target")
        if target and isinstance(target.value, str):
            node = node.with_members({"target": target.holding(tidy(target.value))})
        if kind and kind.value == "bind" and source:
            return node.with_members({"source": self.path(source)})
        return node

    def _extra_hosts(self, node: Node) -> Node:
        """Return a mapping of host to a list of addresses."""
        made: dict[str, list[Node]] = {}
        if isinstance(node.value, list):
            for item in node.value:
                read = self.forms.short(item, short_forms.extra_host) if isinstance(item.value, str) else None
                if read:
                    made.setdefault(read[0], []).append(item.holding(read[1]))
        for host, item in node.items:
            texts = self.forms.texts(item)
            given = texts.value if isinstance(texts.value, list) else [texts]
            read_each = [self._written(each, short_forms.address_or_gateway) for each in given]
            made[host] = [each for several in read_each for each in several]
        return node.holding({host: node.holding(addresses) for host, addresses in made.items()})

    def _healthcheck(self, node: Node) -> Node:
        """Return a check whose test is a list; a test of NONE is `disable`."""
        test = node.get("test")
        if test is None:
            return node
        if isinstance(test.value, str):
            test = test.holding([test.holding("CMD-SHELL"), test])
        if isinstance(test.value, list) and [item.value for item in test.value] == ["NONE"]:
            return node.with_members({"test": None, "disable": test.holding(True)})
        return node.with_members({"test": test})

    def _tmpfs(self, node: Node) -> Node:
        """Return a mapping of target to options."""
        texts = self.forms.texts(node)
        if not isinstance(texts.value, list):
            return node
        pairs = [
            (item, self.forms.short(item, short_forms.tmpfs)) for item in texts.value if isinstance(item.value, str)
        ]
        return node.holding({read[0]: item.holding(read[1]) for item, read in pairs if read})

    def _ulimits(self, node: Node) -> Node:
        """Return limits with soft and hard."""
        return (
            node.holding(
                {
                    name: item if isinstance(item.value, dict) else item.holding({"soft": item, "hard": item})
                    for name, item in node.items
                }
            )
            if isinstance(node.value, dict)
            else node
        )

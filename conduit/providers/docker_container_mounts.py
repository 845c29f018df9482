"""What a container mounts, in Docker's words: volumes, binds and tmpfs, and the files that are injected. Pure.

Docker takes a bind as a line of `Binds`, which makes a missing directory and sets SELinux labels, or as an entry of
`Mounts`, which does neither. Both are one form here: the entry, with `CreateMountpoint` and `SELinux` as options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from conduit.model import Native
from conduit.patterns import pattern

ANONYMOUS = pattern("[0-9a-f]{64}")
"""The name of a volume that nobody named."""
EVERYONE: Final = 0o444
"""The permissions of a file when none are asked for."""
_OPTIONS: Final = {
    "bind": ("BindOptions", {"propagation": "Propagation", "selinux": "SELinux"}),
    "volume": ("VolumeOptions", {"nocopy": "NoCopy", "subpath": "Subpath"}),
    "tmpfs": ("TmpfsOptions", {"size": "SizeBytes", "mode": "Mode"}),
}


def mount_form(mount: Any) -> Native:
    """Return one entry of a spec's mounts in Docker's words, without its target."""
    section, names = _OPTIONS[mount.type]
    said = getattr(mount, mount.type)
    options = {name: value for field, name in names.items() if (value := getattr(said, field, None))}
    if mount.type == "bind" and (said is None or said.create_host_path):
        options["CreateMountpoint"] = True
    return _entry(mount.type, mount.source, mount.read_only, section, options)


def mount_fields(target: str, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a spec's mount that a form stands for."""
    section, names = _OPTIONS[form["Type"]]
    said = form.get(section, {})
    options = {field: said[name] for field, name in names.items() if name in said}
    if form["Type"] == "bind" and "CreateMountpoint" not in said:
        options["create_host_path"] = False
    found = {"type": form["Type"], "target": target, "read_only": form.get("ReadOnly", False)}
    found |= {"source": form["Source"]} if "Source" in form else {}
    return found | ({form["Type"]: options} if options else {})


def _entry(kind: str, source: str | None, read_only: bool, section: str, options: Mapping[str, Any]) -> Native:
    entry: dict[str, Any] = {"Type": kind} | ({"Source": source} if source else {})
    entry |= {"ReadOnly": True} if read_only else {}
    return entry | ({section: dict(options)} if options else {})


def asked(mounts: Mapping[str, Native]) -> tuple[list[str], list[Native]]:
    """Return `Binds` and `Mounts` of a HostConfig for the forms by target."""
    lines, entries = [], []
    for target, form in sorted(mounts.items()):
        options = form.get("BindOptions", {})
        if options.get("CreateMountpoint"):
            words = ["ro" if form.get("ReadOnly") else "rw", options.get("SELinux"), options.get("Propagation")]
            lines.append(":".join([form["Source"], target, ",".join(word for word in words if word)]))
        else:
            entries.append(form | {"Target": target})
    return lines, entries


def mounted(host: Mapping[str, Any]) -> dict[str, Native]:
    """Return the forms of all mounts of a HostConfig by target; volumes that nobody named have no source."""
    found = {}
    for line in host.get("Binds") or ():
        source, target, words = (*line.split(":"), "", "")[:3]
        found[target] = _bound(source, words)
    for entry in host.get("Mounts") or ():
        found[entry["Target"]] = _plain(entry)
    return found


def _bound(source: str, words: str) -> Native:
    options: dict[str, Any] = {"CreateMountpoint": True}
    for name, telling in (("SELinux", r"\b[zZ]\b"), ("Propagation", r"\br?(?:private|shared|slave)\b")):
        if said := re.search(telling, words):
            options[name] = said[0]
    return _entry("bind", source, "ro" in words.split(","), "BindOptions", options)


def _plain(entry: Mapping[str, Any]) -> Native:
    section = _OPTIONS[entry["Type"]][0]
    named = "" if ANONYMOUS.fullmatch(entry.get("Source", "")) else entry.get("Source", "")
    return _entry(entry["Type"], named, entry.get("ReadOnly", False), section, entry.get(section) or {})


def file_form(file: Any, content: str) -> Native:
    """Return one injected file in its native form, without its target; `content` is the fingerprint of what it holds.

    It belongs to root and everyone may read it, unless something else is asked for.
    """
    owner = {name: value for name, value in (("Uid", file.uid), ("Gid", file.gid)) if value not in (None, "0")}
    mode = {} if file.mode in (None, EVERYONE) else {"Mode": file.mode}
    return {"Content": content} | owner | mode


def file_fields(target: str, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an injected file, its content aside."""
    named = {"uid": "Uid", "gid": "Gid", "mode": "Mode"}
    return {"target": target, "content": ""} | {field: form[name] for field, name in named.items() if name in form}


def writable(mounts: Iterable[Native]) -> set[str]:
    """Return the volumes and host paths among these that a container can write to."""
    return {form["Source"] for form in mounts if "Source" in form and not form.get("ReadOnly")}

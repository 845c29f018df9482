"""The short forms of the Compose Specification as their long ones. Pure.

Each function takes the text of a short form and returns its long form as plain data. They raise ValueError with words
that say how to write it and never repeat the text, which may hold a variable's value.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, Final

from conduit.patterns import pattern

PORT: Final = pattern(
    r"(?:(?:(?P<ip>\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?(?P<host>[0-9]{1,5}(?:-[0-9]{1,5})?)?:)?"
    r"(?P<target>[0-9]{1,5}(?:-[0-9]{1,5})?)(?:/(?P<protocol>[A-Za-z]+))?",
    re.ASCII,
)
PORT_HINT: Final = "write [[ADDRESS:]HOST_PORT:]PORT[/tcp|udp|sctp], ports or ranges of them, such as 8080:80"
PROPAGATIONS: Final = ("private", "rprivate", "rshared", "rslave", "shared", "slave")
CONSISTENCIES: Final = frozenset(("cached", "consistent", "delegated"))
"""Options of Docker Desktop; Linux has nothing they could change."""


def published(text: str) -> str:
    """Return a host port or range in its normal form; nothing for 0, which lets Docker choose."""
    first, last = port_range(text)
    return "" if not last else str(first) if first == last else f"{first}-{last}"


def port_range(text: str) -> tuple[int, int]:
    """Return the first and the last port of `80` or `80-90`."""
    first, dash, last = text.partition("-")
    if not re.fullmatch("[0-9]{1,5}", first, re.ASCII) or (dash and not re.fullmatch("[0-9]{1,5}", last, re.ASCII)):
        raise ValueError("write a port such as 80, or a range such as 8000-8010")
    low, high = int(first), int(last or first)
    if low > high or high > 65535 or (dash and not low):
        raise ValueError("ports are 1 to 65535, a range begins with its lower one")
    return low, high


def address(text: str) -> str:
    """Return an address in its shortest form, without brackets."""
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError("write an address such as 10.0.0.1 or fd00::1") from None


def ports(text: str) -> list[dict[str, Any]]:
    """`[[ADDRESS:]HOST_PORT:]PORT[/PROTOCOL]`; a range becomes one entry for each port of the container."""
    match = PORT.fullmatch(text)
    if not match:
        raise ValueError(PORT_HINT)
    first, last = port_range(match["target"])
    shared = {"protocol": (match["protocol"] or "tcp").lower()}
    if match["ip"]:
        shared["host_ip"] = address(match["ip"])
    hosts = _hosts(match["host"] or "", last - first + 1)
    return [{"target": first + index, "published": host, **shared} for index, host in enumerate(hosts)]


def _hosts(text: str, wanted: int) -> list[str]:
    """Return the host ports of `wanted` container ports; a single one may take any port of a range."""
    if not text:
        return [""] * wanted
    if wanted == 1:
        return [published(text)]
    first, last = port_range(text)
    if last - first + 1 != wanted:
        raise ValueError("a range of host ports needs as many ports as the container's range")
    return [str(port) for port in range(first, last + 1)]


def exposed(text: str) -> list[str]:
    """`PORT[-PORT][/PROTOCOL]` as one `PORT/PROTOCOL` for each port."""
    span, _, protocol = text.partition("/")
    first, last = port_range(span)
    return [f"{port}/{protocol or 'tcp'}" for port in range(first, last + 1)]


def volume(text: str) -> dict[str, Any]:
    """`[SOURCE:]TARGET[:OPTIONS]`; a source that begins with `/`, `.` or `~` is a path, any other a volume's name."""
    parts = text.split(":")
    if not all(parts) or len(parts) > 3:
        raise ValueError("write [VOLUME_OR_PATH:]TARGET[:ro]")
    if len(parts) == 1:
        return {"type": "volume", "target": parts[0]}
    is_path = parts[0][0] in "/.~"
    made: dict[str, Any] = {"type": "bind" if is_path else "volume", "source": parts[0], "target": parts[1]}
    for option in parts[2].split(",") if len(parts) == 3 else ():
        _mount_option(made, option, is_path)
    return made


def _mount_option(made: dict[str, Any], option: str, is_path: bool) -> None:
    if option in ("ro", "rw"):
        made["read_only"] = option == "ro"
    elif is_path and option in PROPAGATIONS:
        made.setdefault("bind", {})["propagation"] = option
    elif is_path and option in ("z", "Z"):
        made.setdefault("bind", {})["selinux"] = option
    elif option == "nocopy" and not is_path:
        made["volume"] = {"nocopy": True}
    elif option not in CONSISTENCIES and option not in ("z", "Z"):
        raise ValueError("an option behind the target is not known; ro, rw, z, Z, nocopy and propagations are")


def device(text: str) -> dict[str, Any]:
    """`SOURCE[:TARGET[:PERMISSIONS]]`."""
    parts = text.split(":")
    if not all(parts) or len(parts) > 3 or not parts[0].startswith("/"):
        raise ValueError("write /dev/NAME[:/dev/NAME[:rwm]]; devices of the Container Device Interface are not known")
    source, target, permissions = (*parts, *(parts[0], "rwm")[len(parts) - 1 :])
    return {"source": source, "target": target, "permissions": permissions}


def extra_host(text: str) -> tuple[str, str]:
    """`HOST=ADDRESS` or `HOST:ADDRESS`; the host and its address, without brackets."""
    match = re.fullmatch(r"([^=:\s]+)[=:](\S+)", text)
    if not match:
        raise ValueError("write HOST=ADDRESS")
    return match[1], address_or_gateway(match[2])


def address_or_gateway(text: str) -> str:
    """Return an address in its shortest form, or `host-gateway`, which stands for the Docker host."""
    if text == "host-gateway":
        return text
    try:
        return address(text)
    except ValueError:
        raise ValueError("write an address, or host-gateway for the Docker host") from None


def pair(text: str) -> tuple[str, str | None]:
    """`NAME=VALUE`, or `NAME` alone, which has no value."""
    name, equals, value = text.partition("=")
    if not name:
        raise ValueError("write NAME=VALUE")
    return name, value if equals else None


def tmpfs(text: str) -> tuple[str, str]:
    """`TARGET[:OPTIONS]`."""
    target, _, options = text.partition(":")
    return target, options

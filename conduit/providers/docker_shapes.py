"""What Docker's answers must look like (Docker Engine API v1.41), as far as conduit goes by them.

Anything else counts as no answer at all: it comes from a damaged daemon, or from something that is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Shape = Any
"""A type, None, a test, `[shape]` for lists, `{name: shape}` for objects with at least these, a tuple for either."""


def fits(value: Any, shape: Shape) -> bool:
    """Tell whether JSON data has a shape."""
    if isinstance(shape, type):
        return isinstance(value, shape)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(fits(value.get(name), inner) for name, inner in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    return value is None if shape is None else bool(shape(value))


def of_texts(value: Any) -> bool:
    """Tell whether this is an object whose values are texts."""
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def objects_of(shape: Shape) -> Callable[[Any], bool]:
    """Return a test for objects whose values all have one shape."""
    return lambda value: isinstance(value, dict) and all(fits(item, shape) for item in value.values())


TEXTS: Final = (of_texts, None)
LINES: Final = ([str], None)
ENDPOINT: Final = {"NetworkID": str, "IPAddress": str, "Aliases": LINES, "IPAMConfig": (dict, None)}
"""How a container joins a network."""
ENDPOINTS: Final = {"Networks": (objects_of(ENDPOINT), None)}

CONTAINER: Final = {
    "Id": str,
    "Names": LINES,
    "Image": str,
    "ImageID": str,
    "Created": int,
    "State": str,
    "Labels": TEXTS,
    "HostConfig": {"NetworkMode": str},
    "NetworkSettings": ENDPOINTS,
    "Mounts": [dict],
}
CONTAINER_DETAIL: Final = {
    "Id": str,
    "Name": str,
    "Image": str,
    "State": {"Status": str, "Running": bool, "ExitCode": int},
    "Config": {"Labels": TEXTS, "Env": LINES, "Cmd": LINES, "Entrypoint": LINES},
    "HostConfig": {"NetworkMode": str},
    "NetworkSettings": ENDPOINTS,
    "Mounts": [dict],
}
IMAGE: Final = {"Id": str, "RepoTags": LINES, "RepoDigests": LINES, "Labels": TEXTS}
IMAGE_DETAIL: Final = {
    "Id": str,
    "RepoTags": LINES,
    "RepoDigests": LINES,
    "Os": str,
    "Architecture": str,
    "Config": (dict, None),
    "Metadata": {"LastTagTime": str},
}
POOL: Final = {
    "Subnet": (str, None),
    "IPRange": (str, None),
    "Gateway": (str, None),
    "AuxiliaryAddresses": TEXTS,
}
IPAM: Final = {"Driver": str, "Options": TEXTS, "Config": ([POOL], None)}
NETWORK: Final = {
    "Id": str,
    "Name": str,
    "Scope": str,
    "Driver": str,
    "EnableIPv6": bool,
    "Internal": bool,
    "Attachable": bool,
    "IPAM": IPAM,
    "Options": TEXTS,
    "Labels": TEXTS,
}
VOLUME: Final = {"Name": str, "Driver": str, "Options": TEXTS, "Labels": TEXTS, "Mountpoint": str}
VOLUMES: Final = {"Volumes": ([VOLUME], None)}

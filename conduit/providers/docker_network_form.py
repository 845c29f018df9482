"""A network in Docker's own words (API v1.41, NetworkCreate), holding what was asked for and nothing more. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from conduit.model import Native
from conduit.providers.docker_marks import PREFIX, WISH, compose_labels, declared, part_of
from conduit.providers.docker_shapes import IPAM, fits

DRIVER: Final = "default"
"""What Docker calls its own way to give out addresses."""
POOL: Final = {
    "subnet": "Subnet",
    "ip_range": "IPRange",
    "gateway": "Gateway",
    "aux_addresses": "AuxiliaryAddresses",
}
"""The fields of an address range and Docker's words for them."""


def build(fields: Mapping[str, Any]) -> Native:
    """Return the form of a network with these fields of its spec; without `ipam`, Docker chooses the addresses."""
    ipam = fields["ipam"]
    return {
        "Driver": fields["driver"],
        "Options": dict(sorted(fields["driver_opts"].items())),
        "IPAM": None if ipam is None else _ipam(ipam),
        "Internal": fields["internal"],
        "Attachable": fields["attachable"],
        "EnableIPv6": fields["enable_ipv6"],
        "Labels": fields["labels"] | compose_labels(fields["project"], network=fields["alias"]),
    }


def _ipam(ipam: Mapping[str, Any]) -> Native:
    pools = [{POOL[name]: value for name, value in pool.items() if value} for pool in ipam["config"]]
    return {"Driver": ipam["driver"] or DRIVER, "Options": ipam["options"], "Config": pools}


def wish_labels(native: Native) -> dict[str, str]:
    """Return the label that tells later which addresses were asked for, and which Docker chose."""
    return {WISH: json.dumps(native["IPAM"], sort_keys=True)}


def form_of(row: Mapping[str, Any]) -> Native:
    """Return the form of a network that is there, of its row in Docker's list."""
    ipam = row["IPAM"]
    have = {"Driver": ipam["Driver"], "Options": ipam["Options"] or {}, "Config": ipam["Config"] or []}
    return {
        "Driver": row["Driver"],
        "Options": dict(sorted((row["Options"] or {}).items())),
        "IPAM": _as_asked(row["Labels"] or {}, have),
        "Internal": row["Internal"],
        "Attachable": row["Attachable"],
        "EnableIPv6": row["EnableIPv6"],
        "Labels": {name: text for name, text in (row["Labels"] or {}).items() if not name.startswith(PREFIX)},
    }


def fields(native: Native) -> dict[str, Any]:
    """Return the fields of the spec that a form stands for."""
    labels, ipam = native["Labels"], native["IPAM"]
    return {
        "driver": native["Driver"],
        "driver_opts": native["Options"],
        "ipam": None if ipam is None else _ipam_fields(ipam),
        "internal": native["Internal"],
        "attachable": native["Attachable"],
        "enable_ipv6": native["EnableIPv6"],
        "labels": declared(labels),
        "project": part_of(labels, "project"),
        "alias": part_of(labels, "network"),
    }


def _ipam_fields(ipam: Native) -> dict[str, Any]:
    names = {word: name for name, word in POOL.items()}
    pools = [{names[word]: value for word, value in pool.items() if word in names} for pool in ipam["Config"]]
    driver = None if ipam["Driver"] == DRIVER else ipam["Driver"]
    return {"driver": driver, "options": ipam["Options"], "config": pools}


def _as_asked(labels: Mapping[str, str], have: Native) -> Native:
    """Return how a network gives out addresses, without those that Docker chose as far as its labels tell."""
    try:
        want = json.loads(labels[WISH])
    except (KeyError, ValueError):
        return have
    if want is None or not fits(want, IPAM):
        return None if want is None else have
    asked = [_asked(pool, have["Config"]) for pool in want["Config"]]
    more = have["Config"][len(asked) :] if asked else []
    return have | {"Config": [*asked, *more]}


def _asked(pool: Mapping[str, Any], pools: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return of the live pool of the same subnet what was asked for."""
    subnet = pool.get("Subnet")
    live = next((each for each in pools if subnet in (None, each.get("Subnet"))), pools[0] if pools else {})
    return {word: live[word] for word in pool if word in live}

"""The containers of one look at Docker as live objects, ours and others. Pure but for the files it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from conduit.model import Fingerprint, Key, Live
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_mounts import ANONYMOUS
from conduit.providers.docker_container_read import FileAt, address_of, name_of, read
from conduit.providers.docker_marks import MARK, PROTECT

Row = Mapping[str, Any]


def seconds_of(instant: str) -> float:
    """Return the seconds since the epoch of a time as Docker writes it (RFC 3339); 0.0 when it never came."""
    return max(0.0, (datetime.fromisoformat(instant) - datetime.fromisoformat("1970-01-01T00:00:00Z")).total_seconds())


def originals(details: Iterable[Row], key_of: Callable[[Row], Key | None]) -> list[tuple[Key, Row]]:
    """Return the containers that are ours: of several with the same mark the oldest, the others are copies of it.

    Of one key, those that run come first, and of these the newest.
    """
    oldest: dict[str, tuple[Key, Row]] = {}
    for found in sorted(details, key=lambda found: seconds_of(found["Created"])):
        if key := key_of(found):
            oldest.setdefault(found["Config"]["Labels"][MARK], (key, found))
    return sorted(
        oldest.values(), key=lambda own: (own[0], not own[1]["State"]["Running"], -seconds_of(own[1]["Created"]))
    )


def ours(key: Key, found: Row, config: Config, seal: Callable[[Any], Fingerprint], at: FileAt) -> Live:
    """Return a container that is ours."""
    address, state = address_of(found, config), found["State"]
    mounts = found["Mounts"]
    unnamed = {m["Destination"]: m["Name"] for m in mounts if m["Type"] == "volume" and ANONYMOUS.fullmatch(m["Name"])}
    status = {
        "state": state["Status"],
        "health": (state.get("Health") or {}).get("Status", ""),
        "started": state.get("StartedAt", ""),
        "exit_code": state["ExitCode"],
        "unnamed": unnamed,
    }
    return Live(
        key,
        found["Id"],
        read(found, key.name, config, seal, at),
        owned=True,
        status=status,
        facts={"id": found["Id"]} | ({"address": address} if address else {}),
        protected=found["Config"]["Labels"].get(PROTECT) == "true",
        place=name_of(found),
    )


def foreign(row: Row, config: Config) -> Live:
    """Return a container that is not ours, by its row in the list."""
    name = next(iter(row["Names"] or ()), row["Id"][:12]).removeprefix("/")
    address = address_of(row, config)
    status = {"state": row["State"], "image": row["Image"]}
    facts = {"address": address} if address else {}
    return Live(Key("container", name), row["Id"], {}, owned=False, status=status, facts=facts, place=name)

"""One look at Docker: its lists, and the details of what matters of them. As light to import as it is quick to run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from json import dumps, loads
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.canonical import canonical, digest_of
from conduit.model import Reading
from conduit.providers.docker_api import Api
from conduit.providers.docker_shapes import CONTAINER, CONTAINER_DETAIL, IMAGE, IMAGE_DETAIL, NETWORK, VOLUMES, Shape

Row = Mapping[str, Any]

SECONDS: Final = 10.0
"""How long a whole look may take."""
CLOCKS: Final = {"Status", "ExecIDs", "Log", "FailingStreak"}
"""Fields that change while nothing is changed: the age of a container, and what its health checks leave behind."""


class Seen(Struct, frozen=True):
    """One look at Docker: what its lists say, and the details of the containers that are ours and of their images.

    `containers` are rows of GET /containers/json?all=1, `details` inspections by container id of those that
    `Marks.container_key` takes for ours by `Labels` and `Created` of their row, `images` rows of GET /images/json,
    `image_details` inspections by image id of the images of these and of those that conduit has named, `networks` and
    `volumes` the rows of their lists.
    """

    containers: tuple[Row, ...]
    details: Mapping[str, Row]
    images: tuple[Row, ...]
    image_details: Mapping[str, Row]
    networks: tuple[Row, ...]
    volumes: tuple[Row, ...]


NOTHING: Final = Seen((), {}, (), {}, (), ())

Choose = Callable[[Iterable[Row], Iterable[Row]], tuple[Iterable[str], Iterable[str]]]
"""Says of which containers and images, given all rows of both, the details matter; returns their ids."""


def look(api: Api, choose: Choose, seconds: float = SECONDS, before: Seen = NOTHING) -> Seen:
    """Ask Docker for all there is, within `seconds`. Raises `Unreadable` when an answer is not whole.

    What goes away between the list and a second question was not there. Details that were seen `before` are not asked
    for again while the list tells the same.
    """
    end = time.monotonic() + seconds

    def listed(shape: Shape, *parts: str, **query: str) -> Any:
        return api.get(*parts, shape=shape, seconds=end - time.monotonic(), **query)

    def inspect(shape: Shape, sort: str, each: str, known: Mapping[str, Row]) -> Any:
        return known.get(each) or api.find(sort, each, "json", shape=shape, seconds=end - time.monotonic())

    containers = listed([CONTAINER], "containers", "json", all="1")
    images = listed([IMAGE], "images", "json")
    networks, volumes = listed([NETWORK], "networks"), listed(VOLUMES, "volumes")
    inspected, known = choose(containers, images)
    same = _same(before.details, before.containers, containers)
    details = {each: inspect(CONTAINER_DETAIL, "containers", each, same) for each in inspected}
    same = _same(before.image_details, before.images, images)
    image_details = {each: inspect(IMAGE_DETAIL, "images", each, same) for each in known}
    gone = {each for each, found in details.items() if found is None}
    return Seen(
        containers=tuple(row for row in containers if row["Id"] not in gone),
        details={each: found for each, found in details.items() if found is not None},
        images=tuple(images),
        image_details={each: found for each, found in image_details.items() if found is not None},
        networks=tuple(networks),
        volumes=tuple(volumes["Volumes"] or ()),
    )


def _same(details: Mapping[str, Row], before: Iterable[Row], now: Iterable[Row]) -> dict[str, Row]:
    """Return the details, by id, of what stands in a list now as it did before."""
    still = {row["Id"]: {**row, "Status": None} for row in before}
    return {
        row["Id"]: details[row["Id"]]
        for row in now
        if row["Id"] in details and still.get(row["Id"]) == {**row, "Status": None}
    }


def without(seen: Seen, ids: Collection[str]) -> Seen:
    """Return what was seen without the details of some containers and images."""
    details = {each: found for each, found in seen.details.items() if each not in ids}
    image_details = {each: found for each, found in seen.image_details.items() if each not in ids}
    return replace(seen, details=details, image_details=image_details)


def has_image(reading: Reading | None, image: str) -> bool:
    """Return whether an image of this id was there, ours or not."""
    return reading is not None and any(row["Id"] == image for row in reading.raw.images)


def question_of(api: Api, seen: Seen) -> str:
    """Return what `look_again` has to know to see the same."""
    return dumps([str(api.path), sorted(seen.details), sorted(seen.image_details)])


def look_again(question: str, seconds: float) -> str:
    """Return the hash of another look at the same details. Raises `Unreadable`."""
    path, containers, images = loads(question)
    return hash_of_look(look(Api(Path(path)), lambda _rows, _images: (containers, images), seconds))


def hash_of_look(seen: Seen) -> str:
    """Return one hash of all that was seen but for running clocks."""
    parts = [_still(getattr(seen, name)) for name in seen.__struct_fields__]
    return digest_of(parts)


def _still(value: Any) -> Any:
    """Leave out clocks, and give every list one order: Docker lists networks, names and mounts in any."""
    if isinstance(value, dict):
        return {name: _still(item) for name, item in value.items() if name not in CLOCKS}
    if isinstance(value, (list, tuple)):
        return sorted(map(_still, value), key=canonical)
    return value

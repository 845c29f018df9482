"""Which containers are ours: those whose labels were written by this site, for this very container."""

from __future__ import annotations

from conduit.model import Key
from conduit.providers.docker_marks import MADE, Marks

KEY = Key("container", "wiki-web-1")
MADE_AT = 1_700_000_000.25


def marks(site: str = "home") -> Marks:
    return Marks(site, lambda key, part, name: f"{site}|{key}|{part}|{name}")


def test_a_container_is_ours_by_its_labels_and_the_time_it_was_made() -> None:
    labels = marks().container_labels(KEY, MADE_AT, protect=False)
    assert marks().container_key(labels, 1_700_000_000) == KEY
    assert marks().container_key(labels, 1_700_000_002) == KEY


def test_labels_copied_later_are_not_ours() -> None:
    labels = marks().container_labels(KEY, MADE_AT, protect=False)
    assert marks().container_key(labels, 1_700_000_060) is None
    assert marks().container_key(labels | {MADE: "1700000060.250"}, 1_700_000_060) is None


def test_labels_of_another_site_or_of_nobody_are_not_ours() -> None:
    labels = marks("other").container_labels(KEY, MADE_AT, protect=False)
    for foreign in (labels, {}, None, {MADE: "x"}, labels | {MADE: ""}):
        assert marks().container_key(foreign, 1_700_000_000) is None

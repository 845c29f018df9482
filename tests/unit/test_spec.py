"""A copied spec is what pydantic would have made of it."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from conduit.spec import Spec


class Lamp(Spec):
    """A spec with a default, and one that holds something mutable."""

    place: str = "desk"
    watts: int = 5
    tags: dict[str, str] = Field(default_factory=dict)


def test_a_copy_equals_what_pydantic_copies() -> None:
    lamp = Lamp(place="hall")
    ours, theirs = lamp.model_copy(update={"watts": 9}), BaseModel.model_copy(lamp, update={"watts": 9})
    assert ours == theirs
    assert ours.model_fields_set == theirs.model_fields_set == {"place", "watts"}
    assert ours.model_dump() == {"place": "hall", "watts": 9, "tags": {}}
    assert (lamp.watts, lamp.model_fields_set) == (5, {"place"}), "the original stays as it is"


def test_a_copy_is_frozen_and_compares_like_any_spec() -> None:
    lamp = Lamp(place="hall").model_copy()
    assert lamp == Lamp(place="hall")
    with pytest.raises(ValidationError):
        lamp.place = "desk"  # type: ignore[misc]


def test_a_deep_copy_shares_nothing() -> None:
    lamp = Lamp(tags={"colour": "red"})
    assert lamp.model_copy().tags is lamp.tags
    assert lamp.model_copy(deep=True).tags is not lamp.tags

"""What specs do as pydantic does, and in less time: copies, and models in fields of others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel, Field, ValidationError

from conduit.compose.application import Application
from conduit.dialect.complaints import complaints
from conduit.providers.base import config_of, provider_names
from conduit.resources import load_kinds
from conduit.settings import Section
from conduit.spec import Spec


class Lamp(Spec):
    """A spec with a default, and one that holds something mutable."""

    place: str = "desk"
    watts: int = 5
    tags: dict[str, str] = Field(default_factory=dict)


class Room(Spec):
    """A spec that only stands in a field of another."""

    doors: int


class House(Spec):
    """A spec with others in fields."""

    rooms: dict[str, Room] = {}
    cellar: Room | None = None


class Bulb(Spec):
    """One of two models that a field may hold."""

    watts: int


class Candle(Spec):
    """The other of two models that a field may hold."""

    inches: int
    colour: str


class Lantern(Spec):
    """A spec with a field that holds either."""

    light: Bulb | Candle


def test_of_two_models_only_the_one_that_fits_better_complains() -> None:
    """Regression: a pid file of dnsmasq that was no text was told as three problems, two of them about systemd."""
    data = {"light": {"watts": "five"}}
    with pytest.raises(ValidationError) as refused:
        Lantern.model_validate(data)
    told = complaints(refused.value, Lantern, data, "a lantern")
    assert [(each.path, each.hint) for each in told] == [(("light", "watts"), "")]


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


def test_the_validator_of_a_model_in_a_field_is_built_when_there_is_a_value() -> None:
    assert House.model_validate({}) == House()
    assert not Room.__pydantic_complete__
    assert House.model_validate({"rooms": {"hall": {"doors": 2}}}) == House(rooms={"hall": Room(doors=2)})
    assert Room.__pydantic_complete__


def test_what_is_wrong_in_a_field_of_a_field_is_told_at_its_place() -> None:
    wrong = {"services": {"app": {"healthcheck": {"interval": "soon", "nope": 1}, "ports": [{"target": 0}]}}}
    with pytest.raises(ValidationError) as error:
        Application.model_validate({"name": "a", **wrong})
    app = ("services", "app")
    assert {each["loc"]: each["type"] for each in error.value.errors()} == {
        (*app, "healthcheck", "interval"): "value_error",
        (*app, "healthcheck", "nope"): "extra_forbidden",
        (*app, "ports", 0, "target"): "greater_than_equal",
    }


def test_a_model_in_a_field_is_described_in_the_schema() -> None:
    definitions = Application.model_json_schema()["$defs"]
    assert definitions["Healthcheck"]["properties"]["interval"]["description"] == "Milliseconds between checks."
    assert definitions["Service"]["properties"]["build"]["anyOf"][0] == {"$ref": "#/$defs/Build"}


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Every model of conduit that is one of these."""
    for model in base.__subclasses__():
        if model.__module__.startswith("conduit."):
            yield model
        yield from models(model)


def test_no_annotation_of_a_model_is_text_that_pydantic_would_have_to_evaluate() -> None:
    assert [config_of(name) for name in provider_names()]
    assert list(load_kinds().values())
    seen = {*models(Spec), *models(Section)}
    assert Application in seen
    text = [
        f"{model.__module__}.{model.__name__}.{field}"
        for model in seen
        for field, annotation in vars(model).get("__annotations__", {}).items()
        if isinstance(annotation, str)
    ]
    assert not text, "take `from __future__ import annotations` out of their modules; see docs/decisions/0027"

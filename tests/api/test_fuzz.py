"""Every operation of the OpenAPI document with made-up requests: only documented answers, and none that is a fault.

Applies say ok and do nothing here (see lame_server.py), so that what is made up costs no reload.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from api_world import KEY, make_served
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from conduit.api.app import build
from conduit.api.desk import Desk
from conduit.settings import Settings

DOCUMENT = build(Desk(Settings())).openapi_schema.to_schema()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
ENDLESS = "/api/events"
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations() if each.ok().path != ENDLESS}
AWAY = (503, 507)
QUICK = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def lame() -> Iterator[Any]:
    """A site whose server says ok to every apply and does nothing."""
    with make_served(str(Path(__file__).parent / "lame_server.py")) as site:
        (site.directory / "lame").touch()
        yield site


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_an_operation_answers_only_as_documented(label: str, mode: GenerationMode, lame: Any) -> None:
    operation = OPERATIONS[label]
    documented = {int(status) for status in operation.definition.raw["responses"]}

    @QUICK
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        response = case.call(base_url=lame.url, headers={"X-API-Key": KEY}, timeout=30)
        assert response.status_code in documented, (case.as_curl_command(), response.text)
        assert response.status_code < 500 or response.status_code in AWAY
        assert "unforeseen" not in response.text, (case.as_curl_command(), lame.log[-2000:])

    with suppress(Unsatisfiable):  # nothing about some operations can be wrong
        answers()

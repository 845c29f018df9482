"""Every documented endpoint: one contract row each, tried on live daemons, and failing where nothing happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import contract_rows
import pytest
from api_world import make_served

from conduit.api.app import build, table_of
from conduit.api.desk import Desk
from conduit.settings import Settings

ROWS = contract_rows.rows()
EFFECTS = [row for row in ROWS if "effect" in row]


@pytest.fixture(scope="module")
def lame() -> Iterator[Any]:
    """A site whose server says ok to everything and does nothing."""
    with make_served(str(Path(__file__).parent / "lame_server.py")) as site:
        yield site


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    routes = table_of(build(Desk(Settings())))
    documented = {
        (method, path.replace(":str", "").replace(":int", ""), permission) for method, path, permission in routes
    }
    wanted = {(row["method"], row["path"], row["permission"]) for row in ROWS}
    assert {each for each in documented if not _own(each[1])} == wanted


def _own(path: str) -> bool:
    return path in ("/", "/{path:path}") or path.startswith("/schema")


@pytest.mark.parametrize("row", ROWS, ids=contract_rows.name_of)
def test_a_row_answers_and_has_its_effect(row: dict[str, Any], served: Any) -> None:
    contract_rows.check(row, served)


@pytest.mark.parametrize("row", EFFECTS, ids=contract_rows.name_of)
def test_a_row_fails_when_nothing_is_done(row: dict[str, Any], lame: Any) -> None:
    mark = lame.directory / "lame"
    mark.unlink(missing_ok=True)
    try:
        with pytest.raises(AssertionError):
            contract_rows.check(row, lame, mark.touch)
        assert mark.exists(), "the row failed while it was prepared"
    finally:
        mark.unlink(missing_ok=True)

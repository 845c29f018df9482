"""Rows A1 and A3: every route as every sort of caller; who may is in matrix.yaml, which no code is made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_world import make_served
from people_world import add_user, minted, rows, store_of

from conduit.api.app import build, table_of
from conduit.api.desk import Desk
from conduit.identity.keys import Keys, Wish
from conduit.providers.self_rows import User
from conduit.resources import load_kinds
from conduit.settings import Settings

MATRIX = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text())
MAY = {route: frozenset(group["may"]) for group in MATRIX["routes"] for route in group["routes"]}
VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
ROLES = ("auditor", "viewer", "operator", "admin")
PUBLIC = frozenset(("public",))
SAYS_SO_ITSELF = "GET /api/auth/validate"
"""It is public, and answers 401 for a token that is none."""
LOGS_OUT = "POST /api/auth/logout"
FILLED = {"{id}": "1", "{number}": "1", "{digest}": "0" * 16, "{path}": "x", "{event}": "1"}


def routes() -> list[tuple[str, str, str]]:
    """Return method, path and permission of every route, as matrix.yaml spells paths."""
    found = table_of(build(Desk(Settings())))
    return [(method, re.sub(r":\w+}", "}", path), permission) for method, path, permission in found]


def native() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield every native route of every kind and who may use it."""
    for method, path, permission in routes():
        if permission == "of the kind":
            for kind in sorted(load_kinds()):
                may = MATRIX["kinds"].get(kind, {}).get(VERBS[method], ())
                yield f"{method} {path.replace('{kind}', kind)}", frozenset(may)


ALL = {**MAY, **dict(native())}


def test_the_matrix_has_every_route_and_kind_and_no_other() -> None:
    assert set(MAY) == {f"{method} {path}" for method, path, permission in routes() if permission != "of the kind"}
    assert set(MATRIX["kinds"]) == set(load_kinds())


def test_every_kind_is_guarded_by_a_permission_of_its_own() -> None:
    assert [kind.name for kind in load_kinds().values() if not kind.permission] == []


@pytest.fixture(scope="module")
def lame() -> Iterator[Any]:
    """A site whose server applies nothing, so that what a caller may do costs nothing."""
    with make_served(str(Path(__file__).parent / "lame_server.py")) as site:
        for role in ROLES:
            add_user(site, role, role)
        (site.directory / "lame").touch()
        yield site


@pytest.fixture(scope="module")
def revoked(lame: Any) -> str:
    """An admin's key that was revoked."""
    store = store_of(lame)
    keys, owner = Keys(store), store.find(User, name="admin")
    assert owner
    made = keys.make(owner, Wish("was mine"))
    assert made
    keys.revoke(made.key.id)
    return made.text


@pytest.fixture(scope="module")
def tokens(lame: Any) -> dict[str, str]:
    """A token of each role; none of the requests ends its session but the one that logs out."""
    return {role: minted(lame, role) for role in ROLES}


def status(served: Any, route: str, token: str) -> int:
    """Send a request that says as little as it can, and return only the status of the answer."""
    method, path = route.split(" ", 1)
    for name, value in FILLED.items():
        path = path.replace(name, value)
    path = re.sub(r"{\w+}", "nothing", path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with served.visitor.stream(method, path, headers=headers) as answer:
        return answer.status_code


@pytest.mark.parametrize("route", ALL)
def test_only_who_may_gets_past_the_guard(route: str, lame: Any, revoked: str, tokens: dict[str, str]) -> None:
    may = ALL[route]
    if may == PUBLIC:
        assert status(lame, route, "") != 403
        assert status(lame, route, "") != 401 or route == SAYS_SO_ITSELF
        return
    assert status(lame, route, "") == 401
    assert status(lame, route, revoked) == 401
    for role in ROLES:
        found = status(lame, route, minted(lame, role) if route == LOGS_OUT else tokens[role])
        assert (found not in (401, 403)) == (role in may), f"{role} got {found}"


def test_what_was_refused_is_in_the_audit_trail(lame: Any) -> None:
    assert status(lame, "DELETE /api/services/{name}", minted(lame, "viewer")) == 403
    assert lame.acted()["action"] == "denied"
    assert rows(lame, "SELECT count(*) FROM users") == [(len(ROLES),)]

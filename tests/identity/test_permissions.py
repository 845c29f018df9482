"""The built-in roles permit what the documented table says, word for word, and nothing beside it."""

from __future__ import annotations

import pytest

from conduit.identity.permissions import PERMISSIONS, ROLES, SINGLE

RWD, RW, R, NONE = "read write delete", "read write", "read", ""
DOCUMENTED = {
    "deployments certificates backups containers images volumes databases scheduler registries": (RW, R),
    "networks security traffic templates settings": (R, R),
    "infrastructure system dns": (RW, R),
    "apikeys": (RWD, R),
    "users audit": (NONE, NONE),
}
"""Resources, and the verbs of operator and viewer (the table "Roles" of the documented API)."""
OWN = {"services routes servers": (RW, R)}
"""Resources of conduit's own, in the same spirit."""


@pytest.mark.parametrize(("column", "role"), [(0, "operator"), (1, "viewer")])
def test_a_role_permits_what_is_documented(column: int, role: str) -> None:
    table = {name: verbs[column] for names, verbs in (DOCUMENTED | OWN).items() for name in names.split()}
    assert ROLES[role] == {f"{name}:{verb}" for name, verbs in table.items() for verb in verbs.split()}


def test_an_admin_may_everything_but_what_is_given_by_name() -> None:
    assert ROLES["admin"] == PERMISSIONS - SINGLE
    assert not any(SINGLE & permitted for permitted in ROLES.values())

"""Users and grants as they are asked for and as they are told. Pure."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from conduit.api.controllers.people import UserView
from conduit.api.envelopes import instant
from conduit.identity.passwords import LONGEST, SHORTEST
from conduit.providers.self_rows import Grant
from conduit.resources.rights_spec import Email, Name, Permissions

Level = Literal["read", "write", "admin"]
OURS = ConfigDict(frozen=True, extra="ignore")


class NewUser(BaseModel):
    """A user to be made."""

    model_config = OURS

    username: Name
    password: str = Field(min_length=SHORTEST, max_length=LONGEST, repr=False)
    role: Name
    email: Email = ""
    permissions: Permissions = ()


class UserEdit(BaseModel):
    """What of a user is to change; what is not sent stays. A user keeps the name."""

    model_config = OURS

    username: Name | None = None
    email: Email | None = None
    role: Name | None = None
    permissions: Permissions | None = None
    is_active: bool | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the manifest that are to change."""
        given = {"email": self.email, "role": self.role, "permissions": self.permissions, "active": self.is_active}
        return {name: value for name, value in given.items() if value is not None}


class OwnEdit(BaseModel):
    """What everybody may change of their own account."""

    model_config = OURS

    email: Email


class NewPassword(BaseModel):
    """The own password, and the one that is to take its place."""

    model_config = OURS

    current_password: str = Field(min_length=1, max_length=LONGEST, repr=False)
    new_password: str = Field(min_length=SHORTEST, max_length=LONGEST, repr=False)


class NewGrant(BaseModel):
    """A deployment that somebody is to reach, and how far."""

    model_config = OURS

    deployment_name: Name
    access_level: Level


class GrantEdit(BaseModel):
    """How far somebody is to reach a deployment from now on."""

    model_config = OURS

    access_level: Level


class GrantView(TypedDict):
    """How far somebody reaches one deployment, and who gave that."""

    deployment_name: str
    access_level: str
    granted_by: str
    created_at: str | None


class UserCounted(UserView):
    """A user in a list."""

    deployment_count: int


class UserList(TypedDict):
    """All users."""

    users: list[UserCounted]


class UserAnswer(TypedDict):
    """One user."""

    user: UserView


class UserGranted(UserAnswer):
    """One user with the deployments in reach."""

    deployments: list[GrantView]


class Myself(UserGranted):
    """The caller with all that it may do."""

    permissions: list[str]


class Granted(TypedDict):
    """The deployments in reach of a user."""

    deployments: list[GrantView]


class GrantMade(TypedDict):
    """What was granted."""

    message: str
    deployment_name: str
    access_level: str


class Member(TypedDict):
    """Somebody who reaches a deployment."""

    user_id: int
    username: str
    email: str
    role: str
    access_level: str
    granted_by: str
    created_at: str | None


class Members(TypedDict):
    """Who reaches a deployment."""

    deployment_name: str
    users: list[Member]


def grant_view(grant: Grant) -> GrantView:
    """Return a grant as clients of the documented API read it."""
    return {
        "deployment_name": grant.deployment,
        "access_level": grant.level,
        "granted_by": grant.granted_by,
        "created_at": instant(grant.created_at),
    }

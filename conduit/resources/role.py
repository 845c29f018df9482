"""role: what those who have it may do."""

from typing import Annotated

from pydantic import Field

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.identity.permissions import ROLES
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Native
from conduit.resources.rights_spec import Permissions
from conduit.spec import Resource, Spec

BUILT_IN = Code(
    "CND-2421",
    "a role of this name is built in",
    "admin, operator, viewer and auditor mean the same on every site, so no manifest declares them. Give the role "
    "another name; what somebody may do beyond a role is the `permissions` of that user.",
)


class RoleSpec(Spec):
    """What a role permits."""

    permissions: Annotated[Permissions, Field(min_length=1)]
    """What may be done, such as deployments:write."""


class Role(Kind[RoleSpec]):
    """A role beside those that are built in: admin, operator, viewer and auditor."""

    name = "role"
    plural = "roles"
    spec = RoleSpec
    provider = "self"
    adopt = "mark"
    permission = "users"

    def complete(self, resource: Resource[RoleSpec], look: Look) -> Resource[RoleSpec]:
        """Refuse the name of a role that is built in."""
        if resource.key.name in ROLES:
            summary = f"{resource.key} is built in"
            raise ConduitError(Diagnostic(BUILT_IN, summary, resource.source, "give it another name"))
        return resource

    def render(self, spec: RoleSpec, ctx: Context) -> Native:
        """Return what it permits."""
        return {"permissions": list(spec.permissions)}

    def parse(self, native: Native) -> RoleSpec | None:
        """Return the spec of a role."""
        return RoleSpec.parsed(native)

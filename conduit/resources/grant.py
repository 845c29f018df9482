"""grant: what one user may do with one deployment."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec.structs import replace
from pydantic import Field

from conduit import grammar
from conduit.errors import Code, Diagnostic
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Claim, Key, Native
from conduit.resources.rights_spec import Name
from conduit.spec import Resource, Spec
from conduit.validators import After

NO_DEPLOYMENT = Code(
    "CND-2431",
    "a grant for a deployment that is not declared",
    "The grant permits nothing now, and it would hold for the next deployment of that name. Remove it with the "
    "deployment, or declare that again.",
)


class GrantSpec(Spec):
    """Who may do how much with which deployment."""

    user: Name
    """A declared user."""
    deployment: Name
    """The deployment."""
    level: Literal["read", "write", "admin"]
    """read looks at it, write changes it, admin also deletes it and grants it to others."""
    granted_by: Annotated[str, After(grammar.plain_text), Field(max_length=64)] = ""
    """Who gave it, for people to see."""


class Grant(Kind[GrantSpec]):
    """What one user may do with one deployment. Admins need none; for everybody else there is no deployment without."""

    name = "grant"
    plural = "grants"
    spec = GrantSpec
    provider = "self"
    adopt = "mark"
    permission = "users"

    def complete(self, resource: Resource[GrantSpec], look: Look) -> Resource[GrantSpec]:
        """Require the user, and tell of a deployment that is not declared."""
        spec, needs = resource.spec, resource.needs
        if look(Key("deployment", spec.deployment)) is None:
            summary = f"{resource.key} is for the deployment {spec.deployment}, which is not declared"
            look.warnings.append(Diagnostic(NO_DEPLOYMENT, summary, resource.source, "remove it", severity="warning"))
        return replace(resource, needs=(*needs, Key("user", spec.user)))

    def render(self, spec: GrantSpec, ctx: Context) -> Native:
        """Return the grant as it is kept."""
        return spec.model_dump()

    def parse(self, native: Native) -> GrantSpec | None:
        """Return the spec of a grant."""
        return GrantSpec.parsed(native)

    def claims(self, spec: GrantSpec) -> Iterable[Claim]:
        """Claim the deployment for the user: one grant says all."""
        yield Claim("grant", (spec.user, spec.deployment))

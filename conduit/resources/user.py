"""user: somebody who may log in to conduit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from conduit.change import Action, Change, Diff, Origin, Outcome, Result
from conduit.diff import compare, difference
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.identity.permissions import ADMIN, ROLES
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Fingerprint, Key, Live, Native, Secret
from conduit.operation import operation, takes
from conduit.resources.rights_spec import Email, Name, Permissions
from conduit.spec import Marker, Resource, Spec

NO_ROLE = Code(
    "CND-2411",
    "a role that does not exist",
    "A user has one role: admin, operator, viewer, auditor, or one declared under `roles:`. A role nobody knows would "
    "permit nothing. Declare it, or correct the name.",
)
LAST_ADMIN = Code(
    "CND-2412",
    "nobody would be left to administer",
    "The plan would delete, disable or lower the last active admin while other users stay. Then nobody could manage "
    "users over the API any more. Make somebody else an active admin first, or keep this one. When no user is declared "
    "at all, the last admin may go with the others.",
)
FROM_SECRET = Code(
    "CND-2413",
    "the password of this user is declared",
    "The manifest takes the password of this user from a stored secret, so another one would be put back by the next "
    "apply. Store the new one under that name with `conduit secret set NAME`, or remove `password` from the manifest.",
)
NOT_WHOLE = Code(
    "CND-2414",
    "an account that does not come back as it was",
    "A manifest knows no password that was set on the machine or over the API, no second factor and no API key. They "
    "went when the account was removed, and going back does not revive them: whoever was shut out stays out. Who has "
    "no password cannot log in until one is set with `conduit user password NAME`.",
)
NOT_STORED: Final = "not stored"
"""Stands for the label of a secret that has no value: never equal to a label, and refused when it is applied."""


class UserSpec(Spec):
    """Who somebody is and what they may do. The password is set by `conduit user password`, or kept as a secret."""

    role: Name
    """What they may do: admin, operator, viewer, auditor, or a declared role."""
    email: Email = ""
    """Where mail reaches them."""
    permissions: Permissions = ()
    """What they may do beyond their role."""
    active: bool = True
    """Whether they may log in; false ends every session at once."""
    password: Annotated[Secret | None, Marker.WRITE_ONLY] = None
    """A stored secret with their password; without it, the password is what `conduit user password` or they set."""


class User(Kind[UserSpec]):
    """Somebody who may log in to the API and the dashboard.

    Somebody without a password cannot log in. The last active admin cannot be removed, disabled or lowered while other
    users are declared.
    """

    name = "user"
    plural = "users"
    spec = UserSpec
    provider = "self"
    adopt = "mark"
    permission = "users"

    def complete(self, resource: Resource[UserSpec], look: Look) -> Resource[UserSpec]:
        """Refuse a role that does not exist."""
        role = resource.spec.role
        if role not in ROLES and look(Key("role", role)) is None:
            hint = f"declare it under roles, or use one of {', '.join(ROLES)}"
            summary = f"{resource.key}: there is no role {role}"
            raise ConduitError(Diagnostic(NO_ROLE, summary, resource.source, hint, field="role"))
        return resource

    def render(self, spec: UserSpec, ctx: Context) -> Native:
        """Return what is declared of a user; a password by the fingerprint of its secret."""
        fields = {"email": spec.email, "role": spec.role, "permissions": list(spec.permissions), "active": spec.active}
        return fields | {"password": _label(spec.password, ctx)}

    def parse(self, native: Native) -> UserSpec | None:
        """Return the spec of a user; a password is its fingerprint."""
        spec = UserSpec.parsed({name: value for name, value in native.items() if name != "password"})
        if spec is None or not native["password"]:
            return spec
        return spec.model_copy(update={"password": Fingerprint(native["password"])})

    def explain(self, spec: UserSpec, native: Native, live: Native, ctx: Context) -> Diff:
        """Show what differs; of a password only that it does."""
        have, want = self.parse(live), self.parse(native)
        return Diff(compare(have, want)) if have and want else difference(live, native)

    def not_restored(self, change: Change) -> Diagnostic | None:
        """Tell of a user who is made anew, and of one whose declared password ends."""
        lost = _lost(change)
        if not lost:
            return None
        source = change.source if change.source.file else None
        hint = f"set one afterwards: conduit user password {change.key.name}" if "password" in lost else ""
        words = f"{change.key} does not get back the {lost} it may have had"
        return Diagnostic(NOT_WHOLE, words, source, hint, severity="warning")

    def forbids(self, changes: Sequence[Change], ctx: Context) -> Iterable[Diagnostic]:
        """Refuse to leave users without an active admin where one was declared; who made themselves one is none."""
        there = {live.key: live.native for live in self.observe(ctx) if live.owned}
        left = [native for native in (there | {change.key: change.native for change in changes}).values() if native]
        lost = [change for change in changes if _was_admin(change)]
        if lost and left and not any(map(_administers, left)):
            source = lost[0].source if lost[0].source.file else None
            hint = "make somebody else an active admin first"
            yield Diagnostic(LAST_ADMIN, f"{lost[0].key} is the last active admin and has to stay one", source, hint)

    @takes("hash")
    @operation
    def password(self, ctx: Context, live: Live, params: Mapping[str, Any]) -> Outcome:
        """Set a password by its hash, and end every session of before."""
        if live.native["password"]:
            hint = "store the new one: conduit secret set NAME"
            raise ConduitError(Diagnostic(FROM_SECRET, f"{live.key} has its password from a secret", hint=hint))
        ctx.provider.set_password(live.key.name, params["hash"])
        return Outcome(live.key, Action.UPDATE, Result.OK)

    @operation
    def revoke(self, ctx: Context, live: Live, params: Mapping[str, Any]) -> Outcome:
        """End every session, also those that only a token knows."""
        ended = ctx.provider.end_sessions(live.key.name)
        return Outcome(live.key, Action.UPDATE, Result.OK, f"{ended} session{'' if ended == 1 else 's'} ended")


def _label(password: Secret | None, ctx: Context) -> str:
    """Return what stands for the value of a secret."""
    if password is None:
        return ""
    try:
        return ctx.fingerprint(ctx.secret(password.name))
    except ConduitError:
        return NOT_STORED


def _lost(change: Change) -> str:
    """Return in words what of an account a change does not bring back, empty for nothing."""
    if change.native is None:
        return ""
    password = change.native["password"]
    if change.live is None:
        return "second factor and API keys" if password else "password, second factor and API keys"
    return "password" if change.live.native["password"] and not password else ""


def _was_admin(change: Change) -> bool:
    return change.live is not None and change.origin is not Origin.DRIFT and _administers(change.live.native)


def _administers(native: Native) -> bool:
    return bool(native["role"] == ADMIN and native["active"])

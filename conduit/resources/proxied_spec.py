"""What route and vhost do alike: the same fields, each rendered in its own proxy's words and parsed back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from conduit.change import Diff, FieldChange
from conduit.diff import compare, difference
from conduit.kind import Context, Kind
from conduit.model import Claim, Key, Live, Native, Ref
from conduit.providers.accounts import Password
from conduit.resources import passwords_spec as passwords
from conduit.resources.route_spec import R, by_file, claims, dialled
from conduit.spec import Resource

DISAGREE = "its parts for HTTPS and for HTTP disagree"


class Proxied(Kind[R]):
    """A kind whose objects are what a proxy does with a host name and path."""

    @abstractmethod
    def build(self, spec: R, ctx: Context, password: Password) -> Native:
        """Return the proxy's form of a spec, each password turned into its native form."""

    @abstractmethod
    def rebuild(self, spec: R, native: Native, password: Password) -> Native:
        """Return the proxy's form of a spec under the circumstances `native` was built in."""

    @abstractmethod
    def fields(self, native: Native) -> dict[str, Any]:
        """Return the fields a native form seems to say, the certificate aside; any shape error for another shape."""

    @abstractmethod
    def users(self, native: Native) -> Mapping[str, Any]:
        """Return the passwords of a native form by user; empty when it has another shape."""

    def forms(self, native: Native) -> list[Native]:
        """Return a native form as it is; several when its parts say different things, as it would be after each."""
        return [native]

    def render(self, spec: R, ctx: Context) -> Native:
        """Return the proxy's form of a spec; stored passwords stay `Secret` until they are staged."""
        return self.build(spec, ctx, passwords.declared(ctx))

    def parse(self, native: Native) -> R | None:
        """Return the spec of a native form, or None when the proxy does more than a spec can say."""
        try:
            found, users = self.fields(native), self.users(native)
            if users:
                found["basic_auth"] = {user: getattr(p, "value", p) for user, p in users.items()}
            if found["tls"]:
                entry = native["certificate"]
                found["certificate"] = Ref(Key("certificate", entry["name"]), self.provider, entry["files"])
            spec: R = self.spec.model_validate(found)  # type: ignore[assignment]
            again = self.rebuild(spec, native, lambda user, value: users[user])
        except (LookupError, TypeError, AttributeError, ValueError):
            return None
        return spec if again == native else None

    def same(self, want: Resource[R], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Compare, taking a stored password as equal while its seal in the proxy still holds."""
        users = want.spec.basic_auth
        if users and live.native != native:
            kept = passwords.unchanged(users, live.key, self.users(live.native), ctx)
            declared = passwords.declared(ctx)
            native = self.build(want.spec, ctx, lambda user, value: kept.get(user) or declared(user, value))
        return super().same(want, native, live, ctx)

    def explain(self, spec: R, native: Native, live: Native, ctx: Context) -> Diff:
        """Show the difference in spec terms: passwords by keyed fingerprint, a certificate by its file."""
        parsed = [self.parse(form) for form in self.forms(live)]
        found: list[FieldChange] = []
        for each in parsed:
            if each is None:
                return difference(live, native)
            found += [change for change in compare(each, dialled(spec)) if change not in found]
        plain = (by_file(change) for change in found if not change.path.startswith("basic_auth"))
        fields = (*plain, *passwords.changes(self.users(live), self.users(native), ctx))
        return Diff(fields, reason=DISAGREE if len(parsed) > 1 else "") if fields else difference(live, native)

    def claims(self, spec: R) -> Iterable[Claim]:
        """Claim the path on each of the hosts, whichever proxy serves them; paths ignore case."""
        return claims(spec)

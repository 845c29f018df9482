"""certificate: a server certificate of the internal CA, renewed before it expires."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from conduit import grammar, measures
from conduit.change import Action, Diff, Outcome, Result
from conduit.kind import Context, Kind
from conduit.model import Live, Native
from conduit.operation import operation
from conduit.providers.certs_state import ageing, damage
from conduit.spec import Resource, Spec
from conduit.validators import After


def _host(text: str) -> str:
    """A host name, or a wildcard for one label (RFC 6125 section 6.4.3)."""
    return f"*.{grammar.host_name(text[2:])}" if text.startswith("*.") else grammar.host_name(text)


def _lifetime(text: str) -> str:
    if not 60 <= measures.duration(text) <= 3650 * 86400:
        raise ValueError("use a duration from 1m to 3650d")
    return text


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


Host = Annotated[str, After(_host)]
Consumer = Annotated[str, After(grammar.name)]
Lifetime = Annotated[str, After(_lifetime)]


class CertificateSpec(Spec):
    """Which names a certificate is for, and which daemons serve it."""

    names: Annotated[
        tuple[Host, ...],
        Field(
            strict=False,
            min_length=1,
            max_length=100,
            description="host names, each exact or `*.` and a domain; their order does not matter",
        ),
        After(_unique),
    ]
    consumers: Annotated[tuple[Consumer, ...], After(_unique)] = Field(
        ("caddy",),
        strict=False,
        description="the daemons that get a copy; each needs a directory under `certs: copies:` in conduit.yaml",
    )
    lifetime: Lifetime | None = Field(
        None, description="how long it is valid; without it the settings decide, from the next renewal on"
    )
    renew_before: Lifetime | None = Field(
        None, description="how long before its end it is renewed, half its life at most; without it the settings decide"
    )
    issuer: Literal["internal"] = Field("internal", description="who signs it")


class Certificate(Kind[CertificateSpec]):
    """A certificate and its key: ECDSA P-256, signed by the site's own root.

    A change of the declared certificate issues a new one under a new file name, which the daemons then load.
    """

    name = "certificate"
    plural = "certificates"
    spec = CertificateSpec
    provider = "certs"
    permission = "certificates"

    def render(self, spec: CertificateSpec, ctx: Context) -> Native:
        """Return the spec as JSON: what the certificate's file says it was issued for."""
        return {
            "names": list(spec.names),
            "consumers": list(spec.consumers),
            "lifetime": spec.lifetime,
            "renew_before": spec.renew_before,
            "issuer": spec.issuer,
        }

    def parse(self, native: Native) -> CertificateSpec | None:
        """Return the spec a certificate was issued for; None when none of its files is whole."""
        return CertificateSpec.parsed(native)

    def assign(
        self, want: Resource[CertificateSpec], live: Live | None, diff: Diff, ctx: Context
    ) -> tuple[Resource[CertificateSpec], Mapping[str, Any]]:
        """Return the facts of a certificate that only gets files back; one issued anew has none yet."""
        if live is None or ageing(live, ctx.now) or want.protect != live.protected:
            return want, {}
        return want, live.facts if self.render(want.spec, ctx) == live.native else {}

    def same(self, want: Resource[CertificateSpec], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Compare the spec, each file, the root and the time: keys and serials are random and not compared."""
        damaged, aged = damage(live), ageing(live, ctx.now)
        if native == live.native and not damaged and aged is None:
            return None
        shown = self.explain(want.spec, native, live.native, ctx) if live.native and native != live.native else Diff()
        due = aged or Diff()
        fields = (*shown.fields, *damaged, *due.fields)
        return Diff(fields, shown.raw, due.reason or shown.reason, due=due.due and not damaged)

    @operation
    def rotate(self, ctx: Context, live: Live, params: Mapping[str, Any]) -> Outcome:
        """Revoke a certificate, so that the next apply issues and serves another one."""
        ctx.provider.revoke(live)
        return Outcome(live.key, Action.UPDATE, Result.OK, f"revoked {live.facts['serial']}")

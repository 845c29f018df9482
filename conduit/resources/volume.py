"""volume: where containers keep data."""

from __future__ import annotations

from conduit.change import Diff
from conduit.compose.dangerous import dangers_of_options
from conduit.diff import compare
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Live, Native
from conduit.providers.docker_volume import build, fields_of
from conduit.providers.host_paths import host_paths
from conduit.resources.volume_spec import VolumeSpec
from conduit.spec import Resource

DANGEROUS = Code(
    "CND-1520",
    "a volume that hands over the host",
    "The options of the volume's driver give containers a directory of the host's system, or one of conduit's own, "
    "also through a link. Whoever uses the volume then commands the host. Name another directory, or write "
    "`dangerous: true` in the volume when that is what you mean.",
)


class Volume(Kind[VolumeSpec]):
    """A volume for the data of containers.

    It is made when there is none of its name, used as it is when there is one, and never removed or made anew by a
    plan. Where it differs from what is declared, a warning says so.
    """

    name = "volume"
    plural = "volumes"
    spec = VolumeSpec
    provider = "docker"
    keeps = True
    permission = "volumes"

    def complete(self, resource: Resource[VolumeSpec], look: Look) -> Resource[VolumeSpec]:
        """Refuse options that hand over the host, unless that is asked for."""
        spec = resource.spec
        if not spec.driver_opts or spec.dangerous:
            return resource
        found = dangers_of_options(spec.driver_opts, host_paths(look))
        if found:
            hint = "name another directory, or write dangerous: true"
            raise ConduitError(Diagnostic(DANGEROUS, f"{resource.key}: {found[0]}", resource.source, hint))
        return resource

    def render(self, spec: VolumeSpec, ctx: Context) -> Native:
        """Return the volume in Docker's words, without a name."""
        return build(spec.model_dump())

    def parse(self, native: Native) -> VolumeSpec | None:
        """Return the spec a volume stands for."""
        return VolumeSpec.parsed(fields_of(native))

    def differs(self, want: Resource[VolumeSpec], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Return None: a volume that is there is used as it is, and it is protected whatever is declared."""
        return None

    def remark(self, want: Resource[VolumeSpec], native: Native, live: Live) -> str:
        """Name the fields in which a volume is not what is declared."""
        have = self.parse(live.native)
        paths = [change.path for change in compare(have, want.spec)] if have else ["driver", "driver_opts"]
        fields = [path for path in paths if path.startswith("driver")]
        if not fields:
            return ""
        return (
            f"it is there with another {', '.join(fields)} and is used as it is, for its data; to change it, save what "
            f"is in it, remove it with: docker volume rm {want.key.name}, and apply"
        )

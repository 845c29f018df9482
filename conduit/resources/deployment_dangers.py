"""What a deployment may not do unless it says `dangerous: true`."""

from __future__ import annotations

from collections.abc import Iterator

from conduit.compose.dangerous import dangers
from conduit.compose.load import Loaded
from conduit.errors import Code, Diagnostic
from conduit.look import Look
from conduit.providers.host_paths import host_paths
from conduit.resources.deployment_spec import DeploymentSpec
from conduit.spec import Resource

DANGEROUS = Code(
    "CND-1542",
    "a deployment that asks for the host",
    "The setting gives a container power over the host or over conduit itself: a privileged container, a namespace, "
    "device or capability of the host, the socket of a container engine, a directory of the system, or conduit's own "
    "keys, secrets, certificates and state, also through links and through options of a volume's driver. Remove it, or "
    "write `dangerous: true` in the deployment when that is what you mean.",
)


def refused(resource: Resource[DeploymentSpec], loaded: Loaded, look: Look) -> Iterator[Diagnostic]:
    """Yield each dangerous setting of an application that nobody asked for."""
    if resource.spec.dangerous:
        return
    for danger in dangers(loaded, host_paths(look)):
        hint = f"remove it, or write dangerous: true in {resource.key}"
        yield Diagnostic(DANGEROUS, danger.words, danger.source, hint)

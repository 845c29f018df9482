"""What a Compose file may say and a deployment does not do: refused, and never passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator

from conduit.compose.load import Loaded
from conduit.errors import Code, Diagnostic

WITHOUT_IPV4 = Code(
    "CND-1547",
    "a network without IPv4",
    "Networks that conduit makes have IPv4 addresses; Docker can leave them out since version 27 alone. Remove "
    "`enable_ipv4: false`, or make the network by hand and declare it `external`.",
)


def refused(loaded: Loaded) -> Iterator[Diagnostic]:
    """Yield what no network of a deployment can be."""
    for name, network in loaded.application.networks.items():
        if network.enable_ipv4 is False:
            source = loaded.source(("networks", name, "enable_ipv4"))
            yield Diagnostic(
                WITHOUT_IPV4, f"the network {name} would have no IPv4 addresses", source, "remove the line"
            )

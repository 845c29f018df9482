"""What a Compose file may say and a deployment does not do: refused, or told, but never passed over in silence."""

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
NOT_RESTARTED = Code(
    "CND-1548",
    "a restart that follows no other",
    "`restart: true` below depends_on asks for a restart whenever the other service was changed. conduit replaces a "
    "container when its own declaration changes, and when it shares the network, processes or memory of the other, but "
    "for no other reason. Remove the line, or run `conduit restart` after such a change.",
)


def refused(loaded: Loaded) -> Iterator[Diagnostic]:
    """Yield what no network of a deployment can be."""
    for name, network in loaded.application.networks.items():
        if network.enable_ipv4 is False:
            source = loaded.source(("networks", name, "enable_ipv4"))
            yield Diagnostic(
                WITHOUT_IPV4, f"the network {name} would have no IPv4 addresses", source, "remove the line"
            )


def passed_over(loaded: Loaded) -> Iterator[Diagnostic]:
    """Yield a warning for each wish that has no effect."""
    for name, service in loaded.application.services.items():
        shared = {value.removeprefix("service:") for value in service.namespaces().values()}
        for other, dependency in service.depends_on.items():
            if dependency.restart and other not in shared:
                source = loaded.source(("services", name, "depends_on", other, "restart"))
                summary = f"{name} is not restarted when {other} changes"
                yield Diagnostic(NOT_RESTARTED, summary, source, "remove restart: true", severity="warning")

"""container: one container in Docker, replaced beside the old one wherever both can run at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from conduit.change import Action, Change, Diff, Disturbance, FieldChange, Impact, Outcome, Result
from conduit.compose.dangerous import dangers_of_process
from conduit.diff import compare, difference
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Claim, Fingerprint, Live, Native
from conduit.operation import operation
from conduit.providers.docker_addresses import pick, slot_of
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_form import Seal, build, fields, sealing
from conduit.providers.docker_container_switch import held_twice
from conduit.providers.host_paths import host_paths
from conduit.resources.container_spec import ContainerSpec
from conduit.safety import SUPERSEDED
from conduit.spec import Resource

LIMITS: Final = frozenset({"memory", "memory_reservation", "memswap_limit", "cpus"})
"""What Docker changes while a container runs, but never lifts again."""


IN_PLACE: Final = LIMITS | {"name", "networks", "pids", "restart", "serves", "state"}
"""What changes without a new container."""
STARTABLE: Final = frozenset({"running", "stopped", "paused", "restarting", "created"})
"""The states from which a container is brought into the one it should have."""
EVERYWHERE: Final = "::"
"""What Docker listens on when no address is asked for: every address, of IPv4 and IPv6 alike."""
SECONDS_DOWN: Final = 2.0
"""About what it takes to stop one container and start the next."""


DANGEROUS = Code(
    "CND-1511",
    "a container that asks for the host",
    "The setting gives a container power over the host or over conduit itself: a privileged container, a namespace, "
    "device or capability of the host, the socket of a container engine, a directory of the system, or conduit's own "
    "keys, secrets, certificates and state, also through links. Remove it, or write `dangerous: true` in the container "
    "when that is what you mean.",
)


TOO_SHORT = Code(
    "CND-1512",
    "a name that Docker cannot give",
    "A container is called in Docker like its resource, and Docker takes no name of a single character. Give the "
    "resource a longer name, or the container one of its own with `container_name`.",
)
SHORTEST_NAME: Final = 2
DEFAULT_NETWORK: Final = "bridge"
"""Docker's own network, in which no container has a name."""


class Container(Kind[ContainerSpec]):
    """A container in Docker.

    One that changes gets a successor beside it: with another name and another address, which is started, becomes
    ready, and takes over before the old one goes. Where both cannot run at once, the old one is stopped first, and
    started again when the new one fails.
    """

    name = "container"
    plural = "containers"
    spec = ContainerSpec
    provider = "docker"
    permission = "containers"

    def complete(self, resource: Resource[ContainerSpec], look: Look) -> Resource[ContainerSpec]:
        """Refuse a name Docker cannot give, and what hands over the host unless that is asked for.

        A container answers to the name of its resource, whichever of its two names it has.
        """
        resource = _answering(resource)
        spec = resource.spec
        if len(resource.key.name) < SHORTEST_NAME and spec.container_name is None:
            words = f"{resource.key}: a container's name has {SHORTEST_NAME} characters at least"
            raise ConduitError(Diagnostic(TOO_SHORT, words, resource.source, "give it a longer name"))
        if spec.dangerous:
            return resource
        namespaces = {field: value for field in ("network_mode", "pid", "ipc") if (value := getattr(spec, field))}
        found = dangers_of_process(spec, namespaces, spec.mounts, host_paths(look))
        if found:
            hint = f"remove it, or write dangerous: true in {resource.root}"
            raise ConduitError(Diagnostic(DANGEROUS, f"{resource.key}: {found[0]}", resource.source, hint))
        return resource

    def render(self, spec: ContainerSpec, ctx: Context) -> Native:
        """Return what is asked of Docker, with fingerprints for the values of variables and files."""
        return build(spec, _seal(ctx))

    def parse(self, native: Native) -> ContainerSpec | None:
        """Return the spec of a container; secret values are fingerprints, its state is the one it is in."""
        try:
            found = ContainerSpec.model_validate(fields(native))
            values = {target: Fingerprint(form["Content"]) for target, form in native.get("Files", {}).items()}
            files = tuple(file.model_copy(update={"content": values[file.target]}) for file in found.files)
        except (LookupError, TypeError, AttributeError, ValueError):
            return None
        variables = {name: Fingerprint(value) for name, value in native.get("Env", {}).items()}
        return found.model_copy(update={"state": native["State"], "environment": variables, "files": files})

    def explain(self, spec: ContainerSpec, native: Native, live: Native, ctx: Context) -> Diff:
        """Show what differs in the words of the spec; of secret values only that they do."""
        parsed, wanted = self.parse(live), self.parse(native)
        said = {name: part for name, part in live.items() if name not in ("Renamed", "Reached")}
        if parsed is None or wanted is None or self.render(parsed, ctx) != said:
            return difference(live, native)
        found = (*compare(_in_order(parsed), _in_order(wanted)), *_beside_the_spec(spec, native, live))
        return Diff(found) if found else difference(live, native)

    def action(self, want: Resource[ContainerSpec], live: Live, diff: Diff) -> Action:
        """Return whether Docker can change what differs on the container that is there."""
        if (want.spec.state == "finished") != ("Once" in live.native):
            return Action.REPLACE  # whether it runs to its end is noted down when it is made
        in_place = diff.fields and all(_in_place(field, want.spec) for field in diff.fields)
        return Action.UPDATE if in_place else Action.REPLACE

    def assign(
        self, want: Resource[ContainerSpec], live: Live | None, diff: Diff, ctx: Context
    ) -> tuple[Resource[ContainerSpec], Mapping[str, Any]]:
        """Decide slot and address: a container that stays keeps both, one that is replaced leaves them to the old."""
        stays = live is not None and self.action(want, live, diff) is Action.UPDATE
        slot = "a" if live is None else slot_of(want.key.name, live.place)
        if not stays and live is not None:
            slot = "a" if slot == "b" else "b"
        known = dict(live.facts) if live is not None and stays else {}
        address = _address(want, slot or "a", live if stays else None, ctx) if want.spec.serves else None
        known |= {"address": address} if address else {}
        decided = {"slot": slot} | ({"address": address} if address else {})
        return replace(want, spec=want.spec.model_copy(update=decided)), known

    def impact(self, change: Change, ctx: Context) -> Impact:
        """Say whether a container is interrupted, and when its successor has to wait for it, why."""
        if change.action is Action.CREATE:
            return Impact(note="new container, no interruption")
        if change.action is not Action.REPLACE or change.live is None or change.want is None:
            return _of_what_is_there(change)
        reason = held_twice(change.native, change.live)
        if "Once" in change.live.native and change.want.spec.state == "stopped":
            return Impact(note="no interruption, made anew to run again when it is started")
        if change.live.native.get("State") != "running":
            return Impact(note="no interruption, it does not run now")
        if not reason or change.want.spec.state == "stopped":
            return Impact(note="no interruption, new container beside the old")
        return Impact(Disturbance.RECREATE, change.key.name, SECONDS_DOWN, f"down meanwhile: {reason}")

    @operation
    def restart(self, ctx: Context, live: Live, params: Mapping[str, Any]) -> Outcome:
        """Stop a container that runs, and start it again; it is the same one, without a successor beside it."""
        if live.native["State"] != "running":
            return Outcome(live.key, Action.UPDATE, Result.FAILED, f"it is {live.native['State']}, not running")
        runs = ctx.provider.restart(live)
        return Outcome(live.key, Action.UPDATE, Result.OK if runs else Result.FAILED, "" if runs else "it ended again")

    def claims(self, spec: ContainerSpec) -> Iterable[Claim]:
        """Yield its name, and every port of the host and fixed address it has."""
        if spec.container_name:
            yield Claim("container name", (spec.container_name,))
        for port in spec.ports:
            if port.published.isdecimal():
                yield Claim("listen", (port.protocol, port.host_ip or EVERYWHERE, port.published))
        for network, attachment in spec.networks.items():
            for address in filter(None, (attachment.ipv4_address, attachment.ipv6_address)):
                yield Claim("address", (network, address))


def _answering(resource: Resource[ContainerSpec]) -> Resource[ContainerSpec]:
    """Return a container with its resource's name among its aliases, as docker compose gives it to its containers.

    Docker answers for a `container_name` itself, and in its default network for no name at all.
    """
    spec, name = resource.spec, resource.key.name
    silent = [net for net, joined in spec.networks.items() if net != DEFAULT_NETWORK and name not in joined.aliases]
    if spec.container_name is not None or not silent:
        return resource
    named = {
        net: spec.networks[net].model_copy(update={"aliases": (*spec.networks[net].aliases, name)}) for net in silent
    }
    return replace(resource, spec=spec.model_copy(update={"networks": spec.networks | named}))


def _seal(ctx: Context) -> Seal:
    def stored(name: str) -> str:
        try:
            return ctx.secret(name)
        except ConduitError:
            return ""  # the container that needs it is refused when it is made

    return sealing(ctx.fingerprint, stored)


def _beside_the_spec(spec: ContainerSpec, native: Native, live: Native) -> Iterable[FieldChange]:
    if "Renamed" in live:
        yield FieldChange("name", live["Renamed"], spec.container_name or "its own")
    if ("Reached" in live) != ("Reached" in native):
        before = "reachable" if "Reached" in live else "without an address of conduit's network"
        yield FieldChange("serves", before, list(spec.serves))


def _in_order(spec: ContainerSpec) -> ContainerSpec:
    """Return a spec whose lists are in one order where theirs means nothing, and Docker does not keep it."""
    ordered = {name: sorted(getattr(spec, name), key=lambda each: each.target) for name in ("mounts", "files")}
    ordered["follows"] = sorted(spec.follows, key=lambda each: each.container.key)
    return spec.model_copy(update={name: tuple(each) for name, each in ordered.items()})


def _in_place(field: FieldChange, want: ContainerSpec) -> bool:
    head = field.path.split(".")[0]
    if head == "memswap_limit" and want.memory:
        return True  # it is set together with the memory, to twice that when nothing else is asked for
    if head in LIMITS:
        return field.old is not None and field.new is not None
    if head == "state":
        return field.old in STARTABLE
    return head in IN_PLACE


def _of_what_is_there(change: Change) -> Impact:
    """Return what an update or a deletion interrupts."""
    runs = change.live is not None and change.live.native.get("State") != "stopped"
    if change.want is None:
        stops = runs and change.diff.reason != SUPERSEDED
        return Impact(Disturbance.STOP, change.key.name, note="for good") if stops else Impact()
    if runs and change.native["State"] == "stopped":
        return Impact(Disturbance.STOP, change.key.name, note="as declared")
    return Impact(note="changes while it runs" if runs else "starts")


def _address(want: Resource[ContainerSpec], slot: str, live: Live | None, ctx: Context) -> str:
    """Return the address a container keeps or gets; another one when somebody else has declared it too."""
    lives = ctx.reading.objects.get(want.key.kind, ()) if ctx.reading else ()
    theirs = {each.facts.get("address") for each in lives if live is None or each.id != live.id}
    planned = {facts.get("address") for key, facts in ctx.facts.items() if key.kind == want.key.kind}
    taken = {str(address) for address in theirs | planned if address}
    kept = live.facts.get("address") if live and "Reached" in live.native else None
    config = Config.model_validate(ctx.settings.sections["docker"] or {})
    return kept if kept and kept not in taken else pick(config, want.key.name, slot, taken)

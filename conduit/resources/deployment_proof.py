"""The proof of a deployment: Docker is asked anew whether its containers do what was promised."""

from __future__ import annotations

from collections.abc import Sequence

from conduit.change import Level, Proof
from conduit.errors import ConduitError
from conduit.kind import Context
from conduit.model import Key
from conduit.providers.docker_application import Application, Member
from conduit.resources.container_spec import ContainerSpec
from conduit.spec import Resource

Verdict = tuple[Level, str]


def prove(ctx: Context, root: Key) -> Proof | None:
    """Look for every container of a deployment and judge it; the one that is worst off decides. None without any."""
    wanted = [leaf for leaf in ctx.leaves(root) if isinstance(leaf.spec, ContainerSpec)]
    if not wanted:
        return None
    try:
        found = Application(root.name, ctx.settings, ctx.mark).members()
    except ConduitError as error:
        return Proof(root, Level.NO_CONNECTION, error.diagnostics[0].summary)
    verdicts = [_judge(leaf, [member for member in found if member.key == leaf.key]) for leaf in wanted]
    level, detail = min(verdicts, key=lambda verdict: verdict[0].value)
    return Proof(root, level, detail, tuple(words for passed, words in verdicts if passed is Level.EXPECTED))


def _judge(wanted: Resource[ContainerSpec], found: Sequence[Member]) -> Verdict:
    """Judge one container; of two, while one takes the other's place, the one that is better off counts."""
    name, state = wanted.key.name, wanted.spec.state
    if state == "stopped":
        running = [member for member in found if member.state not in ("created", "exited", "dead")]
        return (Level.NO_CONNECTION, f"{name} runs") if running else (Level.EXPECTED, f"{name} is stopped")
    judge = _finished if state == "finished" else _running
    return max(map(judge, found), key=lambda verdict: verdict[0].value, default=(Level.NO_NAME, f"{name} is not there"))


def _running(member: Member) -> Verdict:
    if member.state != "running":
        code = "" if member.exit_code is None else f" with code {member.exit_code}"
        return Level.NO_CONNECTION, f"{member.name} is {member.state}{code}"
    if member.health in ("starting", "unhealthy"):
        return Level.UPSTREAM_ANSWERED, f"{member.name} runs, but its health is {member.health}"
    return Level.EXPECTED, f"{member.name} is {member.health or 'running'}"


def _finished(member: Member) -> Verdict:
    if member.exit_code is None:
        return Level.NO_CONNECTION, f"{member.name} has not ended: it is {member.state}"
    if member.exit_code:
        return Level.NO_CONNECTION, f"{member.name} ended with code {member.exit_code}"
    return Level.EXPECTED, f"{member.name} ran to its end"

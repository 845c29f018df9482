"""What may be done once with a deployment: look at its containers and logs, restart it, run a program in it."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from conduit import measures
from conduit.command import Doing, Letter, Operand, Rest, command
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.fields import Duration
from conduit.providers.docker_application import Application, Member
from conduit.resources.deployment_spec import image_key
from conduit.spec import Spec

NOT_THERE = Code(
    "CND-1545",
    "a deployment without such a container",
    "The command needs containers that conduit made for this deployment and that are there now. Apply the deployment "
    "first, or correct the name of the deployment or of its service; `conduit ps NAME` lists what there is.",
)
PROVIDER = "docker"
UP = frozenset(("running", "restarting", "paused"))


class OfService(Spec):
    """Which containers of a deployment."""

    service: Annotated[str | None, Operand()] = Field(None, description="only this service of the application")


class Logs(OfService):
    """Which lines of which logs."""

    follow: Annotated[bool, Letter("f")] = Field(False, description="go on until it is interrupted")
    tail: Annotated[int, Letter("n")] = Field(100, ge=0, le=100_000, description="at most the last N lines of each")
    since: Duration | None = Field(None, description="nothing older than this, such as 10m")


class Exec(OfService):
    """A program to run."""

    argv: Annotated[tuple[str, ...], Rest()] = Field(
        min_length=1, strict=False, description="the program and its arguments, after --"
    )


class Commands:
    """The commands of deployments."""

    @command()
    def ps(self, doing: Doing, name: str, params: OfService) -> int:
        """Show the containers of a deployment as they are now.

        \b
        Example:
          conduit ps wiki
        """
        for member in _members(doing, name, params.service):
            doing.tell(
                container=member.name,
                service=member.service,
                state=member.state,
                health=member.health,
                image=member.image,
                ports=", ".join(member.ports),
                status=member.status,
            )
        return 0

    @command(streams=True)
    def logs(self, doing: Doing, name: str, params: Logs) -> int:
        """Show what the containers of a deployment have written, oldest line first.

        \b
        Example:
          conduit logs wiki
          conduit logs wiki web --tail 20 --since 1h
        """
        since = None if params.since is None else doing.context.now - measures.duration(params.since)
        application, members = _application(doing, name), _members(doing, name, params.service)
        read = application.follow if params.follow else application.logs
        for container, line in read(members, tail=params.tail, since=since):
            doing.tell(container=container, time=line.time, text=line.text)
        return 0

    @command()
    def restart(self, doing: Doing, name: str, params: OfService) -> int:
        """Restart the running containers of a deployment, one after the other, and those that follow them.

        \b
        Example:
          conduit restart wiki
          conduit restart wiki web
        """
        from conduit.providers.docker_restart import restart, with_followers

        application, chosen = _application(doing, name), _members(doing, name, params.service)
        members = [member for member in with_followers(chosen, application.members()) if member.state in UP]
        with doing.changing([member.key for member in members], PROVIDER) as failed:
            for member, words in restart(application.api, members):
                if words:
                    failed[member.key] = words
                doing.tell(container=member.name, result=words or "restarted")
        return 0

    @command()
    def pull(self, doing: Doing, name: str, params: OfService) -> int:
        """Fetch the images of a deployment again; the next apply runs what is newer.

        \b
        Example:
          conduit pull wiki
          conduit pull wiki web
        """
        from conduit.providers.docker_pull import pull

        keys = sorted({image_key(name, member.service) for member in _members(doing, name, params.service)})
        with doing.changing(keys, PROVIDER) as failed:
            for pulled in pull(doing.context, keys):
                if pulled.failed:
                    failed[pulled.key] = pulled.words
                doing.tell(image=pulled.key.name, result=pulled.words)
        return 0

    @command()
    def exec(self, doing: Doing, name: str, params: Exec) -> int:
        """Run a program in a container of a deployment; its exit code is the command's.

        Input and output are those of the command, on a terminal when there is one.

        \b
        Example:
          conduit exec wiki web -- ls /
          conduit exec wiki web -- sh
        """
        from conduit.providers.docker_exec import run

        running = [member for member in _members(doing, name, params.service) if member.state == "running"]
        if len({member.service for member in running}) != 1:
            raise _missing(name, params.service, running)
        member = running[0]
        with doing.changing([member.key], PROVIDER):
            pass  # what the program does is unknown; that it was started is on record
        return run(_application(doing, name).api, member.id, params.argv, name=member.name)


def _application(doing: Doing, name: str) -> Application:
    return Application(name, doing.context.settings, doing.context.mark)


def _members(doing: Doing, name: str, service: str | None) -> list[Member]:
    """Return the containers that were asked for, at least one. Raises `ConduitError`, `Unreadable`."""
    found = _application(doing, name).members()
    chosen = [member for member in found if service in (None, member.service)]
    if not chosen:
        raise _missing(name, service, found)
    return chosen


def _missing(name: str, service: str | None, found: Sequence[Member]) -> ConduitError:
    services = sorted({member.service for member in found})
    if not services:
        words, hint = f"no container of deployment/{name} is there", "apply it first, or correct its name"
    elif service is None:
        words, hint = f"several services of deployment/{name} run", f"name one of {', '.join(services)}"
    else:
        words = f"deployment/{name} has no container of the service {shown(service)}"
        hint = did_you_mean(service, services) or f"it has {', '.join(services)}"
    return ConduitError(Diagnostic(NOT_THERE, words, hint=hint))

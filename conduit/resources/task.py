"""task: something that can be done once, done again and again at set times."""

from typing import Annotated

from msgspec.structs import replace
from pydantic import Field

from conduit import cron, grammar
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import FRAME, Key, Native
from conduit.resources.rights_spec import Name
from conduit.spec import Resource, Spec
from conduit.validators import After

NO_ACTION = Code(
    "CND-2441",
    "a task for what cannot be done",
    "A task does one of the few things that can be done once to its subject, such as flush for frame/dnsmasq or "
    "restart for a container, and nothing else: it runs no command, and nothing that needs to be told more. The "
    "message names what its subject can do.",
)
NO_SUBJECT = Code(
    "CND-2442",
    "a task about a daemon that the settings do not name",
    "The subject of a task is a declared resource, written kind/name, or frame/ and one of the daemons of "
    "conduit.yaml. Correct the name, or add the section of that daemon.",
)


def _subject(text: str) -> str:
    """The key of a resource, or of a daemon's frame. Raises ValueError."""
    kind, name = Key.parse(text)
    return str(Key(grammar.name(kind), grammar.name(name)))


Schedule = Annotated[str, Field(max_length=100), After(cron.schedule)]
Zone = Annotated[str, Field(max_length=64), After(cron.zone)]
Verb = Annotated[str, Field(min_length=1, max_length=64), After(grammar.plain_text)]
Subject = Annotated[str, Field(max_length=128), After(_subject)]


class TaskSpec(Spec):
    """What is done when, and in whose rights."""

    schedule: Schedule
    """When: five fields of cron, or @hourly, @daily, @weekly or @monthly."""
    timezone: Zone = "UTC"
    """The time zone of the schedule, such as Europe/Berlin."""
    action: Verb
    """What is done: an operation of the subject, such as restart."""
    subject: Subject
    """To what: a declared resource such as container/wiki, or a daemon such as frame/dnsmasq."""
    run_as: Name
    """The declared user in whose rights, as they are at that moment."""
    enabled: bool = True
    """Whether it is done; one that is enabled again does not catch up."""


class Task(Kind[TaskSpec]):
    """An operation at set times, done by `conduit serve` or `conduit watch` while that runs.

    It is done in the rights that its user has at that moment: without them nothing is done, and that is told. A time
    that was missed is made up for once, at most one period late, and nothing is ever done twice for one time.
    """

    name = "task"
    plural = "tasks"
    spec = TaskSpec
    provider = "self"
    adopt = "mark"
    permission = "scheduler"

    def complete(self, resource: Resource[TaskSpec], look: Look) -> Resource[TaskSpec]:
        """Require user and subject, and an action that the subject has."""
        spec, subject = resource.spec, Key.parse(resource.spec.subject)
        if subject.kind == FRAME and subject.name not in look.settings.sections:
            known = ", ".join(look.settings.sections)
            words = f"{resource.key} is about {subject}, which conduit.yaml does not name; there are: {known}"
            hint = did_you_mean(subject.name, look.settings.sections) or "add its section, or name another one"
            raise ConduitError(Diagnostic(NO_SUBJECT, words, resource.source, hint, field="subject"))
        verbs = look.verbs(subject)
        if spec.action not in verbs:
            words = f"{resource.key}: {subject} has no operation {shown(spec.action)} that a task could do"
            hint = did_you_mean(spec.action, verbs) or f"there are: {', '.join(verbs) or 'none'}"
            raise ConduitError(Diagnostic(NO_ACTION, words, resource.source, hint, field="action"))
        wanted = (Key("user", spec.run_as), *(() if subject.kind == FRAME else (subject,)))
        return replace(resource, needs=(*resource.needs, *wanted))

    def render(self, spec: TaskSpec, ctx: Context) -> Native:
        """Return the task as it is kept."""
        return spec.model_dump()

    def parse(self, native: Native) -> TaskSpec | None:
        """Return the spec of a task."""
        return TaskSpec.parsed(native)

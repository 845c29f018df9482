"""How a container's health is found out. Pure."""

from typing import Annotated

from pydantic import Field

from conduit.compose.values import Duration, Flag, Text, Whole
from conduit.spec import Spec
from conduit.validators import After


def _test(test: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if test is not None and (len(test) < 2 or test[0] not in ("CMD", "CMD-SHELL")):
        raise ValueError("a test begins with CMD or CMD-SHELL and says what to run; NONE alone runs no check")
    if test is not None and test[0] == "CMD-SHELL" and len(test) > 2:
        raise ValueError("CMD-SHELL takes one command line; for a list of words write CMD")
    return test


Test = Annotated[tuple[Text, ...] | None, After(_test)]


class Healthcheck(Spec):
    """The `healthcheck` of a service. A field that is absent leaves what the image says."""

    disable: Flag = False
    """Run no check, not even the image's."""
    test: Test = Field(None, strict=False)
    """`CMD` and a program with its arguments, or `CMD-SHELL` and a command line."""
    interval: Duration | None = None
    """Milliseconds between checks."""
    timeout: Duration | None = None
    """Milliseconds a check may take."""
    retries: Annotated[Whole, Field(ge=0)] | None = None
    """Failures in a row that make a container unhealthy."""
    start_period: Duration | None = None
    """Milliseconds after the start in which failures do not count."""
    start_interval: Duration | None = None
    """Milliseconds between checks within the start period."""

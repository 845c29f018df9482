"""What a domain declares. The kind is in `conduit.resources.domain`."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from conduit import grammar
from conduit.resources.reach_spec import Reach, ResourceName
from conduit.resources.service_spec import SiteSpec
from conduit.spec import Spec
from conduit.validators import After

LONGEST: Final = 150
"""A certificate's file carries the name of its domain, and file names end at 255 characters."""


def _domain(text: str) -> str:
    host = grammar.host_name(text)
    if len(host) > LONGEST:
        raise ValueError(f"a domain has at most {LONGEST} characters")
    return host


OWN: Final = frozenset(("aliases", "path", "strip_prefix", "tls", "https_redirect"))
"""The fields that a domain never takes over from its service."""


class Names(Spec):
    """The names of a domain, and what stands behind them."""

    domain: Annotated[str, After(_domain)] = Field(description="the host name, for example blog.example.com")
    service: ResourceName | None = Field(
        None, description="the service that answers; all that a visitor meets there holds here too"
    )
    www: Literal["redirect", "both", "off"] = Field(
        "off",
        description="what the name with www. does, or of a domain with www. the one without: "
        "redirect to the domain, answer as well, or nothing",
    )
    dns: bool | None = Field(
        None,
        description="whether the names get DNS records; by default those in the site's own domains do, "
        "others are answered elsewhere",
    )


ANSWERS: Final = ("service", "deployment", "redirect")
"""What may stand behind a domain."""


class DomainSpec(SiteSpec, Reach, Names):
    """An external name of a service or deployment: what is not written is as the service has it, apart from `OWN`."""

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if len(self._answers) != 1:
            raise ValueError(f"write exactly one of {', '.join(ANSWERS[:-1])} and {ANSWERS[-1]}")
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is named twice")
        return self

    @property
    def _answers(self) -> list[str]:
        return [name for name in ANSWERS if getattr(self, name) is not None]

    @property
    def answer(self) -> str:
        """The field that says what stands behind it."""
        return self._answers[0]

    @property
    def counterpart(self) -> str:
        """The name `www` is about."""
        return self.domain[4:] if self.domain.startswith("www.") else f"www.{self.domain}"

    @property
    def answered(self) -> tuple[str, ...]:
        """The names that show the site."""
        return (self.domain, *self.aliases, *((self.counterpart,) if self.www == "both" else ()))

    @property
    def names(self) -> tuple[str, ...]:
        """All names: the certificate covers each."""
        return (*self.answered, *((self.counterpart,) if self.www == "redirect" else ()))

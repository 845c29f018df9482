"""One figure of the API, and what is promised of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from report import table


class Figure(NamedTuple):
    """What was measured, with how many services; `limit` is what is promised, and `least` that it is a lower one.

    `beside` tells the other figures of the same measurement.
    """

    what: str
    services: int
    value: float
    unit: str
    limit: float | None = None
    beside: str = ""
    least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the promise holds; empty without one."""
        if self.limit is None:
            return ""
        holds = self.value >= self.limit if self.least else self.value <= self.limit
        return "held" if holds else "**missed**"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of a table."""
        sort = "at least" if self.least else "at most"
        promised = "" if self.limit is None else f"{sort} {self.limit:,.4g}{self.unit}"
        measured = f"{self.value:,.4g}{self.unit}"
        return self.what, f"{self.services:,}", measured, promised, self.verdict, self.beside


def report(about: str, figures: Iterable[Figure]) -> str:
    """Return all figures as Markdown."""
    head = ("what", "services", "measured", "promised", "", "beside")
    return "\n".join([about, "", *table(head, (figure.cells for figure in figures))])

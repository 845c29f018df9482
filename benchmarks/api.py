"""Measure the REST API of `conduit serve`: reads under load, registrations, writers at once, streams, memory.

    api.py [--sizes 10,100,1000] [--rounds 15] [--seconds 10] [--minutes 5] [--only reads,...] [--write-docs]

Each figure has a site of its own, whose services are served over TLS, each from a manifest of its own in a git work
tree. It counts only when the daemons, and git, then say what was answered; otherwise the run ends with an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Final

from figure import Figure, report
from job import SITES
from memory import memory
from reads import reads
from registration import hundred, one
from report import publish
from streams import streams
from versions import versions
from writers import writers

Options = argparse.Namespace

FEWEST: Final = 100
"""Reads of smaller sites say nothing."""
CASES: Final[dict[str, Callable[[Options], Iterator[Figure]]]] = {
    "reads": lambda given: (row for size in given.sizes if size >= FEWEST for row in reads(size, given.seconds)),
    "one": lambda given: (one(size, given.rounds) for size in given.sizes),
    "hundred": lambda given: hundred(),
    "writers": lambda given: iter(writers()),
    "streams": lambda given: iter([streams()]),
    "memory": lambda given: iter([memory(given.minutes)]),
}


def main() -> int:
    """Measure, print the report, and return the exit code: 1 when a promise does not hold."""
    options = argparse.ArgumentParser(description="Measure the REST API.")
    options.add_argument("--sizes", default="10,100,1000", help="numbers of services")
    options.add_argument("--rounds", type=int, default=15, help="registrations one after the other")
    options.add_argument("--seconds", type=int, default=10, help="how long each path is read")
    options.add_argument("--minutes", type=float, default=5, help="how long the load lasts after which memory is told")
    options.add_argument("--only", default=",".join(CASES))
    options.add_argument("--write-docs", action="store_true", help="write the figures into docs/performance.md")
    given = options.parse_args()
    sizes, given.sizes = given.sizes, [int(size) for size in given.sizes.split(",")]
    figures: list[Figure] = []
    for name in given.only.split(","):
        for figure in CASES[name](given):
            print(*figure.cells, sep="  ", file=sys.stderr)
            figures.append(figure)
    facts = versions(SITES["proxy-dns"], ())
    command = f"benchmarks/api.py --sizes {sizes} --rounds {given.rounds} --seconds {given.seconds}"
    about = f"Measured {facts.pop('date')} with `{command} --minutes {given.minutes:g} --only {given.only}`: "
    text = report(about + ", ".join(f"{name} {value}" for name, value in facts.items()) + ".", figures)
    print(text)
    if given.write_docs:
        publish(text, "api")
    return int(any(figure.verdict == "**missed**" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())

"""Measure conduit, the floor and its peers on one job, on this machine, in one run; what counts is their ratios.

    run.py [--site full] [--quick] [--sizes 100,1000,10000] [--rounds 3] [--tools raw,conduit,pyinfra,ansible]
           [--write-docs]

Rounds are outside and tools inside, so that a machine that slows down slows all of them. Each tool gets fresh daemons;
starting and checking them is not measured. Every figure counts only when the live daemons then answer as declared:
otherwise the run ends with 1 and says what is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from job import SITES, Site, Wish, wish
from report import BEGIN, CASES, DOCS, PROVEN, UNPROVEN, Row, publish, report
from tools import HERE, TOOLS, Tool, conduit, conduit_case
from verify import problems
from versions import versions
from world import World

CERTIFIED_COUNT: Final = 1000
PROVEN_COUNT: Final = 100

ENVIRONMENT: Final = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}


def cost_of(world: World, command: list[str], directory: Path = HERE) -> Row:
    """Run a command to its end and return what it cost."""
    result, log = world.directory / "cost.json", world.directory / "tool.log"
    measure = [sys.executable, "-IS", str(HERE / "measure.py"), str(result), *command]
    with log.open("wb") as output:
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        subprocess.run(measure, cwd=directory, env=ENVIRONMENT, check=True, **quiet)
    cost: Row = json.loads(result.read_text())
    tail = log.read_text(errors="replace").splitlines()[-10:]
    return cost | {"problems": [f"exit code {cost['code']}", *tail] if cost["code"] else []}


def measured(world: World, declared: Wish, command: list[str], directory: Path = HERE) -> Row:
    """Run a command on a world with this wish; return its cost, what is then wrong, and what it disturbed."""
    before = world.disturbances()
    world.declare(declared)
    cost = cost_of(world, command, directory)
    wrong = cost["problems"] or problems(world, declared)
    after = world.disturbances()
    return cost | {"problems": wrong} | {name: after[name] - before[name] for name in after}


def job(tool: Tool, site: Site, count: int) -> Iterator[Row]:
    """Let a tool do all cases in one world."""
    with World(site, knows_hosts=tool.knows_hosts) as world:
        if tool.prepare:
            tool.prepare(world)
        first = wish(site, count, world.upstreams["before"])
        wishes = {"first": first, "after": first, "noop": first}
        wishes["change"] = wish(site, count, world.upstreams["after"], changed=True)
        for case in wishes:
            row = measured(world, wishes[case], tool.command(world, case), tool.directory)
            yield {"tool": tool.name, "case": case, "count": count, **row}


def certificates(site: Site, count: int) -> Iterator[Row]:
    """Let conduit issue a certificate for every service, then find nothing to do."""
    with World(site, knows_hosts=False) as world:
        declared = wish(site, count, world.upstreams["before"], tls="internal")
        for case in ("first", "noop"):
            row = measured(world, declared, conduit_case(world, case))
            yield {"tool": "conduit", "case": f"{CASES[case]}, a certificate each", "count": count, **row}


def proof(site: Site, count: int) -> Iterator[Row]:
    """Let conduit apply services that answer, without and with the proof of each."""
    for case, words in {UNPROVEN: ["--no-prove"], PROVEN: []}.items():
        with World(site, knows_hosts=False) as world:
            upstream = world.upstreams["before"]
            silent = wish(site, count, upstream)["services"]
            declared = {"services": {name: {**fields, "upstream": upstream} for name, fields in silent.items()}}
            row = measured(world, declared, conduit(world, "apply", "--yes", *words))
            yield {"tool": "conduit", "case": case, "count": count, **row}


def rows(options: argparse.Namespace, tools: list[Tool]) -> Iterator[Row]:
    """Yield every row of a run; what only conduit does is measured on the sites with one proxy."""
    site, largest = SITES[options.site], max(options.sizes)
    for turn in range(options.rounds):
        for count in options.sizes:
            for tool in tools:
                yield from ({"round": turn, **row} for row in job(tool, site, count))
        if len(site.proxies) == 1:
            for row in (*proof(site, min(PROVEN_COUNT, largest)), *certificates(site, min(CERTIFIED_COUNT, largest))):
                yield {"round": turn, **row}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    options = argparse.ArgumentParser(description="Measure conduit against the floor and its peers.")
    options.add_argument("--site", choices=SITES, default="full", help="what the site is made of")
    options.add_argument("--quick", action="store_true", help="100 services, one round, without the peers")
    options.add_argument("--sizes", default="100,1000,10000", help="numbers of services")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--tools", default=",".join(tool.name for tool in TOOLS))
    options.add_argument("--out", type=Path, help="where every measurement is kept; results-<site>.jsonl by default")
    options.add_argument("--write-docs", action="store_true", help=f"write the figures into {DOCS.name}")
    given = options.parse_args()
    if given.write_docs and BEGIN.format(site=given.site) not in DOCS.read_text():
        options.error(f"{DOCS.name} has no place for the figures of {given.site}")
    if given.quick:
        given.sizes, given.rounds, given.tools = "100", 1, "raw,conduit"
    given.sizes = [int(size) for size in given.sizes.split(",")]
    given.out = given.out or HERE / f"results-{given.site}.jsonl"
    return given


def chosen(names: str) -> list[Tool]:
    """Return the tools of a list of names that are installed, and say which are not."""
    wanted = [tool for tool in TOOLS if tool.name in names.split(",")]
    for tool in wanted:
        if not tool.installed:
            print(f"without {tool.name}: {tool.program} is not there (make bench-peers)", file=sys.stderr)
    return [tool for tool in wanted if tool.installed]


def main() -> int:
    """Measure, keep every row, print the report, and return the exit code."""
    options = arguments()
    tools = chosen(options.tools)
    about = {"command": _command(options, tools), **versions(SITES[options.site], tools)}
    found: list[Row] = []
    with options.out.open("w") as out:
        out.write(json.dumps(about) + "\n")
        for row in rows(options, tools):
            found.append(row)
            out.write(json.dumps(row) + "\n")
            out.flush()
            print(_line(row), file=sys.stderr)
    text = report(about, found)
    print(text)
    wrong = [row for row in found if row["problems"]]
    if options.write_docs and not wrong:
        publish(text, options.site)
    return 1 if wrong else 0


def _command(options: argparse.Namespace, tools: list[Tool]) -> str:
    sizes, names = ",".join(map(str, options.sizes)), ",".join(tool.name for tool in tools)
    return f"benchmarks/run.py --site {options.site} --sizes {sizes} --rounds {options.rounds} --tools {names}"


def _line(row: Mapping[str, Any]) -> str:
    name = f"{row['tool']} {row['case']} {row['count']:,}"
    wrong = " ... ".join(row["problems"][:1] + row["problems"][1:][-1:])
    return f"{name:<32} wall {row['wall']:8.2f} s  cpu {row['cpu']:7.2f} s  {row['rss']:4.0f} MiB  {wrong}"


if __name__ == "__main__":
    sys.exit(main())

"""From rows to the report: medians, ratios within each round, and each target with what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

Row = dict[str, Any]

DOCS: Final = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures of {site}: begin -->", "<!-- figures of {site}: end -->"
"""Around the figures of a site in `DOCS`."""
LARGE: Final = 10_000
UNPROVEN, PROVEN = "first apply without proof", "first apply, every root proven"
CASES: Final = {
    "noop": "nothing to do",
    "after": "nothing to do, right after an apply",
    "change": "one service changed",
    "first": "first apply",
}

LOADS: Final = {
    "caddy_loads": "Caddy loads",
    "nginx_loads": "nginx loads",
    "dnsmasq_loads": "dnsmasq loads",
    "dnsmasq_starts": "dnsmasq starts",
    "container_starts": "container starts",
}
"""What an apply may disturb, and how it is called."""


class Target(NamedTuple):
    """One thing promised: `value` is None when the run did not measure it."""

    promise: str
    limit: float
    value: float | None
    unit: str = "×"


class Figures:
    """The rows of a run after which the site held, asked by tool, case and number of services."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = [row for row in rows if not row["problems"]]
        self.sizes = sorted({row["count"] for row in self.rows if row["case"] in CASES})
        self.tools = list(dict.fromkeys(row["tool"] for row in self.rows))
        self.loads = [field for field in LOADS if any(field in row for row in self.rows)]

    def of(self, tool: str, case: str, count: int) -> list[Row]:
        """Return the rows of a case, one for each round."""
        return [row for row in self.rows if (row["tool"], row["case"], row["count"]) == (tool, case, count)]

    def middle(self, tool: str, case: str, count: int, field: str) -> float | None:
        """Return the median of a field over the rounds."""
        values = [row[field] for row in self.of(tool, case, count)]
        return median(values) if values else None

    def ratio(self, case: str, count: int, field: str, to: str = "raw", tool: str = "conduit") -> float | None:
        """Return the median over the rounds of a tool's figure over another's in the same round."""
        base = {row["round"]: row[field] for row in self.of(to, case, count)}
        found = [row[field] / base[row["round"]] for row in self.of(tool, case, count) if row["round"] in base]
        return median(found) if found else None

    def each(self, field: str) -> list[float]:
        """Return what the proof of one root took in each round."""
        plain = {row["round"]: row[field] for row in self.rows if row["case"] == UNPROVEN}
        proven = [row for row in self.rows if row["case"] == PROVEN and row["round"] in plain]
        return [(row[field] - plain[row["round"]]) / row["count"] for row in proven]


def report(about: Row, rows: Iterable[Row]) -> str:
    """Return the report of a run as Markdown."""
    figures = Figures(rows)
    facts = ", ".join(f"{name} {value}" for name, value in about.items() if name not in ("command", "date"))
    parts = [
        [f"Measured {about['date']} with `{about['command']}`: {facts}.", f"Others kept it {_others(figures)} busy."],
        table(("target", "limit", "measured", ""), map(_target_row, targets(figures))),
        table(("case", "services", "tool", "wall s", "CPU s", "peak MiB", "wall / raw", "CPU / raw"), _cases(figures)),
        table(("conduit alone", "services", "wall s", "CPU s", "peak MiB"), _alone(figures)),
        table(("disturbance", "services", *(LOADS[field] for field in figures.loads)), _loads(figures)),
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def targets(figures: Figures) -> Iterator[Target]:
    """Yield every target with its figure. No-op and change are judged by CPU time, a first apply by wall time."""
    for count in figures.sizes:
        large = count >= LARGE
        size = f"{count:,} services"
        yield Target(f"no-op, {size}, to raw", 1.2 if large else 1.5, figures.ratio("noop", count, "cpu"))
        yield Target(f"no-op right after an apply, {size}, to raw", 1.2 if large else 1.5, _after(figures, count))
        yield Target(f"one change, {size}, to raw", 1.5, figures.ratio("change", count, "cpu"))
        yield Target(f"first apply (wall), {size}, to raw", 1.3, figures.ratio("first", count, "wall"))
        memory = figures.middle("conduit", "noop", count, "rss")
        yield Target(f"no-op memory, {size}", 200 if large else 100, memory, " MiB")
        for peer, limit in {"pyinfra": 1 / 2, "ansible": 1 / 12}.items():
            for case in ("noop", "change"):
                name = "no-op" if case == "noop" else "one change"
                yield Target(f"{name}, {size}, to tuned {peer}", limit, figures.ratio(case, count, "cpu", peer))
        yield Target(
            f"loads of a daemon or starts of containers at a no-op, {size}", 0, _most_loads(figures, "noop", count), ""
        )
        yield Target(
            f"loads of a daemon or starts of containers at one change, {size}",
            1,
            _most_loads(figures, "change", count),
            "",
        )
    yield Target("growth of a no-op, 1,000 to 10,000 services", 6, _growth(figures))


def publish(text: str, site: str) -> None:
    """Put the report of a site between its markers in docs/performance.md."""
    begin, end = BEGIN.format(site=site), END.format(site=site)
    before, _, rest = DOCS.read_text().partition(begin)
    DOCS.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}")


def _after(figures: Figures, count: int) -> float | None:
    return figures.ratio("after", count, "cpu")


def _most_loads(figures: Figures, case: str, count: int) -> float | None:
    rows = figures.of("conduit", case, count)
    return max((row[field] for row in rows for field in figures.loads), default=None)


def _growth(figures: Figures) -> float | None:
    small, large = (figures.middle("conduit", "noop", count, "cpu") for count in (1000, LARGE))
    return large / small if small and large else None


def _others(figures: Figures) -> str:
    return f"{median(row['others'] for row in figures.rows):.0%}" if figures.rows else "hardly"


def _target_row(target: Target) -> Sequence[str]:
    promise, limit, value, unit = target
    if value is None:
        return promise, f"{limit:.3g}{unit}", "not measured", ""
    return promise, f"{limit:.3g}{unit}", f"{value:.3g}{unit}", "held" if value <= limit else "**missed**"


def _cases(figures: Figures) -> Iterator[Sequence[str]]:
    for case, words in CASES.items():
        for count in figures.sizes:
            for tool in figures.tools:
                if figures.of(tool, case, count):
                    costs = _costs(figures, tool, case, count)
                    ratios = [figures.ratio(case, count, field, "raw", tool) for field in ("wall", "cpu")]
                    yield words, f"{count:,}", tool, *costs, *(f"{ratio:.2f}" if ratio else "" for ratio in ratios)


def _alone(figures: Figures) -> Iterator[Sequence[str]]:
    for case, count in dict.fromkeys((row["case"], row["count"]) for row in figures.rows if row["case"] not in CASES):
        yield case, f"{count:,}", *_costs(figures, "conduit", case, count)
    if figures.each("wall"):
        yield "proof of one root", "1", *(f"{median(figures.each(field)):.4f}" for field in ("wall", "cpu")), ""


def _loads(figures: Figures) -> Iterator[Sequence[str]]:
    for case in CASES:
        for count in figures.sizes:
            rows = figures.of("conduit", case, count)
            if rows:
                yield CASES[case], f"{count:,}", *(str(max(row[field] for row in rows)) for field in figures.loads)


def _costs(figures: Figures, tool: str, case: str, count: int) -> list[str]:
    forms: dict[str, Callable[[float], str]] = {"wall": "{:.2f}".format, "cpu": "{:.2f}".format, "rss": "{:.0f}".format}
    return [form(figures.middle(tool, case, count, field) or 0) for field, form in forms.items()]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    rule = "|" + "|".join(" --- " for _ in head) + "|"
    return [lines[0], rule, *lines[1:]]

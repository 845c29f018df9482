"""A plan as Markdown, for a comment on a change or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from conduit.plan import Plan
from conduit.show.plan import plan_lines
from conduit.show.summary import Summary
from conduit.show.text import View, plain


def markdown_lines(plan: Plan, view: View) -> Iterator[str]:
    """Yield the summary as a heading and the plan in a fence that nothing in it can close."""
    lines = list(plan_lines(plan, replace(view, style=plain)))
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"### {Summary.of(plan).sentence(view.now)}"
    if plan.changes or plan.unknown or plan.unsafe:
        yield from ("", "<details><summary>Plan</summary>", "", f"{fence}text", *lines, fence, "", "</details>")
    yield from ("", f"Plan digest `{plan.digest}`")

"""Problems as text: where, what, the line with a caret, what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conduit.errors import Diagnostic
from conduit.show.text import View, counted, escape

WORD = r"[A-Za-z0-9_.-]+"


def diagnostic_lines(problem: Diagnostic, view: View) -> Iterator[str]:
    """Yield one problem: `file:line:col: error: message [code]`, the line, a caret, the hint, the related places."""
    where = f"{escape(str(problem.source))}: " if problem.source and problem.source.file else ""
    role = "error" if problem.severity == "error" else "warning"
    yield f"{where}{view.style(role, f'{problem.severity}:')} {escape(problem.summary)} [{problem.code.id}]"
    if problem.line and problem.source:
        yield from _caret(problem.line, problem.source.line, problem.source.column)
    if problem.hint:
        yield f"  hint: {escape(problem.hint)}"
    for words, source in problem.related:
        yield f"  see:  {escape(words)} at {escape(str(source))}"


def problems_lines(problems: Iterable[Diagnostic], view: View) -> Iterator[str]:
    """Yield all problems and how to read more about them."""
    problems = list(problems)
    for problem in problems:
        yield from diagnostic_lines(problem, view)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        yield f"{counted(len(errors), 'error')}; `conduit explain {errors[0].code.id}` tells more"


def _caret(line: str, number: int, column: int) -> Iterator[str]:
    head, tail = line[: max(0, column - 1)], line[max(0, column - 1) :]
    word = re.match(WORD, tail, re.ASCII)
    gutter = f"{number:>6} | " if number else "       | "
    yield gutter + _flat(line)
    if column:
        yield f"{' ' * (len(gutter) - 2)}| {' ' * len(_flat(head))}{'^' * (word.end() if word else 1)}"


def _flat(line: str) -> str:
    return escape(line.replace("\t", "    "))

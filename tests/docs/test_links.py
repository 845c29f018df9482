"""Every link inside the repository leads somewhere, and every page can be reached from the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.conftest import PAGES, ROOT, prose

LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each link into the repository: as written, the file it names, and the heading."""
    for target in LINK.findall(prose(page)):
        if "://" not in target:
            name, _, heading = target.partition("#")
            yield target, (page.parent / name).resolve() if name else page, heading


def anchors(page: Path) -> set[str]:
    """The headings of a page as its web form names them."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(prose(page)))
    return {title.strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for written, target, heading in links(page):
        assert target.exists(), f"{page}: {written}"
        assert not heading or heading in anchors(target), f"{page}: {written}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting += [target for _, target, _ in links(page) if target.exists()]
    lost = {str(page.relative_to(ROOT)) for page in PAGES} - {str(page.relative_to(ROOT)) for page in reached}
    assert not lost, f"no link leads to {lost}"

"""A private site with `conduit serve` on a free port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_world import Served, make_served


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """One served site for the tests of a module, with its `API` settings; they use names of their own."""
    with make_served(**getattr(request.module, "API", {})) as site:
        yield site

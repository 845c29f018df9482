"""Fixtures of the service tests."""

from __future__ import annotations

import pytest
from service_world import Table


@pytest.fixture
def look() -> Table:
    """A look with default settings and no names."""
    return Table()

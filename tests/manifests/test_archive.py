"""Manifests that were kept are a tree again, whose names count from where they did."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.manifests.archive import tree_of


@pytest.mark.parametrize(
    ("name", "root", "base", "counted_from"),
    [
        ("desired/notes/a.yaml", "/srv/site/desired", "/srv/site", "/srv/site"),
        ("desired/notes/a.yaml", "/srv/site/desired", "/srv/site/.sandbox", "/srv/site"),
        ("site/desired/a.yaml", "/srv/site/desired", "/etc/conduit", "/srv"),
        ("/srv/site/desired/a.yaml", "/srv/site/desired", "/etc/conduit", "/etc/conduit"),
        ("desired/desired/a.yaml", "/srv/desired/desired", "/etc/conduit", "/srv"),
        ("a.yaml", "/srv/site/desired", "/etc/conduit", "/etc/conduit"),
    ],
    ids=["below the settings", "beside them", "from above", "whole", "one name twice", "not of this site"],
)
def test_names_count_from_where_they_lead_below_the_manifests(
    name: str, root: str, base: str, counted_from: str
) -> None:
    """Regression: in the sandbox of a checkout, an undo looked for Compose files beside conduit.yaml."""
    assert tree_of({name: b"{}"}, Path(root), Path(base)).base == Path(counted_from)

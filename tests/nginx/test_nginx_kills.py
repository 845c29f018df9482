"""kill -9 and I/O errors at each step of nginx's commit: every site is as before or as wished, one apply heals."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.failpoints import NAMES
from conduit.sandbox.daemon import Daemon
from tests.conftest import Ran, Site
from tests.failing import at

POINTS = [name for name in NAMES if name.startswith("nginx.")]
SITES = ("one", "two")


@pytest.fixture
def proxies() -> tuple[str, ...]:
    return ("nginx",)


@pytest.fixture
def wish(site: Site, upstream: Callable[..., Daemon]) -> Callable[..., None]:
    """`wish(revision, *names)` declares these services; each answers with the revision in a header."""
    address = upstream().address

    def write(revision: str, *names: str) -> None:
        fields = f"{{upstream: '{address}', response_headers: {{X-Revision: {revision}}}}}"
        site.write("site.yaml", "services:\n" + "".join(f"  {name}: {fields}\n" for name in names))

    return write


def apply(site: Site, point: str = "", action: str = "kill") -> Ran:
    env = at(point, action) if point else {}
    return site.conduit("apply", "--yes", env=env)


def revision(site: Site, name: str) -> str:
    """Return the revision a site answers with, as curl sees it; empty when it is not served."""
    told = site.curl(f"https://{name}.home.arpa/", proxy="nginx").stdout
    return next((line.split()[1] for line in told.splitlines() if line.lower().startswith("x-revision:")), "")


def check_whole(site: Site, wanted: str, *names: str) -> None:
    """One apply makes the wish true, the next diff is empty, and no temporary file is left."""
    done = apply(site)
    assert done.code == 0, done.stdout + done.stderr
    assert [revision(site, name) for name in names] == [wanted] * len(names)
    assert "No changes." in site.conduit("diff").stdout
    conf_file = Path(site.daemons["nginx"].section["conf_file"])
    assert [path.name for path in conf_file.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("action", ["kill", "eio"])
@pytest.mark.parametrize("point", POINTS)
def test_every_step_of_an_update_may_fail(
    site: Site, wish: Callable[..., None], wait_for: Callable[..., Any], point: str, action: str
) -> None:
    wish("old", *SITES)
    check_whole(site, "old", *SITES)
    wish("new", *SITES, "three")
    failed = apply(site, point, action)
    expected = (-signal.SIGKILL,) if action == "kill" else (0, 1, 4)
    assert failed.code in expected, failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr

    def whole() -> bool:
        return {revision(site, name) for name in SITES} in ({"old"}, {"new"})

    assert wait_for(whole, "one file, so all sites are old or all are new, once nginx has changed its workers")
    check_whole(site, "new", *SITES, "three")


@pytest.mark.parametrize("point", POINTS)
def test_every_step_of_a_first_apply_may_be_the_last(site: Site, wish: Callable[..., None], point: str) -> None:
    wish("new", *SITES)
    assert apply(site, point).code == -signal.SIGKILL
    check_whole(site, "new", *SITES)

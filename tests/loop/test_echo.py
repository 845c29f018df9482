"""An edit that was made true already wakes the loop for nothing; whatever else happens does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conduit.engine import Engine
from conduit.errors import LoadError
from conduit.manifests.settings_file import read_settings
from conduit.manifests.store import SetField
from conduit.model import Key
from conduit.providers.git import Author
from conduit.recall import Recall
from conduit.reconcile.asks import Apply, Preview, Tend
from conduit.reconcile.passes import Passes
from conduit.reconcile.suspension import resume, suspend
from conduit.reconcile.worker import Worker
from tests.conftest import Site

ANN = Author("Ann", "ann@home.arpa")


@pytest.fixture
def passes(site: Site) -> Passes:
    """What is known of the site."""
    return Passes(Engine(read_settings(site.settings_file), recall=Recall()), lambda event, content: None)


@pytest.fixture
def worker(passes: Passes, committed: Callable[..., Path]) -> Iterator[Worker]:
    """A worker that has made a committed site true."""
    committed(one="10.0.0.1")
    found = Worker(passes)
    found.start()
    found.submit(Apply()).result()
    yield found
    found.stop()


def edit(passes: Passes, value: str) -> None:
    passes.engine.store.edit(Key("dns_record", "one"), [SetField("value", value)], "Move it", ANN)


def test_our_own_edit_is_known_once_it_is_true(site: Site, passes: Passes, worker: Worker) -> None:
    assert passes.knows()
    edit(passes, "10.0.0.2")
    assert not passes.knows()
    worker.submit(Apply()).result()
    assert site.dig("one.home.arpa") == ["10.0.0.2"]
    assert passes.knows()
    before = passes.snapshot.number
    worker.submit(Tend(echo=True)).result()
    worker.submit(Preview()).result()
    worker.submit(Tend(echo=True)).result()
    assert passes.snapshot.number == before + 1, "only the look was a pass"
    edit(passes, "10.0.0.3")
    worker.submit(Tend(echo=True)).result()
    assert site.dig("one.home.arpa") == ["10.0.0.3"]


def test_what_somebody_else_does_is_not_known(
    site: Site, passes: Passes, worker: Worker, records: Callable[..., Path], git: Callable[..., str]
) -> None:
    path = records(one="10.0.0.3")
    assert not passes.knows()
    worker.submit(Apply()).result()
    assert passes.knows()
    git("commit", "--quiet", "--all", "--message", "second")
    assert not passes.knows(), "a commit may allow what was held back"
    worker.submit(Apply()).result()
    suspend(passes.engine.state, passes.engine.now())
    assert not passes.knows()
    resume(passes.engine.state)
    whole = path.read_text()
    path.write_text("dns_records: [")
    assert not passes.knows()
    assert isinstance(worker.submit(Apply()).exception(), LoadError)
    path.write_text(whole)
    assert not passes.knows(), "what could not be loaded meanwhile is told until the next pass"


def test_what_is_not_wholly_true_is_never_known(
    site: Site, passes: Passes, worker: Worker, records: Callable[..., Path], wait_for: Callable[..., Any]
) -> None:
    site.daemons["dnsmasq"].stop()
    worker.submit(Apply()).result()
    assert not passes.knows()
    site.daemons["dnsmasq"].start()
    worker.submit(Apply()).result()
    assert passes.knows()

"""A container that nothing waits for is made while the rest of a plan goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import Ran
from tests.docker.container_world import SLEEP, Containers
from tests.failing import paused_at, reached

NAME = "wiki.home.arpa"
RECORD = f"dns_records:\n  wiki: {{name: {NAME}, value: 10.0.0.9}}\n"


@contextmanager
def stopped_in_the_making(
    containers: Containers, gate: Path, wait_for: Callable[..., Any], *words: str
) -> Iterator[Future[Ran]]:
    """An apply whose container is there and not started as long as the `with` block runs."""
    env = paused_at("docker.container.created", gate)
    with ThreadPoolExecutor(1) as pool:
        applying = pool.submit(containers.site.conduit, "apply", "--yes", *words, env=env)
        try:
            wait_for(lambda: reached(gate).exists() or applying.done(), "the container is made")
            assert reached(gate).exists(), applying.result()
            yield applying
        finally:
            gate.touch()


def test_documents_are_committed_while_a_container_is_made(
    containers: Containers, directory: Path, wait_for: Callable[..., Any]
) -> None:
    containers.declare(RECORD, web=SLEEP)
    with stopped_in_the_making(containers, directory / "gate", wait_for) as applying:
        wait_for(lambda: containers.site.dig(NAME) == ["10.0.0.9"], "the record is served")
        assert not containers.running()
        assert not applying.done()
    assert applying.result().code == 0, applying.result()
    assert containers.running() == ["web"]
    assert containers.settled()


def test_what_needs_a_container_waits_until_it_runs(
    containers: Containers, directory: Path, wait_for: Callable[..., Any]
) -> None:
    containers.declare(RECORD.replace("10.0.0.9}", "10.0.0.9, needs: [container/web]}"), web=SLEEP, other=SLEEP)
    with stopped_in_the_making(containers, directory / "gate", wait_for):
        assert not containers.running()
        assert not containers.site.dig(NAME)
    wait_for(lambda: containers.site.dig(NAME) == ["10.0.0.9"], "the record is served")
    assert "web" in containers.running()


def test_a_container_that_is_not_made_takes_nothing_along(containers: Containers) -> None:
    containers.declare(RECORD, web="command: [/none], stop_signal: SIGKILL")
    assert containers.site.conduit("apply", "--yes").code == 4
    assert containers.site.dig(NAME) == ["10.0.0.9"]
    assert not containers.running()


def test_with_one_at_a_time_a_container_is_made_before_documents_are_written(
    containers: Containers, directory: Path, wait_for: Callable[..., Any]
) -> None:
    containers.declare(RECORD, web=SLEEP)
    with stopped_in_the_making(containers, directory / "gate", wait_for, "--parallel", "1") as applying:
        assert not containers.site.dig(NAME)
    assert applying.result().code == 0, applying.result()
    assert containers.site.dig(NAME) == ["10.0.0.9"]

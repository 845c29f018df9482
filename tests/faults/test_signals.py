"""Ctrl-C and SIGTERM in the middle of an apply: the step is finished, the rest is left, the next apply goes on."""

from __future__ import annotations

import signal

import oracle
import pytest
from faults_world import WISHES, World

CASES = [
    ("certs.issue.before", signal.SIGTERM, 143),
    ("apply.before_documents", signal.SIGINT, 130),
    ("dnsmasq.commit.renamed", signal.SIGTERM, 143),
    ("caddy.commit.sent", signal.SIGINT, 130),
]


@pytest.mark.parametrize(("point", "number", "code"), CASES)
def test_one_signal_ends_an_apply_after_its_step(shared: World, point: str, number: signal.Signals, code: int) -> None:
    start = shared.tree or "before"
    goal = "after" if start == "before" else "before"
    shared.settle(start)
    shared.leave(goal)
    paused = shared.apply_until(point)
    paused.process.send_signal(number)
    ended = paused.go()
    assert ended.code == code, oracle.told(ended)
    assert "stopping after the current step" in ended.stderr
    oracle.check_free(shared.site)
    oracle.check_between(shared.look(), WISHES[start], WISHES[goal])
    shared.converge(goal)


def test_a_second_signal_ends_it_at_once(shared: World) -> None:
    shared.settle(shared.tree or "before")
    goal = "after" if shared.tree == "before" else "before"
    shared.leave(goal)
    paused = shared.apply_until("dnsmasq.commit.renamed")
    paused.process.send_signal(signal.SIGINT)
    assert "stopping" in paused.process.stderr.readline()  # type: ignore[union-attr]
    paused.process.send_signal(signal.SIGINT)
    paused.process.wait(timeout=20)  # the gate stays shut
    assert paused.process.returncode == 130
    shared.converge(goal)

"""The journal: what a killed run had set out to do is known, and a run that changes nothing writes nothing."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conduit.change import Action, Change, Diff, Origin, Outcome, Result
from conduit.errors import ConduitError
from conduit.journal import REASON_LIMIT, Journal
from conduit.model import Key, Source

WORK = """
import sys
from pathlib import Path
from conduit.journal import Journal
from conduit.change import *
from conduit.model import Key, Source
def change(key):
    return Change(Action.CREATE, key, "caddy", Diff(), Origin.PENDING, Source("x"), key)
with Journal(Path(sys.argv[1])).run("apply", "abc", "c0ffee") as run:
    for n in range(100_000):
        run.intent("caddy", [change(Key("route", f"r{n}"))])
        print("intent", n, flush=True)
        run.outcome([Outcome(Key("route", f"r{n}"), Action.CREATE, Result.OK)])
        print("outcome", n, flush=True)
"""


def key(name: str, kind: str = "route") -> Key:
    return Key(kind, name)


def change(name: str, action: Action = Action.UPDATE, kind: str = "route", provider: str = "caddy") -> Change:
    return Change(action, key(name, kind), provider, Diff(), Origin.PENDING, Source("a.yaml", 1), key(name, kind))


def done(name: str, result: Result = Result.OK, reason: str = "", kind: str = "route") -> Outcome:
    return Outcome(key(name, kind), Action.UPDATE, result, reason, 0.25)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def test_a_run_that_changes_nothing_writes_nothing(tmp_path: Path, journal: Journal) -> None:
    with journal.run("apply", "abc") as run:
        run.finish("ok")
    assert journal.unfinished() is None
    assert journal.entries() == []
    assert list(tmp_path.iterdir()) == []


def test_a_no_op_run_leaves_an_existing_journal_as_it_is(tmp_path: Path, journal: Journal) -> None:
    with journal.run("apply", "abc") as run:
        run.intent("caddy", [change("wiki")])
        run.outcome([done("wiki")])
        run.finish("ok")
    [segment] = (tmp_path / "journal").iterdir()
    before = (segment.read_bytes(), segment.stat().st_mtime_ns)
    with journal.run("apply", "abc") as run:
        run.finish("ok")
    assert (segment.read_bytes(), segment.stat().st_mtime_ns) == before


def test_a_finished_run_reads_back(journal: Journal) -> None:
    with journal.run("apply", "abc", "c0ffee") as run:
        run.intent("caddy", [change("wiki"), change("old", Action.DELETE)])
        run.outcome([done("wiki"), done("old", Result.FAILED, "refused")])
        run.finish("failed")
    started, intent, outcome, finished = journal.entries()
    assert started.data["operation"] == "apply"
    assert (started.data["digest"], started.data["commit"]) == ("abc", "c0ffee")
    assert intent.data == {"provider": "caddy", "changes": [["route/wiki", "update"], ["route/old", "delete"]]}
    assert [o["result"] for o in outcome.data["outcomes"]] == ["ok", "failed"]
    assert outcome.data["outcomes"][1]["reason"] == "refused"
    assert finished.data == {"result": "failed"}
    assert journal.unfinished() is None


def test_run_ids_increase_and_select(journal: Journal) -> None:
    for number in (1, 2, 3):
        with journal.run("apply", "abc") as run:
            assert run.id == number
            run.intent("caddy", [change(f"r{number}")])
            run.finish("ok")
    assert [entry.run for entry in journal.entries()] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [entry.seq for entry in journal.entries(run=2)] == [4, 5, 6]
    assert [entry.seq for entry in journal.entries(limit=2)] == [8, 9]
    assert journal.entries(run=7) == []


def test_an_unfinished_run_says_what_is_open(journal: Journal) -> None:
    with journal.run("apply", "abc", "c0ffee") as run:
        run.intent("caddy", [change("wiki"), change("media", Action.CREATE)])
        run.intent("dnsmasq", [change("wiki", kind="dns_record", provider="dnsmasq")])
        run.outcome([done("wiki", kind="dns_record"), done("media")])
    left = journal.unfinished()
    assert left is not None
    assert (left.id, left.operation, left.digest, left.commit) == (1, "apply", "abc", "c0ffee")
    assert left.intended == {
        "caddy": {key("wiki"): Action.UPDATE, key("media"): Action.CREATE},
        "dnsmasq": {key("wiki", "dns_record"): Action.UPDATE},
    }
    assert left.open == {"caddy": {key("wiki"): Action.UPDATE}}


def test_a_second_intent_opens_a_key_again(journal: Journal) -> None:
    with journal.run("apply", "abc") as run:
        run.intent("caddy", [change("wiki")])
        run.outcome([done("wiki")])
        run.intent("caddy", [change("wiki", Action.DELETE)])
    left = journal.unfinished()
    assert left is not None
    assert left.open == {"caddy": {key("wiki"): Action.DELETE}}


def test_an_exception_leaves_the_run_unfinished(journal: Journal) -> None:
    def work() -> None:
        with journal.run("apply", "abc") as run:
            run.intent("caddy", [change("wiki")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    left = journal.unfinished()
    assert left is not None
    assert left.open == {"caddy": {key("wiki"): Action.UPDATE}}


def test_the_next_run_closes_the_matter(journal: Journal) -> None:
    with journal.run("apply", "abc") as run:
        run.intent("caddy", [change("wiki")])
    with journal.run("apply", "def") as run:
        run.intent("caddy", [change("wiki")])
        run.outcome([done("wiki")])
        run.finish("ok")
    assert journal.unfinished() is None


def test_a_settled_run_is_told_no_more(journal: Journal) -> None:
    with journal.run("apply", "abc") as run:
        run.intent("caddy", [change("wiki")])
    left = journal.unfinished()
    assert left is not None
    journal.settle(left)
    assert journal.unfinished() is None
    assert [entry.event for entry in journal.entries(run=left.id)] == ["run_started", "intent", "run_finished"]
    assert journal.run("apply", "def").id == left.id + 1


@pytest.mark.parametrize("seed", range(6))
def test_a_run_killed_anywhere_is_told_exactly(
    tmp_path: Path, journal: Journal, child: Callable[..., subprocess.Popen[str]], seed: int
) -> None:
    process = child(WORK, tmp_path / "journal")
    assert process.stdout is not None
    for _ in range(random.Random(seed).randrange(1, 40)):
        event, number = process.stdout.readline().split()
    process.kill()
    process.wait()
    assert journal.verify() is None
    left = journal.unfinished()
    assert left is not None
    assert left.pid == process.pid
    intended, open_ = left.intended["caddy"], left.open.get("caddy", {})
    assert len(open_) <= 1
    assert set(open_) <= {key(f"r{len(intended) - 1}")}
    assert key(f"r{number}") in intended
    assert event == "intent" or key(f"r{number}") not in open_
    with journal.run("apply", "abc") as run:
        assert run.id == 2
        run.intent("caddy", [change("wiki")])
        run.outcome([done("wiki")])
        run.finish("ok")
    assert journal.verify() is None
    assert journal.unfinished() is None


def test_providers_in_threads_share_a_run(journal: Journal) -> None:
    with journal.run("apply", "abc") as run:

        def work(provider: str) -> None:
            for number in range(20):
                run.intent(provider, [change(f"{provider}{number}", provider=provider)])
                run.outcome([done(f"{provider}{number}")])

        threads = [threading.Thread(target=work, args=(provider,)) for provider in ("caddy", "dnsmasq", "certs")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.finish("ok")
    assert journal.verify() is None
    entries = journal.entries(limit=1000)
    assert [entry.event for entry in entries].count("run_started") == 1
    assert (entries[0].event, entries[-1].event, len(entries)) == ("run_started", "run_finished", 122)


def test_reasons_are_bounded(journal: Journal) -> None:
    with journal.run("apply", "abc") as run:
        run.outcome([done("wiki", Result.FAILED, "x" * 5 * REASON_LIMIT)])
    assert len(journal.entries()[-1].data["outcomes"][0]["reason"]) == REASON_LIMIT


def test_what_cannot_be_written_down_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    with (
        pytest.raises(ConduitError, match="CND-0561") as refusal,
        Journal(tmp_path / "journal").run("apply", "") as run,
    ):
        run.intent("caddy", [change("wiki")])
    assert str(tmp_path / "journal") in str(refusal.value)


def test_no_value_of_a_spec_reaches_the_disk(tmp_path: Path, journal: Journal) -> None:
    canary = "canary-7d1f"
    leaky = Change(
        Action.UPDATE, key("wiki"), "caddy", Diff(raw=canary), Origin.DRIFT, Source("x"), key("wiki"), native=canary
    )
    with journal.run("apply", "abc") as run:
        run.intent("caddy", [leaky])
        run.outcome([Outcome(key("wiki"), Action.UPDATE, Result.OK, facts={"password": canary})])
        run.finish("ok")
    assert all(canary.encode() not in path.read_bytes() for path in (tmp_path / "journal").iterdir())

"""Certificates over time: renewed early enough, superseded ones gone last, and a killed issue finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.canonical import canonical
from conduit.change import Action, Disturbance, Origin, Result
from conduit.plan import origin_of

DAY = 86400


def test_renewal_changes_path_and_serial_and_keeps_the_old_file(store: Any, openssl: Callable[..., str]) -> None:
    old = store.ensure(store.want()).facts
    store.now += 59 * DAY
    assert store.change(store.want()) is None
    store.now += 2 * DAY
    change = store.change(store.want())
    assert [field.path for field in change.diff.fields] == ["not_after"]
    assert "expires on" in change.diff.reason
    assert store.provider.impact(change, store.read()).disturbance is Disturbance.RELOAD
    new = store.ensure(store.want()).facts
    assert new["serial"] != old["serial"]
    assert new["caddy"]["certificate"] != old["caddy"]["certificate"]
    assert Path(old["caddy"]["key"]).exists()
    openssl("verify", "-attime", int(store.now), "-CAfile", store.ca / "root.crt", new["caddy"]["certificate"])
    assert store.change(store.want()) is None


def test_what_is_due_is_no_drift_and_what_was_damaged_is(store: Any) -> None:
    """Regression: people were told that a certificate was changed on the host when it was time to renew it."""
    store.ensure(store.want())
    last = canonical(store.live().native)
    store.now += 61 * DAY
    assert origin_of(store.change(store.want()), last) is Origin.PENDING
    store.file().write_bytes(b"broken")
    assert origin_of(store.change(store.want()), last) is Origin.DRIFT


def test_superseded_generations_come_last_and_go_by_id(store: Any) -> None:
    store.ensure(store.want())
    store.now += 61 * DAY
    store.ensure(store.want())
    newest, superseded = store.lives()
    assert newest.facts["issued"] > superseded.facts["issued"]
    assert store.provider.remove([superseded])[newest.key].action is Action.DELETE
    assert [live.id for live in store.lives()] == [newest.id]
    assert list(store.base.rglob(f"*{superseded.id}")) == []


def test_a_removal_that_fails_has_its_outcome(store: Any) -> None:
    store.ensure(store.want())
    (live,) = store.lives()
    store.file().unlink()
    store.file().mkdir()
    (outcome,) = store.provider.remove([live]).values()
    assert (outcome.key, outcome.result) == (live.key, Result.FAILED)


def test_a_short_life_is_renewed_at_half_of_it(store: Any) -> None:
    want = store.want(lifetime="20d")
    store.ensure(want)
    store.now += 9 * DAY
    assert store.change(want) is None
    store.now += 2 * DAY
    assert store.differing(want) == ["not_after"]


def test_a_certificate_that_ends_with_its_root_is_not_renewed_over_and_over(make_store: Callable[..., Any]) -> None:
    store = make_store(ca_lifetime="100d")
    store.ensure(store.want())
    store.now += 61 * DAY
    facts = store.ensure(store.want()).facts
    assert facts["not_after"] == facts["root_not_after"]
    assert store.change(store.want()) is None
    store.now += 20 * DAY
    assert store.change(store.want()) is None
    assert "root" in store.read().warnings[0]
    assert "root" in "".join(store.provider.check())


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


@pytest.mark.parametrize("point", ["before", "written", "after"])
def test_a_run_killed_while_issuing_converges(store: Any, point: str, openssl: Callable[..., str]) -> None:
    def fail(reached: str) -> None:
        if reached == f"certs.issue.{point}":
            raise Killed

    store.failpoint = fail
    with pytest.raises(Killed):
        store.ensure(store.want())
    store.failpoint = lambda point: None
    (store.masters / ".conduit-wiki.1.tmp").touch()
    store.reopen()
    assert len(store.provider.recover()) == 1
    store.ensure(store.want())
    openssl("verify", "-CAfile", store.ca / "root.crt", store.file())
    assert store.change(store.want()) is None
    assert store.provider.recover() == ()

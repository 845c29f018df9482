"""One message when something is wrong, one when it has been well for a while, whatever happens in between."""

from __future__ import annotations

from conduit.model import Key
from conduit.reconcile.notices import DAY, Condition, Notice, Notices, expiring

BAD = Condition("failure", "service/wiki", "the upstream is gone")


def test_flapping_is_one_message_and_one_recovery() -> None:
    notices, told = Notices(calm=60), []
    for second in range(0, 100, 5):
        told += notices.take([BAD] if second % 10 else [], float(second))
    assert told == [Notice("failure", "failure", ("service/wiki: the upstream is gone",))]
    for second in range(100, 400, 5):
        told += notices.take([], float(second))
    assert told[1:] == [Notice("recovery", "failure", ("service/wiki",))]
    assert notices.take([BAD], 400.0)[0].kind == "failure"


def test_what_goes_wrong_together_is_one_message_for_each_kind() -> None:
    many = [Condition("drift", f"route/r-{number:02}", "changed on the host") for number in range(30)]
    first, second = Notices(calm=0).take([BAD, *many], 0.0)
    assert (first.kind, second.kind) == ("failure", "drift")
    assert second.body.splitlines()[-1] == "and 10 more"


def test_a_certificate_is_told_at_each_mark_and_a_short_one_in_its_last_third_only() -> None:
    long, short = Key("certificate", "long"), Key("certificate", "short")
    facts = {long: {"issued": 0, "not_after": 90 * DAY}, short: {"issued": 0, "not_after": 6 * DAY}}
    notices, told = Notices(calm=0), []
    for hour in range(90 * 24 + 2):
        now = hour * 3600.0
        if hour >= 6 * 24:
            facts.pop(short, None)
        told += [(hour / 24, notice) for notice in notices.take(expiring(facts, now), now)]
    days = [(day, notice.lines[0]) for day, notice in told if notice.kind == "expiry"]
    assert [(day, line) for day, line in days if "long" in line] == [
        (69.0, "certificate/long: expires within 21 days"),
        (83.0, "certificate/long: expires within 7 days"),
        (89.0, "certificate/long: expires within a day"),
    ]
    assert [day for day, line in days if "short" in line] == [4.0, 5.0]


def test_a_suspension_is_told_when_it_looks_forgotten() -> None:
    from conduit.reconcile.asks import Snapshot
    from conduit.reconcile.loop import Status
    from conduit.reconcile.notifier import SUSPENDED_SECONDS, conditions
    from conduit.reconcile.suspension import Suspension

    held = Suspension("2026-01-01T00:00:00+00:00", "moving the rack")
    status = Status(True, 1, (), Snapshot(suspended=held), {})
    assert list(conditions(status, held.begun + SUSPENDED_SECONDS - 1)) == []
    (told,) = conditions(status, held.begun + SUSPENDED_SECONDS + 1)
    assert "moving the rack" in told.text

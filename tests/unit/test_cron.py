"""When a schedule is due: its normal form, the two nights on which clocks change, and what was missed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit.cron import due, following, schedule, zone

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = "2026-03-28T23:00", "2026-10-24T22:00"
"""An hour into the last day before the clocks of Berlin change, as UTC."""


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def instants(fields: str, since: str, count: int, timezone: str = BERLIN) -> list[str]:
    """The next instants, as UTC."""
    found, moment = [], at(since)
    for _ in range(count):
        after = following(fields, timezone, moment)
        assert after is not None
        moment = after
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("written", "normal"),
    [(" 30  2 * * mon", "30 2 * * MON"), ("@daily", "0 0 * * *"), ("@hourly", "0 * * * *"), ("@weekly", "0 0 * * 0")],
)
def test_a_schedule_has_one_normal_form(written: str, normal: str) -> None:
    assert schedule(written) == normal
    assert schedule(normal) == normal


@pytest.mark.parametrize(
    "written", ["", "* * * *", "* * * * * *", "60 * * * *", "0 0 30 2 *", "@reboot", "rm -rf / ; true", "L * * * *"]
)
def test_what_is_no_schedule_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="five fields"):
        schedule(written)


@given(st.text("0123456789*/,-#LWMONFRI@ \n", max_size=40))
def test_whatever_is_written_is_a_schedule_or_refused(text: str) -> None:
    try:
        found = schedule(text)
    except ValueError:
        return
    assert schedule(found) == found


@pytest.mark.parametrize("text", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_what_is_no_time_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        zone(text)


def test_a_time_that_is_left_out_in_spring_is_due_at_the_end_of_the_gap() -> None:
    assert instants("30 2 * * *", SPRING, 2) == ["29 01:00", "30 00:30"]


def test_a_time_that_comes_twice_in_autumn_is_due_once() -> None:
    assert instants("30 2 * * *", AUTUMN, 2) == ["25 00:30", "26 01:30"]


@pytest.mark.parametrize("night", [SPRING, AUTUMN])
def test_what_is_due_each_hour_is_due_each_hour_in_both_nights(night: str) -> None:
    moments = [at(f"2026-10-{each.replace(' ', 'T')}") for each in instants("0 * * * *", night, 6)]
    assert {later - earlier for earlier, later in pairwise(moments)} == {3600.0}


@pytest.mark.parametrize("night", [SPRING, AUTUMN])
@pytest.mark.parametrize("fields", ["30 2 * * *", "0 3 * * *", "0,30 2 * * *"])
def test_wherever_one_begins_to_count_no_instant_comes_twice_or_never(fields: str, night: str) -> None:
    """A scheduler that looks each minute through the night, and one that is killed at any minute of it."""
    start = at(night)
    wanted = {following(fields, BERLIN, start)}
    taken: list[float] = []
    since = start
    for minute in range(6 * 60):
        now = start + 60.0 * minute
        instant = due(fields, BERLIN, since, now)
        if instant is not None:
            taken.append(instant)
            since = instant
        later = following(fields, BERLIN, now)
        assert later is None or later > now
    assert len(taken) == len(set(taken)) == (1 if fields.count(",") == 0 or night == SPRING else 2)
    assert wanted <= set(taken)


def test_of_what_was_missed_the_newest_alone_is_due() -> None:
    since, now = at("2026-01-01T00:30"), at("2026-05-05T05:05")
    assert due("*/10 * * * *", "UTC", since, now) == at("2026-05-05T05:00")
    assert due("0 0 1 1 *", "UTC", at("2020-06-01T00:00"), now) == at("2026-01-01T00:00")
    assert due("0 0 29 2 *", "UTC", at("2020-06-01T00:00"), now) == at("2024-02-29T00:00")


def test_nothing_is_due_before_its_time_or_twice() -> None:
    at_five = at("2026-05-05T05:00")
    assert due("0 5 * * *", "UTC", at_five - 60, at_five - 1) is None
    assert due("0 5 * * *", "UTC", at_five - 60, at_five) == at_five
    assert due("0 5 * * *", "UTC", at_five, at_five + 3600) is None

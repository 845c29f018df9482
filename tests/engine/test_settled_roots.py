"""Roots that are settled are not planned again: the plan is the one that looks at all of them, whatever changed."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit.engine import Engine
from conduit.errors import Diagnostic, LoadError
from conduit.plan import Plan
from conduit.recall import Recall
from conduit.settled import keep_cache as settled_cache
from tests.engine.by_hand import admin, edit, hosts_file, route_path
from tests.engine.conftest import World
from tests.failing import at

SITE: dict[str, Any] = {
    "vars": {"box": "10.0.0.8"},
    "services": {
        **{f"plain{n}": {"upstream": f"10.0.0.1:{1000 + n}", "tls": "off"} for n in range(60)},
        "secure": {"upstream": "10.0.0.2:80", "aliases": ["safe.home.arpa"]},
        "checked": {"upstream": "10.0.0.3:80", "tls": "off", "health": {"path": "/", "interval": "30s"}},
        "headers": {"upstream": "10.0.0.3:81", "tls": "off", "response_headers": {"x-a": "b"}},
        "closed": {"upstream": "10.0.0.4:80", "tls": "off", "maintenance": True},
        "templated": {"upstream": "{{ box }}:80", "tls": "off"},
        "hidden": {"upstream": "10.0.0.5:80", "tls": "off", "basic_auth": {"ada": {"secret": "ada"}}},
        "kept": {"upstream": "10.0.0.6:80", "tls": "off", "protect": True},
        "needing": {"upstream": "10.0.0.7:80", "tls": "off", "needs": ["service/plain1", "dns_record/mail"]},
        "external": {"upstream": "10.0.0.9:80", "tls": "off"},
    },
    "dns_records": {
        "mail": {"name": "mail.home.arpa", "value": "10.0.0.20"},
        "post": {"name": "post.home.arpa", "type": "CNAME", "value": "mail.home.arpa"},
        "words": {"name": "words.home.arpa", "type": "TXT", "value": "a b"},
    },
    "domains": {"outside": {"domain": "outside.home.arpa", "service": "external", "tls": "off"}},
}
ALONE = {
    *(f"service/plain{n}" for n in range(60) if n != 1),
    *("service/secure", "service/checked", "service/headers", "service/closed", "service/external"),
    *("dns_record/post", "dns_record/words"),
}
"""What stands alone there: no variable, secret, `protect` or `needs`, and nothing that needs it."""


def write(world: World, site: dict[str, Any]) -> None:
    world.site.write("site.yaml", yaml.safe_dump(site, sort_keys=False))


def roots(world: World) -> Path:
    return Path(world.site.directory, "state", "cache", "roots.json")


@pytest.fixture
def many(world: World) -> World:
    """A site of many roots, applied."""
    assert world.site.conduit("secret", "set", "ada", input="word\n").code == 0
    write(world, SITE)
    assert world.apply(prove=False).exit_code == 0
    return world


def settled_in(engine: Engine) -> set[str]:
    """Which roots the plan made last left out."""
    return set(map(str, engine.wish.desired.settled)) if engine.wish else set()


Told = tuple[Plan | None, list[Diagnostic]]


def planned(engine: Engine) -> Told:
    try:
        return engine.plan(), []
    except LoadError as error:
        return None, error.diagnostics


def both_ways(world: World) -> tuple[Plan | None, set[str]]:
    """Plan with what is kept and without, compare, and return the plan and which roots it left out."""
    engine = world.engine()
    quick, problems = planned(engine)
    kept = roots(world).read_bytes()
    roots(world).unlink()
    slowly = world.engine()
    whole, all_problems = planned(slowly)
    roots(world).write_bytes(kept)
    assert settled_in(slowly) == set()
    assert quick == whole
    assert problems == all_problems
    return quick, settled_in(engine)


def left_out_in_sync(world: World) -> set[str]:
    """Which roots are left out of a plan that has nothing to change."""
    plan, left_out = both_ways(world)
    assert plan
    assert plan.empty
    return left_out


def test_what_stands_alone_is_left_out(many: World) -> None:
    assert left_out_in_sync(many) == ALONE


def test_one_edited_field_is_one_change_and_all_others_are_left_out(many: World) -> None:
    site = deepcopy(SITE)
    site["services"]["plain7"]["upstream"] = "10.0.0.1:7777"
    write(many, site)
    plan, left_out = both_ways(many)
    assert plan
    assert [str(change.key) for change in plan.changes] == ["route/plain7"]
    assert left_out == ALONE - {"service/plain7"}
    assert many.apply(prove=False).exit_code == 0
    assert [*both_ways(many)][1] == ALONE, "an apply keeps what it did not touch, and what it did"


def test_the_wish_itself_is_the_same_when_somebody_looks(many: World) -> None:
    quick, whole = many.engine(), many.engine()
    found, wanted = quick.load(), whole.load().whole()
    assert found.settled
    assert not wanted.settled
    assert list(found.leaves.items()) == list(wanted.leaves.items())
    assert list(found.roots.items()) == list(wanted.roots.items())
    assert found.children == wanted.children


Edit = Callable[[dict[str, Any], Any], None]
NAMES = st.sampled_from([*(f"plain{n}" for n in range(4)), *(set(SITE["services"]) - {f"plain{n}" for n in range(60)})])
HOSTS = st.sampled_from(["plain2.home.arpa", "mail.home.arpa", "safe.home.arpa", "new.home.arpa", "secure.home.arpa"])


def set_field(site: dict[str, Any], draw: Any) -> None:
    fields = {
        "upstream": "10.0.0.1:9999",
        "tls": draw(st.sampled_from(["internal", "off"])),
        "websockets": False,
        "aliases": [draw(HOSTS)],
        "domain": draw(HOSTS),
        "needs": [draw(st.sampled_from(["service/plain3", "route/plain2", "dns_record/words", "service/nowhere"]))],
        "protect": True,
        "upsteam": "a misspelt field",
        "ignore": [{"path": "upstream", "reason": "known"}],
        "address": "10.0.0.77",
    }
    name = draw(st.sampled_from(sorted(fields)))
    site["services"].setdefault(draw(NAMES), {"upstream": "10.0.0.1:1"})[name] = fields[name]


def remove(site: dict[str, Any], draw: Any) -> None:
    site["services"].pop(draw(NAMES), None)


def rename(site: dict[str, Any], draw: Any) -> None:
    if fields := site["services"].pop(draw(NAMES), None):
        site["services"]["renamed"] = fields


def add_record(site: dict[str, Any], draw: Any) -> None:
    name = draw(st.sampled_from(["new", "plain2", "mail", "secure-alias-1"]))
    rtype, value = draw(st.sampled_from([("A", "10.0.0.30"), ("CNAME", "mail.home.arpa"), ("TXT", "x")]))
    site["dns_records"][name] = {"name": draw(HOSTS), "type": rtype, "value": value}


def add_domain(site: dict[str, Any], draw: Any) -> None:
    site["domains"]["more"] = {"domain": draw(HOSTS), "service": draw(NAMES)}


def turn_round(site: dict[str, Any], draw: Any) -> None:
    site["services"] = dict(reversed(site["services"].items()))


def change_variable(site: dict[str, Any], draw: Any) -> None:
    site["vars"]["box"] = draw(st.sampled_from(["10.0.0.88", "no address"]))


EDITS: list[Edit] = [set_field, set_field, remove, rename, add_record, add_domain, turn_round, change_variable]


def test_any_edits_make_the_plan_that_looks_at_everything(many: World) -> None:
    seen = {"plans": 0, "errors": 0}

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def same(data: Any) -> None:
        site = deepcopy(SITE)
        for change in data.draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=3)):
            change(site, data.draw)
        write(many, site)
        plan, left_out = both_ways(many)
        seen["plans" if plan else "errors"] += 1
        assert plan is None or left_out

    same()
    assert min(seen.values()) > 0, seen


def test_a_name_that_moves_to_another_file_or_stands_twice(many: World) -> None:
    site = deepcopy(SITE)
    fields = {"services": {"plain5": site["services"].pop("plain5")}}
    many.site.write("moved.yaml", yaml.safe_dump(fields, sort_keys=False))
    write(many, site)
    assert left_out_in_sync(many) == ALONE
    write(many, SITE)
    plan, _ = both_ways(many)
    assert plan is None, "declared in two files"


def remove_route(world: World) -> None:
    admin(world, "DELETE", route_path(world, "http", "plain3.home.arpa"))


def remove_certificate(world: World) -> None:
    (copy,) = Path(world.site.directory, "caddy-certs").glob("secure.*")
    copy.unlink()


DAMAGES = {
    "a route": (remove_route, {"route/plain3"}),
    "a record": (edit(hosts_file, "10.0.0.20 mail", "10.0.0.21 mail"), {"frame/dnsmasq", "dns_record/mail"}),
    "a certificate": (remove_certificate, {"certificate/secure"}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_beside_an_edit_is_told_with_it(many: World, name: str) -> None:
    damage, keys = DAMAGES[name]
    site = deepcopy(SITE)
    site["services"]["plain7"]["upstream"] = "10.0.0.1:7777"
    write(many, site)
    damage(many)
    plan, left_out = both_ways(many)
    assert plan
    assert {str(change.key) for change in plan.changes} == {*keys, "route/plain7"}
    assert left_out == set(), "a daemon shows something else, so everything is looked at"


def edit_settings(world: World) -> None:
    with world.site.settings_file.open("a") as file:
        file.write("local_domains: [more.test]\n")


def replace_key(world: World) -> None:
    Path(world.site.directory, "keys", "site.key").write_bytes(b"k" * 32)


def cut_short(world: World) -> None:
    roots(world).write_bytes(roots(world).read_bytes()[:-1])


def forge(world: World) -> None:
    """Another upstream in what is kept, and the checksum left as it was."""
    content = roots(world).read_bytes()
    assert b"10.0.0.1:1003" in content
    roots(world).write_bytes(content.replace(b"10.0.0.1:1003", b"10.0.0.1:1004"))


def of_another_code(world: World) -> None:
    head, _, body = roots(world).read_bytes().partition(b"\n")
    words = head.split(b" ")
    words[-2] = b"0" * 64
    roots(world).write_bytes(b" ".join(words) + b"\n" + body)


def of_another_form(world: World) -> None:
    settled_cache(world.site.directory / "state", "roots.json", b'[[],[],{}]\n[["service"]]\n')


DOUBTS = (edit_settings, replace_key, cut_short, forge, of_another_code, of_another_form)


@pytest.mark.parametrize("doubt", DOUBTS, ids=lambda doubt: doubt.__name__)
def test_what_is_kept_of_something_else_leaves_nothing_out(many: World, doubt: Callable[[World], None]) -> None:
    site = deepcopy(SITE)
    site["services"]["plain3"]["upstream"] = "10.0.0.1:1004"
    write(many, site)
    doubt(many)
    plan, left_out = both_ways(many)
    assert plan
    assert "route/plain3" in {str(change.key) for change in plan.changes}
    assert left_out == set()


def test_a_certificate_that_is_due_is_renewed(many: World) -> None:
    """Nothing changed but the time."""
    engine = many.engine()
    engine.now = lambda: time.time() + 400 * 86400
    plan = engine.plan()
    assert settled_in(engine) == set()
    assert "certificate/secure" in {str(change.key) for change in plan.changes}


def test_settings_from_the_environment_leave_nothing_out(many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_DOMAIN", "other.test")
    engine = many.engine()
    plan = engine.plan()
    assert settled_in(engine) == set()
    assert len(plan.changes) > len(ALONE)


def test_an_upstream_by_name_is_always_looked_at(many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"app.example": "10.0.0.8"}
    monkeypatch.setattr("socket.getaddrinfo", lambda name, *_, **__: [(0, 0, 0, "", (answers[name], 0))])
    many.site.write("app.yaml", "services:\n  app: {upstream: 'app.example:80', tls: off}\n")
    assert many.apply(prove=False).exit_code == 0
    assert left_out_in_sync(many) == ALONE
    answers["app.example"] = "10.0.0.9"
    plan, left_out = both_ways(many)
    assert plan
    assert [str(change.key) for change in plan.changes] == ["route/app"]
    assert left_out == ALONE


def test_a_process_that_goes_on_keeps_no_roots(many: World) -> None:
    roots(many).unlink()
    engine = many.engine()
    engine.recall = Recall()
    plan = engine.plan()
    assert plan.empty
    engine.keep_evidence(plan)
    assert not roots(many).exists()
    assert many.plan().empty
    assert roots(many).exists()


@pytest.mark.parametrize("point", ["caddy.commit.sent", "dnsmasq.commit.renamed", "apply.verified"])
def test_after_a_kill_the_plan_is_the_one_that_looks_at_everything(many: World, point: str) -> None:
    site = deepcopy(SITE)
    site["services"]["plain7"] |= {"upstream": "10.0.0.1:7777", "address": "10.0.0.77"}
    write(many, site)
    assert many.site.conduit("apply", "--yes", "--no-prove", env=at(point)).code == -signal.SIGKILL
    both_ways(many)
    write(many, SITE)
    plan, _ = both_ways(many)
    assert plan
    assert many.site.conduit("apply", "--yes", "--no-prove").code == 0
    assert many.site.dig("plain7.home.arpa") != ["10.0.0.77"]
    assert many.plan().empty
    assert left_out_in_sync(many) == ALONE


def test_few_settled_roots_among_many_new_ones_are_looked_at_with_them(many: World) -> None:
    site = deepcopy(SITE)
    site["services"] |= {f"new{n}": {"upstream": f"10.0.0.1:{3000 + n}", "tls": "off"} for n in range(len(ALONE))}
    write(many, site)
    plan, left_out = both_ways(many)
    assert plan
    assert len(plan.changes) >= 2 * len(ALONE)
    assert left_out == set()

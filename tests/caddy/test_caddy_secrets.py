"""Passwords of basic auth: what is asked of a visitor, what a change looks like, and that nothing is ever shown."""

from __future__ import annotations

import bcrypt
import pytest
from caddy_world import World, key_of, plain

from conduit.change import Diff
from conduit.diff import text_of
from conduit.errors import Refused
from conduit.model import Secret
from conduit.providers.accounts import hash_password, is_hash
from conduit.providers.transaction import Block
from conduit.resources.route_spec import RouteSpec

PASSWORD = "correct horse"
LITERAL = bcrypt.hashpw(b"literal", bcrypt.gensalt(10)).decode()


@pytest.fixture
def no_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan and a no-op never pay for bcrypt."""

    def refuse(*_: object) -> bytes:
        raise AssertionError("bcrypt was called")

    monkeypatch.setattr(bcrypt, "hashpw", refuse)


@pytest.fixture
def guarded(world: World) -> RouteSpec:
    """A route for alice (a stored password) and bob (a hash in the manifest), applied."""
    world.secrets["alice"] = PASSWORD
    spec = plain(basic_auth={"alice": Secret("alice"), "bob": LITERAL})
    world.apply({"wiki": spec})
    return spec


def live_hash(world: World, user: str = "alice") -> str:
    routes = world.config()["apps"]["http"]["servers"]["conduit_http"]["routes"]
    route = next(route for route in routes if route["match"] == [{"host": ["wiki.lan"]}])
    accounts = route["handle"][0]["providers"]["http_basic"]["accounts"]
    return next(account["password"] for account in accounts if account["username"] == user)


def edit_hash(world: World, new: str) -> None:
    config = world.config()
    route = config["apps"]["http"]["servers"]["conduit_http"]["routes"][0]
    route["handle"][0]["providers"]["http_basic"]["accounts"][0]["password"] = new
    world.put(config)


def shown(diff: Diff | None) -> str:
    assert diff
    return " ".join(f"{change.path} {change.old} {change.new}" for change in diff.fields) + diff.raw + diff.reason


def test_visitors_need_the_stored_password_or_the_one_behind_the_hash(world: World, guarded: RouteSpec) -> None:
    asked = [world.status("http://wiki.lan/", "-u", who) for who in (f"alice:{PASSWORD}", "bob:literal", "bob:wrong")]
    assert asked == [502, 502, 401]
    assert world.status("http://wiki.lan/") == 401


def test_no_difference_costs_no_hash(world: World, guarded: RouteSpec, no_hashing: None) -> None:
    assert world.diff("wiki", guarded) is None


def test_the_same_password_gives_the_same_hash_and_no_write(world: World, guarded: RouteSpec) -> None:
    before, reloaded = live_hash(world), world.reloads()
    world.apply({"wiki": guarded})
    assert (live_hash(world), world.reloads()) == (before, reloaded)
    assert is_hash(before)


def test_two_routes_with_one_secret_have_different_hashes(world: World, guarded: RouteSpec) -> None:
    world.apply({"twin": plain("twin.lan", basic_auth={"alice": Secret("alice")})})
    routes = world.config()["apps"]["http"]["servers"]["conduit_http"]["routes"]
    hashes = {route["handle"][0]["providers"]["http_basic"]["accounts"][0]["password"] for route in routes[:2]}
    assert len(hashes) == 2


def test_a_hand_edited_hash_is_drift(world: World, guarded: RouteSpec, no_hashing: None) -> None:
    edit_hash(world, LITERAL)
    text = shown(world.diff("wiki", guarded))
    assert "basic_auth.alice" in text
    assert "another hash" in text
    assert LITERAL not in text


def test_a_healed_hand_edited_hash(world: World, guarded: RouteSpec) -> None:
    edit_hash(world, LITERAL)
    assert world.status("http://wiki.lan/", "-u", f"alice:{PASSWORD}") == 401
    world.apply({"wiki": guarded})
    assert world.diff("wiki", guarded) is None
    assert world.status("http://wiki.lan/", "-u", f"alice:{PASSWORD}") == 502


def test_a_rotated_secret_is_a_change_by_fingerprint_alone(world: World, guarded: RouteSpec, no_hashing: None) -> None:
    world.secrets["alice"] = "another horse"
    diff = world.diff("wiki", guarded)
    assert diff
    (change,) = diff.fields
    old, new = str(change.old), str(change.new)
    assert change.path == "basic_auth.alice"
    assert old.startswith("[secret alice] ")
    assert new.startswith("[secret alice] ")
    assert old != new
    assert len(old) == len(new) == len("[secret alice] ab12")


def test_a_rotated_secret_replaces_the_old_password(world: World, guarded: RouteSpec) -> None:
    world.secrets["alice"] = "another horse"
    world.apply({"wiki": guarded})
    assert world.status("http://wiki.lan/", "-u", "alice:another horse") == 502
    assert world.status("http://wiki.lan/", "-u", f"alice:{PASSWORD}") == 401


def test_a_stored_hash_is_used_as_it_is(world: World) -> None:
    world.secrets["alice"] = LITERAL
    spec = plain(basic_auth={"alice": Secret("alice")})
    world.apply({"wiki": spec})
    assert live_hash(world) == LITERAL
    assert world.diff("wiki", spec) is None
    assert world.status("http://wiki.lan/", "-u", "alice:literal") == 502


def test_other_fields_of_a_guarded_route_differ_alone(world: World, guarded: RouteSpec) -> None:
    changed = guarded.model_copy(update={"max_body": "1MB"})
    diff = world.diff("wiki", changed)
    assert diff
    assert [change.path for change in diff.fields] == ["max_body"]
    world.apply({"wiki": changed})
    assert world.diff("wiki", changed) is None


def test_an_untouched_guarded_route_survives_the_writes_of_others(world: World, guarded: RouteSpec) -> None:
    before = live_hash(world)
    world.apply({"other": plain("other.lan")})
    assert live_hash(world) == before
    assert world.diff("wiki", guarded) is None


def test_an_added_and_a_removed_user_are_shown_without_hashes(world: World, guarded: RouteSpec) -> None:
    text = shown(world.diff("wiki", plain(basic_auth={"carol": LITERAL})))
    assert [name in text for name in ("basic_auth.alice", "basic_auth.bob", "basic_auth.carol")] == [True] * 3
    assert "$2b$" not in text


def test_nothing_people_see_holds_a_password_or_a_hash(world: World, guarded: RouteSpec) -> None:
    reading = world.read()
    (live,) = reading.objects["route"]
    edited = world.config()
    edited["apps"]["http"]["servers"]["conduit_http"]["routes"][0]["handle"].append({"handler": "vars"})
    world.put(edited)
    everything = [text_of(live.native), repr(live.native), str(live), shown(world.diff("wiki", guarded))]
    everything += [text_of(world.rendered(guarded)), repr(world.rendered(guarded)), repr(guarded.basic_auth["alice"])]  # type: ignore[index]
    for text in everything:
        assert PASSWORD not in text
        assert live_hash(world) not in text
        assert LITERAL not in text


def test_foreign_hashes_are_not_shown_either(world: World) -> None:
    account = {"username": "x", "password": LITERAL}
    inner = {"handler": "authentication", "providers": {"http_basic": {"accounts": [account]}}}
    routes = [{"handle": [{"handler": "subroute", "routes": [{"handle": [inner]}]}]}]
    theirs = {"listen": ["127.0.0.1:0"], "routes": routes}
    world.put(world.config() | {"apps": {"http": {"servers": {"theirs": theirs}}}})
    assert LITERAL not in text_of(world.foreign()[0].native)
    world.apply({"wiki": plain()})
    assert world.config()["apps"]["http"]["servers"]["theirs"] == theirs


def test_a_refusal_of_caddy_never_repeats_a_hash(world: World, guarded: RouteSpec) -> None:
    native = world.rendered(guarded)
    native["http"]["handle"][0]["providers"]["http_basic"]["accounts"][1]["username"] = ""
    native["http"]["handle"].append({"handler": LITERAL})
    with pytest.raises(Refused) as refusal:
        world.transact({key_of("wiki"): Block(native)})
    assert LITERAL not in str(refusal.value)


@pytest.mark.parametrize("password", ["x" * 73, "", "nul\0"])
def test_a_password_bcrypt_would_cut_is_refused_by_name(world: World, password: str) -> None:
    world.secrets["alice"] = password
    with pytest.raises(Refused, match=r"\[secret alice\] for user alice") as refusal:
        world.apply({"wiki": plain(basic_auth={"alice": Secret("alice")})})
    assert refusal.value.blamed == (key_of("wiki"),)
    assert not password or password not in str(refusal.value)


def test_the_salt_depends_on_site_account_and_password() -> None:
    made = {
        hash_password(lambda text, site=site: f"{site}{hash(text)}", key_of(key), user, password)  # type: ignore[misc]
        for site, key, user, password in [
            ("s", "a", "u", "p"),
            ("t", "a", "u", "p"),
            ("s", "b", "u", "p"),
            ("s", "a", "v", "p"),
            ("s", "a", "u", "q"),
        ]
    }
    assert len({hashed[:29] for hashed in made}) == 5
    assert all(map(is_hash, made))


def test_a_secret_that_is_not_stored_is_refused_alone(world: World, guarded: RouteSpec) -> None:
    del world.secrets["alice"]
    assert "[secret alice] which is not stored" in shown(world.diff("wiki", guarded))
    wishes = {"wiki": guarded, "other": plain("other.lan")}
    staged = world.transact({key_of(name): Block(world.rendered(spec)) for name, spec in wishes.items()})
    assert set(staged.quarantined) == {key_of("wiki")}
    assert world.status("http://wiki.lan/", "-u", f"alice:{PASSWORD}") == 502

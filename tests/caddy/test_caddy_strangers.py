"""What is not ours in Caddy stays as it is, is told, and never stands in the way of ours."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from caddy_world import FOREIGN, KIND, World, certificate, key_of, plain, secure, servers

from conduit.errors import Refused
from conduit.model import Claim


def test_what_is_not_ours_stays_as_it_was(world: World, directory: Path) -> None:
    world.put(world.config() | FOREIGN)
    before = world.config()
    assert [live.key.name for live in world.foreign()] == ["theirs.0", "theirs.1"]
    world.apply({"wiki": secure(certificate(directory, "wiki", "wiki.lan"))})
    after = world.config()
    assert set(servers(after)) == {"theirs", "conduit_https", "conduit_http"}
    world.apply({"wiki": None})
    after = world.config()
    assert after["apps"]["tls"]["certificates"]["load_files"] == []
    del after["apps"]["tls"]["certificates"]
    assert after == before


def test_a_forged_or_copied_mark_is_foreign(world: World) -> None:
    world.apply({"wiki": plain()})
    config = world.config()
    route = copy.deepcopy(servers(config)["conduit_http"]["routes"][0])
    for old, new in (("route.wiki.", "route.evil."), (".http.", ".https."), (".0.", ".0-protected.")):
        forged = copy.deepcopy(route) | {"@id": route["@id"].replace(old, new), "match": [{"host": ["evil.lan"]}]}
        servers(config)["conduit_http"]["routes"].append(forged)
    world.put(config)
    assert len(world.foreign()) == 3
    assert list(world.read().owned()) == [key_of("wiki")]


def test_two_sites_do_not_see_each_others_routes_as_their_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply({"wiki": plain()})
    monkeypatch.setattr("tests.proxy_world.SITE_KEY", b"the key of another site")
    reading = world.read()
    assert reading.owned() == {}
    assert [live.owned for live in reading.objects["route"]] == [False, False]
    with pytest.raises(Refused, match="is not conduit's"):
        world.apply({"mine": plain("mine.lan")})


def test_a_stranger_in_our_server_is_kept_behind_ours_and_reported_when_it_shadows(world: World) -> None:
    world.apply({"wiki": plain(redirect={"to": "https://ours.lan"})})
    stranger = {"match": [{"host": ["wiki.lan"]}], "handle": [{"handler": "static_response", "status_code": 418}]}
    config = world.config()
    servers(config)["conduit_http"]["routes"].insert(0, stranger)
    world.put(config)
    reading = world.read()
    assert world.status("http://wiki.lan/") == 418
    (found,) = world.foreign()
    assert found.claims == {Claim("route", ("wiki.lan", "/"))}
    assert reading.frame != world.provider.frame(reading.owned())
    ((path, live, want),) = world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))
    assert (path, want) == ("disorder", [])
    assert "shadows route/wiki" in live[0]
    after = world.apply({})
    assert servers(world.config())["conduit_http"]["routes"][1] == stranger
    assert after.frame == world.provider.frame(after.owned())
    assert world.status("http://wiki.lan/") == 302
    world.apply({"wiki": None})
    assert servers(world.config())["conduit_http"]["routes"] == [stranger]
    assert world.read().frame is None
    world.apply({"new": plain("new.lan")})
    assert servers(world.config())["conduit_http"]["routes"][1] == stranger


def test_routes_read_back_after_a_commit_are_known_as_ours_by_the_next_one(world: World) -> None:
    world.apply({"wiki": plain()})
    stranger = {"match": [{"host": ["theirs.lan"]}], "handle": [{"handler": "static_response", "status_code": 418}]}
    config = world.config()
    servers(config)["conduit_http"]["routes"].append(stranger)
    world.put(config)
    after = world.apply({"wiki": plain(upstream="127.0.0.1:2")})
    world.apply({"wiki": None}, after)
    assert servers(world.config())["conduit_http"]["routes"] == [stranger]


def test_a_stranger_with_the_same_claims_is_taken_over(world: World) -> None:
    world.apply({"other": plain("other.lan"), "wiki": plain()})
    config = world.config()
    own = next(r for r in servers(config)["conduit_http"]["routes"] if r["match"] == [{"host": ["wiki.lan"]}])
    del own["@id"]
    world.put(config)
    (stranger,) = world.foreign()
    assert stranger.claims == set(KIND.claims(plain()))
    assert KIND.parse(stranger.native) == plain()
    world.apply({"wiki": plain()})
    assert world.foreign() == []
    assert set(world.read().owned()) == {key_of("other"), key_of("wiki")}


def test_our_route_moved_to_a_foreign_server_comes_back(world: World) -> None:
    world.put(world.config() | FOREIGN)
    world.apply({"wiki": plain()})
    config = world.config()
    servers(config)["theirs"]["routes"].append(servers(config)["conduit_http"]["routes"].pop(0))
    world.put(config)
    assert world.diff("wiki", plain())
    world.apply({"wiki": plain()})
    assert world.diff("wiki", plain()) is None
    assert servers(world.config())["theirs"] == FOREIGN["apps"]["http"]["servers"]["theirs"]  # type: ignore[index]


def test_a_damaged_route_never_stands_in_the_way_of_another(world: World) -> None:
    """Regression: a block that reads oddly was refused when it had to be written along."""
    world.put(world.config() | FOREIGN)
    world.apply({"moved": plain("moved.lan"), "bare": plain("bare.lan"), "fine": plain("fine.lan")})
    config = world.config()
    bare, _, moved, _ = servers(config)["conduit_http"]["routes"]
    del bare["handle"]
    servers(config)["conduit_http"]["routes"].remove(moved)
    servers(config)["theirs"]["routes"].append(moved)
    world.put(config)
    world.apply({"new": plain("new.lan")})
    assert {key.name for key in world.read().owned()} == {"bare", "fine", "new"}
    routes = {name: plain(f"{name}.lan") for name in ("moved", "bare", "fine", "new")}
    world.apply({name: spec for name, spec in routes.items() if world.diff(name, spec)})
    assert not any(world.diff(name, spec) for name, spec in routes.items())

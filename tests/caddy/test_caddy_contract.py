"""The provider against a real Caddy: nothing to something, no-op, one field, damage, healing, deletion."""

from __future__ import annotations

import copy
import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from caddy_world import KIND, World, certificate, key_of, plain

from conduit.change import FieldChange
from conduit.engine import Engine, read_settings
from conduit.errors import Refused, Stale, Unreadable
from conduit.model import Claim, Late
from conduit.providers import caddy_checks
from conduit.providers.caddy_admin import Admin
from conduit.providers.transaction import Block, composed
from conduit.resources.route_spec import RouteSpec
from conduit.sandbox import caddy as private_caddy
from conduit.sandbox.daemon import Daemon


def servers(config: Any) -> Any:
    return config["apps"]["http"]["servers"]


def secure(pair: Any, host: str = "wiki.lan", **fields: Any) -> RouteSpec:
    return RouteSpec.model_validate(
        {"names": [host], "upstreams": [{"address": "127.0.0.1:1"}], "certificate": pair} | fields
    )


def test_empty_then_written_then_read_back_equal_then_nothing(world: World, directory: Path) -> None:
    routes = {"wiki": secure(certificate(directory, "wiki", "wiki.lan")), "plain": plain("plain.lan")}
    reading = world.read()
    assert reading.frame is None
    assert reading.objects["route"] == ()
    after = world.apply(routes, reading)
    assert set(after.owned()) == {key_of("wiki"), key_of("plain")}
    assert after.frame == world.provider.frame(after.owned())
    assert [world.diff(name, spec) for name, spec in routes.items()] == [None, None]
    before, pid = world.reloads(), world.daemon.pid
    again = world.apply(routes)
    assert again.version == after.version
    assert (world.reloads(), world.daemon.pid) == (before, pid)
    assert world.status("https://wiki.lan/") == 502
    assert world.curl("http://wiki.lan/a?b=c")[0] == 308


def test_caddy_tells_what_was_sent_byte_for_byte(world: World, directory: Path) -> None:
    """That spares parsing megabytes of it once more; see `in_order`."""
    stranger = {"match": [{"host": ["theirs.lan"]}], "handle": [{"handler": "static_response", "status_code": 418}]}
    world.put({"logging": {"logs": {"default": {"level": "WARN"}}}, **world.config()})
    world.apply({"plain": plain("plain.lan")})
    config = world.config()
    servers(config)["conduit_http"]["routes"].append(stranger)
    world.put(config)
    headers = {"response_headers": {"X-B": "b", "X-A": "a"}, "request_headers": {"Z": None}}
    wiki = secure(certificate(directory, "wiki", "wiki.lan"), **headers, max_body="1MB", timeouts={"read": "10s"})
    reading = world.read()
    document = composed(world.provider, reading, world.blocks({"wiki": wiki}))
    after = world.provider.commit(document, reading)
    assert world.admin.get().body == document.body + b"\n"
    assert after.raw.config is document.config


def test_https_redirect_keeps_path_and_names_the_port(world: World, directory: Path) -> None:
    world.apply({"wiki": secure(certificate(directory, "wiki", "wiki.lan"))})
    port = world.daemon.section["https"][0].rpartition(":")[2]
    assert f"Location: https://wiki.lan:{port}/a?b=c" in world.curl("http://wiki.lan/a?b=c")[1]


def test_one_field_differs_as_exactly_that_field(world: World) -> None:
    world.apply({"wiki": plain()})
    changed = world.diff("wiki", plain(timeouts={"connect": "2s"}, deny=("10.0.0.0/8",)))
    assert changed
    assert [change.path for change in changed.fields] == ["deny", "timeouts"]
    assert world.diff("wiki", plain(upstream="127.0.0.1:2")).fields == (  # type: ignore[union-attr]
        FieldChange("upstreams.0.address", "127.0.0.1:1", "127.0.0.1:2"),
    )


def test_a_hand_edit_is_drift_with_its_field_and_is_healed(world: World) -> None:
    world.apply({"wiki": plain(), "other": plain("other.lan")})
    config = world.config()
    route = servers(config)["conduit_http"]["routes"][1]
    route["handle"][-1]["upstreams"][0]["dial"] = "127.0.0.1:9"
    world.put(config)
    drift = world.diff("wiki", plain())
    assert drift
    assert drift.fields == (FieldChange("upstreams.0.address", "127.0.0.1:9", "127.0.0.1:1"),)
    assert world.diff("other", plain("other.lan")) is None
    world.apply({"wiki": plain()})
    assert world.diff("wiki", plain()) is None


def test_an_edit_beyond_the_spec_is_shown_as_text(world: World) -> None:
    world.apply({"wiki": plain()})
    config = world.config()
    servers(config)["conduit_http"]["routes"][0]["handle"].insert(0, {"handler": "encode", "encodings": {"gzip": {}}})
    world.put(config)
    drift = world.diff("wiki", plain())
    assert drift
    assert not drift.fields
    assert '"encodings"' in drift.raw


@pytest.mark.parametrize("fragment", ["conduit_https", "conduit_http"])
def test_a_deleted_fragment_is_drift(world: World, directory: Path, fragment: str) -> None:
    spec = secure(certificate(directory, "wiki", "wiki.lan"))
    world.apply({"wiki": spec})
    config = world.config()
    servers(config)[fragment]["routes"] = []
    world.put(config)
    assert world.diff("wiki", spec)
    after = world.apply({"wiki": spec})
    assert world.diff("wiki", spec) is None
    assert after.frame == world.provider.frame(after.owned())


def test_a_removed_or_edited_certificate_entry_is_drift(world: World, directory: Path) -> None:
    spec = secure(certificate(directory, "wiki", "wiki.lan"))
    other = certificate(directory, "other", "wiki.lan")
    world.apply({"wiki": spec})
    for damage in ([], [{"certificate": other.value["certificate"], "key": other.value["key"]}]):
        config = world.config()
        entries = config["apps"]["tls"]["certificates"]["load_files"]
        config["apps"]["tls"]["certificates"]["load_files"] = [entries[0] | entry for entry in damage]
        world.put(config)
        assert world.diff("wiki", spec)
        world.apply({"wiki": spec})
        assert world.diff("wiki", spec) is None
        assert len(world.config()["apps"]["tls"]["certificates"]["load_files"]) == 1


def test_a_shared_certificate_is_loaded_once_and_a_renewed_one_is_served(world: World, directory: Path) -> None:
    pair = certificate(directory, "shared", "a.lan", "b.lan")
    routes = {"a": secure(pair, "a.lan"), "b": secure(pair, "b.lan")}
    world.apply(routes)
    assert len(world.config()["apps"]["tls"]["certificates"]["load_files"]) == 1
    renewed = pair.resolved(certificate(directory, "renewed", "a.lan", "b.lan").value)
    change = world.diff("a", secure(renewed, "a.lan"))
    assert change
    assert change.fields == (FieldChange("certificate", pair.value["certificate"], renewed.value["certificate"]),)
    world.apply({"a": secure(renewed, "a.lan"), "b": secure(renewed, "b.lan")})
    entries = world.config()["apps"]["tls"]["certificates"]["load_files"]
    assert [entry["certificate"] for entry in entries] == [renewed.value["certificate"]]
    assert world.served("a.lan") == world.served("b.lan") == "renewed"


def test_the_last_route_takes_our_servers_along_and_never_empties_caddy(world: World, directory: Path) -> None:
    original = world.config()
    world.apply({"wiki": secure(certificate(directory, "wiki", "wiki.lan"))})
    after = world.apply({"wiki": None})
    assert after.frame is None
    assert after.owned() == {}
    assert world.config()["admin"] == original["admin"]
    assert world.config()["apps"] == {"http": {"servers": {}}, "tls": {"certificates": {"load_files": []}}}
    before = world.reloads()
    world.apply({})
    assert world.reloads() == before


FOREIGN = {
    "apps": {
        "http": {
            "servers": {
                "theirs": {
                    "listen": ["127.0.0.1:0"],
                    "automatic_https": {"disable": True},
                    "routes": [
                        {
                            "@id": "conduit.route.wiki.http.0.0123456789abcdef",
                            "match": [{"host": ["Old.LAN"], "path": ["/x", "/x/*"]}],
                            "handle": [{"handler": "static_response", "body": "theirs", "status_code": 200}],
                        },
                        {"handle": [{"handler": "static_response", "status_code": "404"}]},
                    ],
                }
            }
        },
        "tls": {"automation": {"policies": [{"subjects": ["x.lan"], "issuers": [{"module": "internal"}]}]}},
        "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
    },
    "logging": {"logs": {"default": {"level": "WARN"}, "theirs": {"include": ["http.log.access.theirs"]}}},
    "storage": {"module": "file_system", "root": "/tmp/nowhere-conduit-test"},
}


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


def test_our_servers_settings_are_frame_with_their_path(world: World) -> None:
    world.apply({"wiki": plain()})
    config = world.config()
    del servers(config)["conduit_http"]["automatic_https"], servers(config)["conduit_http"]["@id"]
    world.put(config)
    reading = world.read()
    paths = [path for path, *_ in world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))]
    assert paths == ["http.mark", "http.automatic_https"]
    after = world.apply({})
    assert after.frame == world.provider.frame(after.owned())


def test_exact_hosts_and_longer_paths_are_asked_first(world: World) -> None:
    def answer(host: str, status: int, path: str = "/") -> RouteSpec:
        return plain(host, path=path, redirect={"to": "https://x.lan", "status": status})

    world.apply({"a": answer("*.lan", 301), "b": answer("b.lan", 302), "c": answer("b.lan", 307, "/deep")})
    got = [
        world.status(url) for url in ("http://x.lan/", "http://b.lan/", "http://b.lan/deep/er", "http://b.lan/deeper")
    ]
    assert got == [301, 302, 307, 302]


def test_a_hand_made_disorder_is_a_frame_difference(world: World) -> None:
    world.apply({"a": plain("*.lan"), "b": plain("b.lan")})
    config = world.config()
    b, a, last = servers(config)["conduit_http"]["routes"]
    servers(config)["conduit_http"]["routes"] = [a, b, last]
    world.put(config)
    reading = world.read()
    assert reading.frame["disorder"] == ["route/b stands behind a less specific route"]
    assert [world.diff("a", plain("*.lan")), world.diff("b", plain("b.lan"))] == [None, None]
    after = world.apply({})
    assert after.frame == world.provider.frame(after.owned())


def test_what_nobody_declared_is_404_and_what_stands_behind_that_is_told(world: World) -> None:
    world.put(world.config() | FOREIGN)
    world.apply({"wiki": plain(path="/wiki", redirect={"to": "https://ours.lan"})})
    assert [world.status(url) for url in ("http://unknown.lan/", "http://wiki.lan/", "http://wiki.lan/wiki")] == [
        404,
        404,
        302,
    ]
    stranger = {"match": [{"host": ["theirs.lan"]}], "handle": [{"handler": "static_response", "status_code": 418}]}
    config = world.config()
    servers(config)["conduit_http"]["routes"].append(stranger)
    world.put(config)
    reading = world.read()
    ((path, live, _),) = world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))
    assert path == "disorder"
    assert live == [f"{CLOSED}/2 stands behind the answer for all that nobody declared"]
    world.apply({"wiki": plain(path="/wiki", redirect={"to": "https://ours.lan"})})
    assert (world.status("http://theirs.lan/"), world.status("http://unknown.lan/")) == (418, 404)
    assert servers(world.config())["theirs"] == FOREIGN["apps"]["http"]["servers"]["theirs"]  # type: ignore[index]


@pytest.mark.parametrize("damage", ["removed", "edited", "in the wrong server"])
def test_a_damaged_last_route_is_a_frame_difference_and_comes_back(world: World, damage: str) -> None:
    world.put(world.config() | FOREIGN)
    world.apply({"wiki": plain()})
    config = world.config()
    last = servers(config)["conduit_http"]["routes"].pop()
    if damage == "edited":
        edited = last | {"handle": [{"handler": "static_response", "status_code": 200}]}
        servers(config)["conduit_http"]["routes"].append(edited)
    elif damage == "in the wrong server":
        servers(config)["theirs"]["routes"].append(last)
    world.put(config)
    reading = world.read()
    ((path, *_),) = world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))
    assert path.startswith("http.fallback")
    assert world.diff("wiki", plain()) is None
    after = world.apply({})
    assert after.frame == world.provider.frame(after.owned())
    assert world.status("http://unknown.lan/") == 404
    assert servers(world.config())["theirs"] == FOREIGN["apps"]["http"]["servers"]["theirs"]  # type: ignore[index]


CLOSED = "apps/http/servers/conduit_http/routes"


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


def test_protection_is_kept_in_the_mark(world: World) -> None:
    provider, reading = world.provider, world.read()
    native = provider.compose(reading, {}).blocks | {
        key_of("wiki"): world.rendered(plain()),
        key_of("free"): world.rendered(plain("free.lan")),
    }
    after = provider.commit(provider.compose(reading, native, {key_of("wiki")}), reading)
    assert {live.key.name: live.protected for live in after.objects["route"]} == {"wiki": True, "free": False}


def test_a_stale_reading_is_refused_and_nothing_is_written(world: World) -> None:
    reading = world.read()
    world.apply({"other": plain("other.lan")})
    before = world.config()
    with pytest.raises(Stale, match="someone changed Caddy"):
        world.apply({"wiki": plain()}, reading)
    assert world.config() == before


def test_a_write_between_reading_and_sending_is_never_overwritten(world: World) -> None:
    def intrude(point: str) -> None:
        if point == "caddy.commit.before":
            world.put(world.config() | {"logging": {"logs": {"default": {"level": "ERROR"}}}})

    world.failpoint = intrude
    with pytest.raises(Stale):
        world.apply({"wiki": plain()})
    assert "apps" not in world.config()


def test_a_refused_block_is_named_and_the_others_go_through(world: World) -> None:
    good = world.apply({"good": plain("good.lan")})
    bad = copy.deepcopy(world.rendered(plain("bad.lan")))
    bad["http"]["handle"][-1]["handler"] = "no_such_handler"
    provider, before = world.provider, world.config()
    document = provider.compose(good, good.owned() | {key_of("bad"): bad})
    with pytest.raises(Refused, match="no_such_handler") as refusal:
        provider.commit(document, good)
    assert refusal.value.blamed == (key_of("bad"),)
    assert world.config() == before
    staged = world.transact({key_of("bad"): Block(bad), key_of("new"): Block(world.rendered(plain("new.lan")))})
    assert set(staged.quarantined) == {key_of("bad")}
    assert set(world.read().owned()) == {key_of("good"), key_of("new")}


def test_a_missing_certificate_file_is_refused_before_anything_is_sent(world: World, directory: Path) -> None:
    pair = certificate(directory, "wiki", "wiki.lan")
    Path(pair.value["key"]).unlink()
    before = world.reloads()
    with pytest.raises(Refused, match=r"wiki\.key: No such file") as refusal:
        world.apply({"wiki": secure(pair)})
    assert refusal.value.blamed == (key_of("wiki"),)
    assert world.reloads() == before


def test_a_file_closed_to_caddys_user_is_refused(world: World, directory: Path) -> None:
    pair = certificate(directory, "wiki", "wiki.lan")
    world.options["user"] = "nobody"
    Path(pair.value["key"]).chmod(0o600)
    with pytest.raises(Refused, match="is closed to its user"):
        world.apply({"wiki": secure(pair)})
    Path(pair.value["key"]).chmod(0o644)
    world.apply({"wiki": secure(pair)})


def test_a_certificate_caddy_cannot_load_blames_its_route(world: World, directory: Path) -> None:
    good, bad = certificate(directory, "good", "good.lan"), certificate(directory, "bad", "bad.lan")
    Path(bad.value["certificate"]).write_text("not a certificate\n")
    routes = {"good": secure(good, "good.lan"), "bad": secure(bad, "bad.lan")}
    staged = world.transact({key_of(name): Block(world.rendered(spec)) for name, spec in routes.items()})
    assert set(staged.quarantined) == {key_of("bad")}
    assert set(world.read().owned()) == {key_of("good")}


def test_a_refusal_without_a_name_is_found_by_trying_halves(world: World, directory: Path) -> None:
    """A key that does not fit its certificate is refused by Caddy without a word about which."""
    pairs = {name: certificate(directory, name, f"{name}.lan") for name in ("a", "b", "c", "d")}
    mixed = {"certificate": pairs["b"].value["certificate"], "key": pairs["c"].value["key"]}
    specs = {name: secure(pair, f"{name}.lan") for name, pair in pairs.items()}
    specs["b"] = secure(pairs["b"].resolved(mixed), "b.lan")
    staged = world.transact({key_of(name): Block(world.rendered(spec)) for name, spec in specs.items()})
    assert set(staged.quarantined) == {key_of("b")}
    assert {key.name for key in world.read().owned()} == {"a", "c", "d"}


def test_a_port_somebody_else_holds_is_refused_and_nothing_changes(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        world.options["http"] = [taken]
        before = world.config()
        with pytest.raises(Refused, match=rf"{taken} is held by .*, pid {os.getpid()}"):
            world.apply({"wiki": plain()})
        assert world.config() == before


def test_a_late_certificate_is_refused_by_name(world: World, directory: Path) -> None:
    pair = certificate(directory, "wiki", "wiki.lan")
    late = secure(pair.resolved(Late(pair.key, "caddy")))
    with pytest.raises(Refused, match="route/wiki has no certificate files yet") as refusal:
        world.apply({"wiki": late})
    assert refusal.value.blamed == (key_of("wiki"),)


def test_without_a_tag_the_state_itself_is_compared_before_writing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caddy 2.6 sends the tag as a trailer, where it cannot be read."""
    get = Admin.get
    monkeypatch.setattr(Admin, "get", lambda self, path="/config/": get(self, path)._replace(etag=""))
    reading = world.read()
    world.apply({"wiki": plain()})
    with pytest.raises(Stale):
        world.apply({"other": plain("other.lan")}, reading)


def test_what_reads_back_different_is_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.config()
    post = Admin.post

    def meddle(self: Admin, body: bytes, etag: str, *sent: Any) -> Any:
        return post(self, body.replace(b"127.0.0.1:1", b"127.0.0.1:2"), etag, *sent)

    monkeypatch.setattr(Admin, "post", meddle)
    with pytest.raises(Refused, match="something else than was sent"):
        world.apply({"wiki": plain()})
    assert world.config() == before


@pytest.mark.parametrize(
    ("found", "features", "warned"),
    [((2, 6, 2), set(), True), ((2, 11, 0), {"stream_close_delay"}, True), ((2, 11, 1), {"stream_close_delay"}, False)],
)
def test_versions(found: tuple[int, ...], features: set[str], warned: bool) -> None:
    assert caddy_checks.features(found) == features
    assert bool(caddy_checks.version_warnings(found)) == warned


def test_the_version_is_asked_once_per_binary(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "stream_close_delay" in world.read().features
    monkeypatch.setattr(caddy_checks, "_ask", lambda program: (2, 6, 2))
    assert "stream_close_delay" in world.read().features
    (world.state / "cache" / "caddy-version.json").write_text("damaged")
    assert world.read().features == frozenset()
    world.options["program"] = None
    assert world.read().features == frozenset()


def test_a_relative_program_lies_beside_conduit_yaml(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was looked up from wherever the command was run."""
    (tmp_path / "caddy").symlink_to(world.daemon.section["program"])
    document = {"state_dir": str(world.state), "caddy": world.daemon.section | {"program": "caddy"}}
    (tmp_path / "conduit.yaml").write_text(json.dumps(document))
    monkeypatch.chdir("/")
    engine = Engine(read_settings(tmp_path / "conduit.yaml"))
    assert "stream_close_delay" in engine.providers["caddy"].read().features


def test_the_admin_endpoint_stays_after_a_refusal(world: World) -> None:
    """A refused configuration without an admin block moves the endpoint, so ours always has one."""
    config = world.config()
    del config["admin"]
    reading = world.read()
    document = world.provider.compose(reading, {key_of("wiki"): world.rendered(plain())})
    assert document.config["admin"] == world.config()["admin"]
    bad = copy.deepcopy(world.rendered(plain()))
    bad["http"]["handle"][-1]["handler"] = "no_such_handler"
    with pytest.raises(Refused):
        world.transact({key_of("wiki"): Block(bad)})
    assert world.read().version == reading.version


def test_a_caddy_without_any_configuration_gets_an_admin_block(directory: Path, private: Callable[..., Daemon]) -> None:
    """`caddy run` without a file has the configuration `null` and its admin API where the environment says."""
    recorded = private_caddy.prepare(directory / "caddy")
    argv = (recorded.argv[0], "run")
    bare = replace(recorded, argv=argv, environment=recorded.environment | {"CADDY_ADMIN": recorded.section["admin"]})
    private(lambda: (bare.start(), bare)[1])
    world = World(bare, directory / "state")
    assert world.config() is None
    assert world.read().frame is None
    world.apply({"wiki": plain()})
    assert world.config()["admin"] == {"listen": bare.section["admin"]}
    assert world.diff("wiki", plain()) is None


def test_restarted_without_its_state_everything_is_drift_and_one_write_heals(world: World) -> None:
    routes = {"a": plain("a.lan"), "b": plain("b.lan")}
    world.apply(routes)
    world.daemon.stop()
    with pytest.raises(Unreadable, match="cannot be read"):
        world.read()
    world.daemon.start()
    assert world.read().frame is None
    assert all(world.diff(name, spec) for name, spec in routes.items())
    world.apply(routes)
    assert not any(world.diff(name, spec) for name, spec in routes.items())


def test_a_lost_reply_is_resolved_by_reading(world: World) -> None:
    def lose(point: str) -> None:
        if point == "caddy.commit.sent":
            raise OSError("the connection died")

    world.failpoint = lose
    after = world.apply({"wiki": plain()})
    assert set(after.owned()) == {key_of("wiki")}
    assert set(world.read().owned()) == {key_of("wiki")}


def test_reading_right_after_a_reload_works(world: World) -> None:
    """Regression: the admin endpoint that a reload replaces still accepts a connection and closes it unanswered."""
    for number in range(1, 25):
        after = world.apply({"wiki": plain(upstream=f"127.0.0.1:{number}")})
        assert world.read().version == after.version


def test_restore_puts_back_an_earlier_reading(world: World) -> None:
    world.put(world.config() | FOREIGN)
    earlier = world.apply({"wiki": plain()})
    later = world.apply({"wiki": plain(upstream="127.0.0.1:2"), "new": plain("new.lan")})
    restored = world.provider.restore(earlier, later)
    assert restored.raw.config == earlier.raw.config
    assert json.loads(world.admin.get().body) == earlier.raw.config


def test_admin_over_tcp(directory: Path, private: Callable[..., Daemon]) -> None:
    from conduit.sandbox.machine import free_port

    address = f"127.0.0.1:{free_port()}"
    world = World(private(private_caddy.start, directory / "caddy", admin=address), directory / "state")
    world.apply({"wiki": plain()})
    assert world.diff("wiki", plain()) is None
    assert any("on TCP" in finding for finding in world.provider.check())

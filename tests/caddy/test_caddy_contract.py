"""The provider against a real Caddy: nothing to something, no-op, one field, damage, healing, deletion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from caddy_world import FOREIGN, World, certificate, key_of, plain, secure, servers

from conduit.change import FieldChange
from conduit.providers.transaction import composed


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
    """That spares parsing megabytes of it once more."""
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


def edit_variable(handlers: list[dict[str, Any]]) -> None:
    handlers[0]["upstream"] = "127.0.0.1:9"


def edit_handler(handlers: list[dict[str, Any]]) -> None:
    handlers[0]["upstreams"][0]["dial"] = "127.0.0.1:9"


@pytest.mark.parametrize(("fields", "edit"), [({}, edit_variable), ({"timeouts": {"read": "9s"}}, edit_handler)])
def test_a_hand_edit_is_drift_with_its_field_and_is_healed(
    world: World, fields: dict[str, Any], edit: Callable[[list[dict[str, Any]]], None]
) -> None:
    wiki = plain(**fields)
    world.apply({"wiki": wiki, "other": plain("other.lan")})
    config = world.config()
    edit(servers(config)["conduit_http"]["routes"][1]["handle"])
    world.put(config)
    drift = world.diff("wiki", wiki)
    assert drift
    assert drift.fields == (FieldChange("upstreams.0.address", "127.0.0.1:9", "127.0.0.1:1"),)
    assert world.diff("other", plain("other.lan")) is None
    world.apply({"wiki": wiki})
    assert world.diff("wiki", wiki) is None


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


def test_protection_is_kept_in_the_mark(world: World) -> None:
    provider, reading = world.provider, world.read()
    native = provider.compose(reading, {}).blocks | {
        key_of("wiki"): world.rendered(plain()),
        key_of("free"): world.rendered(plain("free.lan")),
    }
    after = provider.commit(provider.compose(reading, native, {key_of("wiki")}), reading)
    assert {live.key.name: live.protected for live in after.objects["route"]} == {"wiki": True, "free": False}


def test_restore_puts_back_an_earlier_reading(world: World) -> None:
    world.put(world.config() | FOREIGN)
    earlier = world.apply({"wiki": plain()})
    later = world.apply({"wiki": plain(upstream="127.0.0.1:2"), "new": plain("new.lan")})
    restored = world.provider.restore(earlier, later)
    assert restored.raw.config == earlier.raw.config
    assert json.loads(world.admin.get().body) == earlier.raw.config

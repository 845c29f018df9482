"""What is stale, does not load or reads back different is refused, blamed on its route, and leaves Caddy as it was."""

from __future__ import annotations

import copy
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from caddy_world import World, certificate, key_of, plain, secure
from msgspec.structs import replace

from conduit.errors import Refused, Stale
from conduit.model import Late
from conduit.providers.caddy_admin import Admin
from conduit.providers.transaction import Block


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
    monkeypatch.setattr(Admin, "get", lambda self, path="/config/": replace(get(self, path), etag=""))
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


def test_a_route_that_loads_and_is_not_what_was_wanted_is_taken_back(world: World, directory: Path) -> None:
    """A certificate that no route shows: that is seen only when the configuration is read as a whole."""
    good = world.apply({"good": plain("good.lan")})
    before = world.config()
    pair = certificate(directory, "wiki", "wiki.lan")
    native = {**world.rendered(plain()), "certificate": world.rendered(secure(pair))["certificate"]}
    document = world.provider.compose(good, good.owned() | {key_of("wiki"): native})
    loaded = world.reloads()
    with pytest.raises(Refused, match="route/wiki would read back different") as refusal:
        world.provider.commit(document, good)
    assert refusal.value.blamed == (key_of("wiki"),)
    assert world.config() == before
    assert world.reloads() != loaded, "Caddy had it, and has what was before again"


def test_a_value_that_is_no_json_is_refused_before_anything_is_sent(world: World) -> None:
    native = copy.deepcopy(world.rendered(plain()))
    native["http"]["handle"][-1]["upstreams"] = (Late(key_of("wiki"), "caddy"),)
    before = world.reloads()
    with pytest.raises(Refused, match="route/wiki would read back different") as refusal:
        world.transact({key_of("wiki"): Block(native)})
    assert refusal.value.blamed == (key_of("wiki"),)
    assert world.reloads() == before


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

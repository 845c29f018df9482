"""What nginx, or conduit before it, refuses: who is to blame, and that all else goes through or stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from nginx_world import World, certificate, key_of, plain, secure

from conduit.errors import Refused, Stale
from conduit.model import Late
from conduit.providers.transaction import Block, transact


def test_a_missing_secret_refuses_its_vhost_alone(world: World) -> None:
    bad = plain("bad.lan", redirect={"to": "/x"}, basic_auth={"ann": {"secret": "none"}})
    staged = world.transact(world.blocks({"bad": bad, "good": plain("good.lan")}))
    assert set(staged.quarantined) == {key_of("bad")}
    assert set(world.read().owned()) == {key_of("good")}


def test_a_certificate_nginx_cannot_load_blames_its_vhost(world: World, directory: Path) -> None:
    good, bad, gone = (certificate(directory, name) for name in ("good", "bad", "gone"))
    Path(bad.value["certificate"]).write_text("not a certificate\n")
    Path(gone.value["key"]).unlink()
    vhosts = {name: secure(pair, f"{name}.lan") for name, pair in (("good", good), ("bad", bad), ("gone", gone))}
    staged = world.transact(world.blocks(vhosts))
    assert set(staged.quarantined) == {key_of("bad"), key_of("gone")}
    assert set(world.read().owned()) == {key_of("good")}


def test_a_line_nginx_refuses_blames_its_vhost(world: World) -> None:
    world.apply({"old": plain("old.lan")})
    native = world.rendered(plain("bad.lan"))
    native["http"].insert(1, "proxy_no_such_thing on;")
    changes = {key_of("bad"): Block(native), key_of("new"): Block(world.rendered(plain("new.lan")))}
    _, staged = transact(world.provider, world.read(), changes)
    assert set(staged.quarantined) == {key_of("bad")}
    assert "proxy_no_such_thing" in staged.quarantined[key_of("bad")].summary
    assert set(world.read().owned()) == {key_of("old"), key_of("new")}


def test_an_other_file_that_is_broken_blames_nobody_and_changes_nothing(world: World) -> None:
    world.apply({"wiki": plain()})
    before = world.footprint()
    world.conf.with_name("theirs.conf").write_text("no_such_thing;\n")
    with pytest.raises(Refused, match="no_such_thing") as refusal:
        world.apply({"new": plain("new.lan")})
    assert (refusal.value.blamed, refusal.value.whole) == ((), True)
    assert world.footprint() == before


def test_a_late_certificate_is_refused_by_name(world: World, directory: Path) -> None:
    pair = certificate(directory, "wiki")
    with pytest.raises(Refused, match="vhost/wiki has no certificate files yet") as refusal:
        world.apply({"wiki": secure(pair.resolved(Late(pair.key, "nginx")))})
    assert refusal.value.blamed == (key_of("wiki"),)


def test_a_stale_reading_is_refused_and_nothing_is_written(world: World) -> None:
    reading = world.read()
    world.apply({"other": plain("other.lan")})
    before = world.text
    with pytest.raises(Stale):
        world.apply({"wiki": plain()}, reading)
    assert world.text == before

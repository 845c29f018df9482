"""The kind contract on a real nginx: create, no-op, one field, damage, heal, prune, and neighbours nobody touches."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from nginx_world import World, key_of, plain

from conduit.errors import Unreadable
from conduit.sandbox.daemon import Daemon
from tests.proxy_world import HASH

NEIGHBOUR = "server {\n    listen 127.0.0.1:1;\n    server_name theirs.lan wiki.lan;\n    return 200 theirs;\n}\n"


def test_a_vhost_lives(world: World, upstream: Callable[..., Daemon]) -> None:
    address = upstream().address
    assert world.read().frame is None
    after = world.apply({"wiki": plain(upstream=address)})
    assert set(after.owned()) == {key_of("wiki")}
    assert world.status("http://wiki.lan/") == 200
    assert world.status("http://other.lan/") == 404
    assert world.diff("wiki", plain(upstream=address)) is None
    assert world.frame_diff() == ()

    before = world.footprint()
    world.apply({"wiki": plain(upstream=address)})
    assert world.footprint() == before

    changed = plain(upstream=address, response_headers={"X-A": "b"})
    diff = world.diff("wiki", changed)
    assert diff
    assert [change.path for change in diff.fields] == ["response_headers.X-A"]
    world.apply({"wiki": changed})
    assert "X-A: b\n" in world.curl("http://wiki.lan/")[1]

    world.apply({"wiki": None})
    assert world.status("http://wiki.lan/") == 404
    assert world.read().owned() == {}


@pytest.mark.parametrize("websockets", [True, False])
def test_upstreams_are_asked_to_end_their_connections(
    world: World, upstream: Callable[..., Daemon], websockets: bool
) -> None:
    """Ended by nginx they waited on this host; half a minute of 1,000 requests a second used up all its ports."""
    world.apply({"wiki": plain(upstream=upstream().address, websockets=websockets)})
    answer = json.loads(world.curl("http://wiki.lan/")[1].splitlines()[-1])
    assert answer["headers"]["Connection"] == "close"


def test_a_change_by_hand_is_shown_by_field_and_healed(world: World) -> None:
    spec = plain(redirect={"to": "https://x.lan"})
    world.apply({"wiki": spec, "other": plain("other.lan")})
    world.edit("return 302 https://x.lan;", "return 301 https://x.lan;")
    assert "changed by hand" in world.read().stale
    diff = world.diff("wiki", spec)
    assert diff
    assert [(change.path, change.old, change.new) for change in diff.fields] == [("redirect.status", 301, 302)]
    assert world.diff("other", plain("other.lan")) is None
    world.apply({"wiki": spec})
    assert world.diff("wiki", spec) is None
    assert (world.read().stale, world.frame_diff()) == ("", ())


def test_a_line_no_field_has_is_shown_as_text(world: World) -> None:
    world.apply({"wiki": plain()})
    world.edit("proxy_redirect off;", "proxy_redirect off; more;")
    diff = world.diff("wiki", plain())
    assert diff
    assert not diff.fields
    assert "proxy_redirect off; more;" in diff.raw
    world.apply({"wiki": plain()})
    assert world.diff("wiki", plain()) is None


def test_a_name_taken_out_of_a_server_is_that_field(world: World) -> None:
    spec = plain(names=["a.lan", "b.lan"])
    world.apply({"wiki": spec})
    world.edit("server_name a.lan b.lan;", "server_name a.lan;")
    diff = world.diff("wiki", spec)
    assert diff
    assert [change.path for change in diff.fields] == ["names"]


def test_a_copied_block_with_anothers_mark_is_nobodys(world: World) -> None:
    world.apply({"wiki": plain()})
    block = world.text[world.text.index("# vhost wiki http") :]
    forged = block[: block.index("# end") + 6].replace("wiki", "fake")
    world.conf.write_text(world.text + forged)
    assert set(world.read().owned()) == {key_of("wiki")}
    assert "a block of fake without a mark" in repr(world.frame_diff())


def test_a_neighbour_is_listed_warned_about_and_never_touched(world: World) -> None:
    theirs = world.conf.with_name("theirs.conf")
    theirs.write_text(NEIGHBOUR)
    kept = (theirs.read_text(), theirs.stat().st_mtime_ns)
    world.apply({"wiki": plain()})
    assert [(live.native["names"], live.place) for live in world.foreign()] == [
        (["theirs.lan"], f"{theirs}:3"),
        (["wiki.lan"], f"{theirs}:3"),
    ]
    assert world.read().warnings == (f"wiki.lan is also served by {theirs}:3; nginx takes the one it reads first",)
    world.apply({"wiki": None})
    assert (theirs.read_text(), theirs.stat().st_mtime_ns) == kept


def test_protection_is_kept_in_the_marks(world: World) -> None:
    reading = world.read()
    native = {key_of("wiki"): world.rendered(plain()), key_of("free"): world.rendered(plain("free.lan"))}
    after = world.provider.commit(world.provider.compose(reading, native, {key_of("wiki")}), reading)
    assert {live.key.name: live.protected for live in after.ours()} == {"wiki": True, "free": False}
    world.conf.write_text(world.text.replace(" protected", ""))
    assert key_of("wiki") not in world.read().owned()


def test_several_vhosts_share_a_name_by_path(world: World, upstream: Callable[..., Daemon]) -> None:
    addresses = {name: upstream(name).address for name in ("site", "api", "deep", "wild")}
    world.apply(
        {
            "site": plain("a.lan", addresses["site"]),
            "api": plain("a.lan", addresses["api"], path="/api"),
            "deep": plain("a.lan", addresses["deep"], path="/api/deep"),
            "only": plain("b.lan", addresses["api"], path="/only"),
            "wild": plain("*.lan", addresses["wild"]),
        }
    )

    def who(url: str) -> str:
        return next((name for name in addresses if f'"name": "{name}"' in world.curl(url)[1]), "")

    asked = ["/", "/api", "/API/x", "/apix", "/api/deep/er", "/api/deeper"]
    assert [who(f"http://a.lan{path}") for path in asked] == ["site", "api", "api", "site", "deep", "api"]
    assert [who(f"http://{host}/") for host in ("b.lan", "c.lan", "x.c.lan")] == ["wild", "wild", ""]
    assert who("http://b.lan/only/x") == "api"
    assert world.frame_diff() == ()


def test_stored_passwords_are_hashed_compared_by_seal_and_rotated(world: World) -> None:
    world.secrets["ann"] = "first"
    spec = plain(redirect={"to": "/x"}, basic_auth={"ann": {"secret": "ann"}, "bob": HASH})
    world.apply({"wiki": spec})
    passwords = Path(world.daemon.section["passwords"])
    (file,) = passwords.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "first" not in file.read_text() + world.text
    assert [world.status("http://wiki.lan/", *w) for w in ((), ("-u", "ann:first"), ("-u", "bob:secret"))] == [
        401,
        302,
        302,
    ]
    assert world.diff("wiki", spec) is None
    world.secrets["ann"] = "second"
    diff = world.diff("wiki", spec)
    assert diff
    assert [change.path for change in diff.fields] == ["basic_auth.ann"]
    world.apply({"wiki": spec})
    assert world.status("http://wiki.lan/", "-u", "ann:second") == 302
    assert world.diff("wiki", spec) is None
    (file,) = passwords.iterdir()
    file.write_text("ann:x\n")
    assert world.diff("wiki", spec)
    world.apply({"wiki": spec})
    assert world.status("http://wiki.lan/", "-u", "ann:second") == 302
    world.apply({"wiki": None})
    assert list(passwords.iterdir()) == []


def test_restore_puts_back_an_earlier_reading(world: World) -> None:
    earlier = world.apply({"wiki": plain(redirect={"to": "/a"}, basic_auth={"bob": HASH})})
    later = world.apply({"wiki": plain(redirect={"to": "/b"}, basic_auth={"bob": HASH, "al": HASH})})
    restored = world.provider.restore(earlier, later)
    assert restored.raw.file == earlier.raw.file
    assert world.status("http://wiki.lan/", "-u", "bob:secret") == 302
    assert world.status("http://wiki.lan/", "-u", "al:secret") == 401


def test_the_file_equal_to_the_wish_but_not_loaded_is_a_difference(world: World) -> None:
    world.apply({"wiki": plain(redirect={"to": "/a"})})
    old, stamp = world.text, world.conf.stat().st_mtime_ns
    after = world.apply({"wiki": plain(redirect={"to": "/b"})})
    world.conf.write_text(old)
    os.utime(world.conf, ns=(stamp, stamp))
    assert world.diff("wiki", plain(redirect={"to": "/a"})) is None
    assert "is not the one nginx serves" in world.read().stale
    world.apply({"wiki": plain(redirect={"to": "/a"})})
    assert "\nLocation: /a\n" in world.curl("http://wiki.lan/")[1]
    assert after.stale == world.read().stale == ""


def test_a_dead_nginx_is_unknown_but_not_before_the_first_frame(world: World) -> None:
    world.daemon.stop()
    assert world.read().frame is None
    world.daemon.start()
    world.apply({"wiki": plain(redirect={"to": "/a"})})
    world.daemon.stop()
    with pytest.raises(Unreadable, match="does not answer"):
        world.read()
    world.daemon.start()
    assert world.diff("wiki", plain(redirect={"to": "/a"})) is None

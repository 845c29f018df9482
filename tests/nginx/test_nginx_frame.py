"""What stands around nginx's blocks: listeners, servers, tables and settings that every server has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nginx_world import World, plain
from pydantic import ValidationError

from conduit.providers.nginx import Config
from tests.conftest import Ran


def test_as_many_connections_may_wait_as_the_settings_say(world: World, run: Callable[..., Ran]) -> None:
    """With nginx's own 511, one busy moment at 1,000 requests a second filled the queue, and more were lost."""
    for backlog in (300, 600):
        world.options = {"backlog": backlog}
        world.apply({"wiki": plain(redirect={"to": "https://x.lan"})})
        (listener,) = world.daemon.section["http"]
        assert run("ss", "-Hltn", "src", listener).stdout.split()[2] == str(backlog)
        assert world.frame_diff() == ()
    with pytest.raises(ValidationError, match="default server"):
        Config(backlog=300, catch_all=False)


def test_lines_outside_blocks_are_a_frame_difference(world: World) -> None:
    world.apply({"wiki": plain()})
    world.edit("server_names_hash_max_size 1024;", "server_names_hash_max_size 4096;")
    world.conf.write_text(world.text + "server {\n    server_name mine.lan;\n}\nmap $a $b {\n}\n")
    words = repr(world.frame_diff())
    for expected in ("max_size 4096", "max_size 1024", "mine.lan is not as declared", "map $a $b {"):
        assert expected in words
    assert world.diff("wiki", plain()) is None
    world.apply({})
    assert world.frame_diff() == ()
    assert "mine.lan" not in world.text


def test_a_server_edited_around_its_blocks_is_a_frame_difference(world: World) -> None:
    world.apply({"wiki": plain(), "other": plain("other.lan")})
    world.edit("        server_name wiki.lan;".strip(), "server_name wiki.lan;\n    root /;")
    assert "server wiki.lan is not as declared" in repr(world.frame_diff())
    world.apply({})
    assert world.frame_diff() == ()


@pytest.mark.parametrize("field", ["access_log", "challenges"])
def test_settings_that_change_every_server_are_one_frame_change(world: World, directory: Path, field: str) -> None:
    world.apply({"wiki": plain(redirect={"to": "/a"})})
    world.options[field] = str(directory / "extra")
    assert world.frame_diff()
    assert world.diff("wiki", plain(redirect={"to": "/a"})) is None
    world.apply({})
    assert world.frame_diff() == ()
    if field == "challenges":
        token = directory / "extra" / ".well-known" / "acme-challenge" / "token"
        token.parent.mkdir(parents=True)
        token.write_text("proof")
        for url in ("http://wiki.lan", "http://unknown.lan"):
            assert world.curl(f"{url}/.well-known/acme-challenge/token")[1].endswith("proof")
    else:
        world.status("http://wiki.lan/")
        lines = (directory / "extra").read_text().splitlines()
        assert json.loads(lines[-1])["host"] == "wiki.lan"


def test_many_long_names_get_a_table_that_holds_them(world: World) -> None:
    names = [f"{'x' * 60}.{'y' * 60}.{number}.lan" for number in range(300)]
    world.apply({"wiki": plain(names=names, redirect={"to": "/a"})})
    assert world.status(f"http://{names[-1]}/") == 302
    assert "could not build" not in (world.daemon.directory / "error.log").read_text()


def test_findings_name_what_is_missing(world: World) -> None:
    assert list(world.provider.check()) == []
    world.options |= {"program": "/none/nginx", "config": "/none/nginx.conf"}
    assert ["nginx.program" in f or "nginx.config" in f for f in world.provider.check()] == [True, True]


def test_settings_with_a_path_nginx_would_misread_are_refused() -> None:
    with pytest.raises(ValidationError, match="the name of a variable"):
        Config.model_validate({"passwords": "/etc/$x"})

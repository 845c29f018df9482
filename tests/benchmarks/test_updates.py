"""Requests that fail during an update are counted, whatever way they fail. Nothing here is timed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox.machine import free_port

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests import the benchmarks' modules as these import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        (WHOLE, "ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "ok"),
        (b"", "closed"),
        (WHOLE[:-1], "cut"),
        (WHOLE[:20], "cut"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "status 502"),
        (b"HTTP/1.1 308 Permanent Redirect\r\n\r\n", "status 308"),
    ],
)
def test_an_answer_counts_as_what_it_is(said: bytes, ending: str) -> None:
    import load

    async def ask() -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1") as server:
            ending: str = await load.alone(server.sockets[0].getsockname(), "a.test")
            return ending

    assert asyncio.run(ask()) == ending


def test_nobody_there_and_no_answer_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    import load

    monkeypatch.setattr(load, "SECONDS", 1)

    async def ask() -> list[str]:
        async with await asyncio.start_server(lambda reader, writer: asyncio.sleep(60), "127.0.0.1") as server:
            addresses = [("127.0.0.1", free_port()), server.sockets[0].getsockname()]
            return [await load.alone(address, "a.test") for address in addresses]

    assert asyncio.run(ask()) == ["connectionrefused", "timeout"]


def test_a_kept_connection_that_is_closed_is_no_failure_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import load

    monkeypatch.setattr(load, "KEPT_PAUSE", 0)
    counts: Counter[str] = Counter()

    async def ask() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(WHOLE)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1") as server:
            asking = asyncio.create_task(load.kept(server.sockets[0].getsockname(), "a.test", counts))
            while counts[load.KEPT_CLOSED] < 3:
                await asyncio.sleep(0)
            asking.cancel()

    asyncio.run(ask())
    assert set(counts) == {"ok", "kept closed"}


def rows(*failed: tuple[str, str, int]) -> list[Any]:
    import updates

    return [updates.Row(proxy, what, 100, 60.0, Counter(ok=1000, closed=number)) for proxy, what, number in failed]


def test_one_failure_behind_nginx_is_one_too_many() -> None:
    import updates

    told = dict(updates.verdicts(rows(("nginx", "100 vhosts by conduit", 1))))
    assert told == {"nginx, 100 vhosts by conduit: no request fails": "**missed**"}


@pytest.mark.parametrize(("ours", "verdict"), [(100, "held"), (120, "held"), (150, "**missed**")])
def test_behind_caddy_no_more_may_fail_than_by_hand(ours: int, verdict: str) -> None:
    import updates

    both = rows(("caddy", "100 vhosts by conduit", ours), ("caddy", "100 loads by hand", 100))
    assert dict(updates.verdicts(both)) == {"caddy, 100 vhosts by conduit: no more fail than by hand": verdict}


@pytest.mark.usefixtures("programs")
def test_vhosts_change_under_load_without_a_failure_behind_nginx(run: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    words = ("--changes", "2", "--updates", "0", "--rate", "50", "--idle", "1", "--proxies", "nginx", "--out", str(out))
    own = os.environ | {"TMPDIR": str(tmp_path)}
    ran = run(sys.executable, str(BENCHMARKS / "updates.py"), *words, timeout=150, env=own)
    still, changed = map(json.loads, out.read_text().splitlines())
    assert (ran.code, still["loads"], changed["loads"]) == (0, 0, 2), ran.stderr
    assert changed["counts"]["ok"] > 0
    assert not [line for line in run("ps", "-wweo", "args").stdout.splitlines() if f"{tmp_path}/" in line]
    assert "| nginx, 2 vhosts by conduit: no request fails | held |" in ran.stdout

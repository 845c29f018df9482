"""Ask a proxy at a steady rate, each request on a connection of its own, and count how every one of them ended.

    load.py ADDRESS RATE HOST [HOST ...]

Asks for the hosts in turn until its input ends, lets what is under way end, and prints how many requests ended in which
way as JSON. Requests are sent when they are due, whether or not the earlier ones are answered. Anything but a whole
answer with a 2xx status within `SECONDS` is a failure and named. `KEPT` more clients keep their connections: one that
is closed between two requests is counted as `kept closed`, and its request asked again, as every browser does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections import Counter
from contextlib import suppress

SECONDS = 5.0
KEPT = 8
KEPT_PAUSE = 0.1
OK, KEPT_CLOSED = "ok", "kept closed"

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Closed(Exception):
    """The connection ended without a single byte of an answer."""


async def answer(stream: Stream, host: str, *, keep: bool) -> str:
    """Send a request and return `ok`, or how the answer failed. Raises `Closed`, OSError, TimeoutError."""
    reader, writer = stream
    kept = "keep-alive" if keep else "close"
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: {kept}\r\n\r\n".encode())
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("\r\ncontent-length:")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise Closed from error
        return "cut"
    status = head.split(" ", 2)[1]
    return OK if status.startswith("2") else f"status {status}"


async def alone(address: tuple[str, int], host: str) -> str:
    """Return how a request on a connection of its own ended."""
    writer = None
    try:
        async with asyncio.timeout(SECONDS):
            stream = await asyncio.open_connection(*address)
            writer = stream[1]
            return await answer(stream, host, keep=False)
    except TimeoutError:
        return "timeout"
    except Closed:
        return "closed"
    except OSError as error:
        return type(error).__name__.removesuffix("Error").lower()
    finally:
        if writer:
            writer.close()


async def kept(address: tuple[str, int], host: str, counts: Counter[str]) -> None:
    """Ask again and again on one connection; when it is gone, count that, ask anew, and take another one."""
    while True:
        with suppress(Closed, OSError):
            stream = await asyncio.open_connection(*address)
            while True:
                async with asyncio.timeout(SECONDS):
                    counts[await answer(stream, host, keep=True)] += 1
                await asyncio.sleep(KEPT_PAUSE)
        counts[KEPT_CLOSED] += 1
        counts[await alone(address, host)] += 1


async def main() -> None:
    """Ask until the input ends, then print the counts."""
    where, rate, *hosts = sys.argv[1:]
    name, _, port = where.rpartition(":")
    address, counts, ended = (name, int(port)), Counter[str](), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: os.read(0, 1) or ended.set())
    keeping = [asyncio.create_task(kept(address, hosts[0], counts)) for _ in range(KEPT)]
    under_way: set[asyncio.Task[str]] = set()
    due = start = time.monotonic()
    for host in itertools.cycle(hosts):
        if ended.is_set():
            break
        task = asyncio.create_task(alone(address, host))
        under_way.add(task)
        task.add_done_callback(lambda done: (counts.update([done.result()]), under_way.discard(done)))
        due += 1 / float(rate)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    seconds = time.monotonic() - start
    for task in keeping:
        task.cancel()
    await asyncio.gather(*under_way, *keeping, return_exceptions=True)
    print(json.dumps({"seconds": round(seconds, 2), "counts": counts}))


if __name__ == "__main__":
    asyncio.run(main())

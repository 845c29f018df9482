"""How another machine is doing, read over SSH. Only the declared host key is taken, only the declared key is shown.

The commands are fixed words without any value of a user in them: the far side's shell has nothing to misread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from conduit.providers.machine import BYTES, CONTAINERS, GPUS, SAMPLE_SECONDS, Usage, read_usage

if TYPE_CHECKING:
    import asyncssh

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
COMMANDS: Final[Mapping[str, str]] = {
    "stat": f"cat /proc/stat; sleep {SAMPLE_SECONDS}; cat /proc/stat",
    "loadavg": "cat /proc/loadavg",
    "meminfo": "cat /proc/meminfo",
    "uptime": "cat /proc/uptime",
    "disk": "df -P -B1 /",
    "gpus": " ".join(GPUS),
    "containers": " ".join((*CONTAINERS[:-1], f"'{CONTAINERS[-1]}'")),
}
"""What is run for each part; the last two may be missing over there."""


def remote(host: str, port: int, user: str, host_key: str, key: str) -> Usage:
    """Log in and look. Raises OSError for anything that goes wrong, an unknown host key above all.

    It runs in an event loop of its own: asyncssh brings down the one of the server, uvloop's.
    """
    return asyncio.run(_remote(host, port, user, host_key, key))


def enter(host: str, port: int, user: str, host_key: str, key: str) -> None:
    """Log in and leave again. Raises OSError as `remote` does."""
    asyncio.run(_enter(host, port, user, host_key, key))


async def _remote(host: str, port: int, user: str, host_key: str, key: str) -> Usage:
    async with _logged_in(host, port, user, host_key, key) as connection:
        texts = await asyncio.gather(*(_printed(connection, command) for command in COMMANDS.values()))
        return read_usage(dict(zip(COMMANDS, texts, strict=True)))


async def _enter(host: str, port: int, user: str, host_key: str, key: str) -> None:
    async with _logged_in(host, port, user, host_key, key):
        """Being let in is all that is asked."""


@asynccontextmanager
async def _logged_in(
    host: str, port: int, user: str, host_key: str, key: str
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Give a connection for `TOTAL_SECONDS`. Raises OSError for whatever goes wrong, also while it is used."""
    import asyncssh

    name = host if port == 22 else f"[{host}]:{port}"
    try:
        async with (
            asyncio.timeout(TOTAL_SECONDS),
            asyncssh.connect(
                host,
                port,
                username=user,
                client_keys=[asyncssh.import_private_key(key)],
                known_hosts=asyncssh.import_known_hosts(f"{name} {host_key}\n"),
                agent_path=None,
                config=None,
                preferred_auth="publickey",
                connect_timeout=CONNECT_SECONDS,
                login_timeout=CONNECT_SECONDS,
            ) as connection,
        ):
            yield connection
    except TimeoutError:
        raise OSError(f"{user}@{name}: no whole answer within {TOTAL_SECONDS:g} s") from None
    except (asyncssh.Error, ValueError, KeyError, IndexError) as error:
        raise OSError(f"{user}@{name}: {error or type(error).__name__}") from error


async def _printed(connection: asyncssh.SSHClientConnection, command: str) -> str:
    """Return what a command prints over there, at most `BYTES` of it; nothing when it fails."""
    import asyncssh

    text = ""
    async with connection.create_process(command, stderr=asyncssh.DEVNULL) as process:
        while len(text) < BYTES and (part := await process.stdout.read(BYTES - len(text))):
            text += str(part)
    return text

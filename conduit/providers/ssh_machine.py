"""How another machine is doing, read over SSH. Only the declared host key is taken, only the declared key is shown.

The commands are fixed words without any value of a user in them: the far side's shell has nothing to misread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from conduit.providers.machine import BYTES, CONTAINERS, GPUS, SAMPLE_SECONDS, Usage, read_usage

if TYPE_CHECKING:
    import asyncssh

CONNECT_SECONDS: Final = 5.0
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


async def remote(host: str, port: int, user: str, host_key: str, key: str) -> Usage:
    """Log in and look. Raises OSError for anything that goes wrong, an unknown host key above all."""
    import asyncssh

    name = host if port == 22 else f"[{host}]:{port}"
    try:
        async with asyncssh.connect(
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
        ) as connection:
            texts = await asyncio.gather(*(_printed(connection, command) for command in COMMANDS.values()))
        return read_usage(dict(zip(COMMANDS, texts, strict=True)))
    except (asyncssh.Error, ValueError, KeyError, IndexError) as error:
        raise OSError(f"{user}@{name}: {error or type(error).__name__}") from error


async def _printed(connection: asyncssh.SSHClientConnection, command: str) -> str:
    """Return what a command prints over there, at most `BYTES` of it; nothing when it fails."""
    process = await connection.create_process(command, stderr="/dev/null")
    text = await process.stdout.read(BYTES)
    process.close()
    return str(text)

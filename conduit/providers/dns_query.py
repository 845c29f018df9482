"""One DNS question over UDP, for the read path, where importing a DNS library would cost more than all the rest.

RFC 1035 sections 4.1 and 4.1.4: a header of six 16-bit words, then names as length-prefixed labels or pointers back.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

TYPES: Final = {"TXT": 16, "AAAA": 28}
_HEADER: Final = struct.Struct(">6H")
_RECORD: Final = struct.Struct(">HHIH")
_REPLY, _RECURSE, _TRUNCATED = 0x8000, 0x0100, 0x0200


IN: Final = 1
CHAOS: Final = 3
"""The class in which a server tells about itself, such as the statistics of its cache."""


def ask(server: tuple[str, int], name: str, rtype: str, timeout: float, rclass: int = IN) -> list[bytes]:
    """Return the record data of each answer of type `rtype` at `name`; empty when there are none, whatever the reason.

    `server` is an address and port, `timeout` counts in seconds. Raises OSError (TimeoutError among them) when nothing
    answers, ValueError for a reply that is not a whole DNS message.
    """
    number = int.from_bytes(os.urandom(2), "big")
    question = _name(name) + struct.pack(">HH", TYPES[rtype], rclass)
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(timeout)
        link.connect(server)
        link.send(_HEADER.pack(number, _RECURSE, 1, 0, 0, 0) + question)
        try:
            return _answers(link.recv(4096), number, question, TYPES[rtype])
        except (struct.error, IndexError):
            raise ValueError("the reply is cut short") from None


def _name(name: str) -> bytes:
    labels = name.encode("ascii").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _answers(reply: bytes, number: int, question: bytes, wanted: int) -> list[bytes]:
    found, flags, _, count, *_ = _HEADER.unpack_from(reply)
    start = _HEADER.size + len(question)
    if found != number or not flags & _REPLY or reply[_HEADER.size : start].lower() != question.lower():
        raise ValueError("the reply belongs to another question")
    if flags & _TRUNCATED:
        raise ValueError("the reply does not fit into one message")
    answers, offset = [], start
    for _ in range(count):
        offset = _skip_name(reply, offset)
        rtype, _class, _ttl, length = _RECORD.unpack_from(reply, offset)
        offset += _RECORD.size
        if rtype == wanted:
            answers.append(reply[offset : offset + length])
        offset += length
    return answers


def _skip_name(reply: bytes, offset: int) -> int:
    """Return the offset behind a name, which ends in an empty label or in a pointer of two bytes."""
    while length := reply[offset]:
        if length >= 0xC0:
            return offset + 2
        offset += 1 + length
    return offset + 1

"""Every hostile value is refused by the validator of its field; the value itself never reaches a renderer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hostile
import pytest

from conduit import grammar, measures, upstreams

CASES: list[tuple[Callable[[str], Any], list[str]]] = [
    (grammar.name, hostile.NAMES),
    (grammar.domain_name, hostile.DOMAINS + hostile.INTERNATIONAL),
    (grammar.host_name, hostile.HOSTS + hostile.INTERNATIONAL),
    (grammar.path, hostile.PATHS),
    (
        grammar.path_and_query,
        [p for p in hostile.PATHS if p != "/a?b"] + ["/a?{x}", "/a?b c", "/a?%0a", "/a?" + "b" * 1025],
    ),
    (grammar.split_host_port, hostile.ENDPOINTS),
    (upstreams.normal, hostile.ENDPOINTS),
    (upstreams.refuse_everywhere, hostile.REFUSED_EVERYWHERE),
    (grammar.plain_text, hostile.PLACEHOLDERS),
    (grammar.header_value, [*hostile.PLACEHOLDERS, " a", "a ", "é"]),
    (grammar.header_name, hostile.HEADERS),
    (grammar.cidr, hostile.RANGES),
    (grammar.address, ["127.1", "0177.0.0.1", "1.2.3", "1.2.3.4 ", "٣.٣.٣.٣", "::ffff:1.2.3.4", "fe80::1%eth0", ""]),
    (grammar.redirect_target, hostile.TARGETS),
    (grammar.user_name, hostile.USERS),
    (grammar.bcrypt_hash, hostile.HASHES),
    (grammar.port, ["0", "00", "65536", "٣٣", "²", "8080.0", "-0", "1_0", " 1", "1\n", ""]),
    (measures.duration, ["", "10", "s", "1.5s", "-1s", "1s ", "٣s", "9999999s", "99999d", "1h30m", "10S"]),
    (measures.size, ["", "-1", "1.5MB", "1 MB", "1mb", "9999999999", "٣MB", "1MB\n"]),
]


@pytest.mark.parametrize(("validate", "value"), [(v, value) for v, values in CASES for value in values])
def test_a_hostile_value_is_refused_in_words(validate: Callable[[str], Any], value: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as refused:
        validate(value)
    assert str(refused.value).isprintable(), "an error message carries no control characters to a terminal"

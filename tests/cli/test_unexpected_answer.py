"""An upstream that runs and answers wrong: the change is taken back, and how the answer began is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from conduit.sandbox.daemon import Daemon
from tests.conftest import Ran, Site

SITE = 'services:\n  web: {upstream: "%s", tls: off}\n'


def test_a_reverted_site_is_told_with_the_beginning_of_its_answer(
    site: Site, cli: Callable[..., Ran], upstream: Callable[..., Daemon]
) -> None:
    """Regression: whoever applied learned the status, and nothing of why."""
    site.write("web.yaml", SITE % upstream("well").address)
    assert cli("apply", "--yes").code == 0
    site.write("web.yaml", SITE % upstream("sick", status=500).address)
    done = cli("apply", "--yes")
    assert done.code == 4, done
    assert 'service/web answered: {"name": "sick", "method": "GET"' in done.stdout
    assert '"name": "well"' in site.curl("http://web.home.arpa/").stdout
    held = b"".join(path.read_bytes() for path in (site.directory / "state").rglob("*") if path.is_file())
    assert b'"name": "sick"' not in held, "an answer may say what nobody should keep"


def test_how_an_answer_began_is_bounded_and_part_of_the_document(
    site: Site,
    cli: Callable[..., Ran],
    upstream: Callable[..., Daemon],
    check_document: Callable[[Mapping[str, Any]], None],
) -> None:
    site.write("web.yaml", SITE % upstream("sick", status=500).address)
    told = json.loads(cli("apply", "--yes", "--json").stdout.splitlines()[-1])
    check_document(told)
    (proof,) = told["proofs"]
    assert (proof["level"], len(proof["said"])) == ("upstream_answered", 200)

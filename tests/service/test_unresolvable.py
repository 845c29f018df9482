"""One bad name cannot fail all: its site stays as it is and is told, everything else goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def test_a_name_that_does_not_resolve_fails_its_own_site_alone(
    site: Any, upstream: Callable[..., Any], proxy: str
) -> None:
    address = upstream().address

    def apply(old: str, more: str = "") -> Any:
        domain = "domains:\n  out: {domain: out.home.arpa, service: old}\n"
        site.write("site.yaml", f"services:\n  old: {{upstream: '{old}'}}\n{more}{domain}")
        return site.conduit("apply", "--yes")

    assert apply(address).code == 0
    done = apply("gone.invalid:80", f"  new: {{upstream: '{address}'}}\n")
    assert done.code == 6, done
    assert "CND-0322" in done.stdout + done.stderr
    assert "desired/site.yaml:2" in done.stdout + done.stderr
    for name in ("old", "out", "new"):
        assert " 200" in site.curl(f"https://{name}.home.arpa/", proxy=proxy).stdout.splitlines()[0]
    diff = site.conduit("diff", "--json", "--detailed-exitcode")
    assert (diff.code, json.loads(diff.stdout)["summary"]["unknown"]) == (6, 2)
    told = json.loads(site.conduit("status", "--json").stdout)["resources"]
    assert {each["address"]: "gone.invalid" in each["health"] for each in told} == {
        "service/old": True,
        "domain/out": True,
        "service/new": False,
    }
    assert apply(address, f"  new: {{upstream: '{address}'}}\n").code == 0
    assert site.conduit("diff", "--detailed-exitcode").code == 0

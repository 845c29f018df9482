"""A site that did not answer when it was applied is proven with the next apply, whatever that is about."""

from __future__ import annotations

import json
from collections.abc import Callable

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import free_port
from tests.conftest import Ran, Site


def test_what_owes_its_proof_is_proven_beside_another_change(
    site: Site, cli: Callable[..., Ran], upstream: Callable[..., Daemon]
) -> None:
    port = free_port()
    late = f'  late: {{upstream: "127.0.0.1:{port}", tls: off}}\n'
    site.write("sites.yaml", f"services:\n{late}")
    assert "unproven" in cli("apply", "--yes").stdout.lower()
    first = upstream("first").address
    site.write("sites.yaml", f'services:\n{late}  early: {{upstream: "{first}", tls: off}}\n')
    assert cli("apply", "--yes").code == 0
    assert "still unproven" in cli("apply", "--yes").stdout
    upstream("late", port=port)
    second = upstream("second").address
    site.write("sites.yaml", f'services:\n{late}  early: {{upstream: "{second}", tls: off}}\n')
    done = cli("apply", "--yes", "--json")
    assert done.code == 0, done
    proofs = json.loads(done.stdout.splitlines()[-1])["proofs"]
    assert {proof["address"]: proof["passed"] for proof in proofs} == {"service/early": True, "service/late": True}
    assert "unproven" not in cli("apply", "--yes").stdout


def test_what_owes_its_proof_and_hangs_is_counted(
    site: Site, cli: Callable[..., Ran], upstream: Callable[..., Daemon]
) -> None:
    """Regression: each apply waited for all that ever hung."""
    hanging = upstream("hanging", hang=True).address
    site.write("sites.yaml", f'services:\n  slow: {{upstream: "{hanging}", tls: off}}\n')
    assert "unproven" in cli("apply", "--yes").stdout
    done = cli("apply", "--yes")
    assert done.code == 0, done
    assert "warning: 1 of 1 owed proofs got no answer within 1 s; the next apply asks again" in done.stdout

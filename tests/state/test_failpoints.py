"""Failpoints do what they are told, where they are told, and nothing outside a test."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conduit.failpoints import NAMES

PACKAGE = Path(__file__).parents[2] / "conduit"
DOTTED = re.compile(r"[a-z_]+(\.[a-z_]+)+")
REACH = """
import errno, sys
from conduit.errors import ConduitError
from conduit.failpoints import fail
for name in sys.argv[1:]:
    try:
        fail(name)
        print(name, flush=True)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)
    except ConduitError as error:
        print(error.diagnostics[0].code.id, flush=True)
"""
Child = Callable[..., subprocess.Popen[str]]


def reach(child: Child, order: str, *names: str, **env: str) -> tuple[int, list[str]]:
    process = child(REACH, *names, env={"CONDUIT_TEST": "1", "CONDUIT_FAILPOINT": order} | env)
    out, errors = process.communicate(timeout=30)
    assert not errors
    return process.returncode, out.splitlines()


def used() -> Iterator[str]:
    """Yield every failpoint named in the code: a dotted literal given to something called `fail`."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "fail":
                yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant) and _dotted(a.value))


def _dotted(value: Any) -> bool:
    return isinstance(value, str) and DOTTED.fullmatch(value) is not None


def test_every_point_in_the_code_is_listed() -> None:
    assert set(used()) - set(NAMES) == set()


def test_every_listed_point_is_in_the_code() -> None:
    assert set(NAMES) - set(used()) == set()


def test_without_an_order_nothing_happens(child: Child) -> None:
    assert reach(child, "", "load.read", "apply.unlock") == (0, ["load.read", "apply.unlock"])


def test_kill_kills_at_that_point(child: Child) -> None:
    code, reached = reach(child, "apply.intent:kill", "apply.locked", "apply.intent", "apply.outcome")
    assert (code, reached) == (-signal.SIGKILL, ["apply.locked"])


def test_the_nth_time_only(child: Child) -> None:
    order = "apply.intent:eio:2,apply.outcome:enospc"
    _, reached = reach(child, order, "apply.intent", "apply.intent", "apply.intent", "apply.outcome")
    assert reached == ["apply.intent", "apply.intent EIO", "apply.intent", "apply.outcome ENOSPC"]


def test_pause_waits_for_the_gate(tmp_path: Path, child: Child, wait_for: Callable[..., Any]) -> None:
    gate = tmp_path / "gate"
    env = {"CONDUIT_TEST": "1", "CONDUIT_FAILPOINT": "plan.made:pause", "CONDUIT_FAILPOINT_GATE": str(gate)}
    process = child(REACH, "plan.made", env=env)
    reached = tmp_path / "gate.reached"
    wait_for(lambda: reached.exists() and reached.read_text() == "plan.made", "the pause")
    assert process.poll() is None
    gate.touch()
    assert process.communicate(timeout=30)[0] == "plan.made\n"


@pytest.mark.parametrize(
    "order",
    ["load.read", "load.read:explode", "nowhere:kill", "load.read:kill:0", "load.read:kill:1:1", "load.read:kill,"],
)
def test_an_order_that_cannot_be_met_stops_the_run(child: Child, order: str) -> None:
    assert reach(child, order, "plan.made") == (0, ["CND-0572"])


def test_an_unlisted_point_stops_the_run_under_test(child: Child) -> None:
    assert reach(child, "load.read:kill", "nowhere.at_all") == (0, ["CND-0572"])


def test_outside_a_test_an_order_is_refused(child: Child) -> None:
    assert reach(child, "load.read:kill", "load.read", CONDUIT_TEST="") == (0, ["CND-0571"])


def test_an_installed_conduit_needs_a_file_of_root(tmp_path: Path, child: Child) -> None:
    """Outside a source checkout CONDUIT_TEST alone is not enough."""
    installed = tmp_path / "site-packages"
    (installed / "conduit").mkdir(parents=True)
    for module in PACKAGE.glob("*.py"):
        shutil.copy(module, installed / "conduit")
    permit = tmp_path / "permit"
    code = (
        f"from pathlib import Path\nfrom conduit import failpoints\nfailpoints.PERMIT = Path({str(permit)!r})\n" + REACH
    )
    env = {"CONDUIT_TEST": "1", "CONDUIT_FAILPOINT": "load.read:eio", "PYTHONPATH": str(installed)}

    def verdict() -> str:
        return child(code, "load.read", env=env).communicate(timeout=30)[0].strip()

    assert verdict() == "CND-0571"
    permit.touch(mode=0o644)
    assert verdict() == ("load.read EIO" if os.geteuid() == 0 else "CND-0571")
    permit.chmod(0o666)
    assert verdict() == "CND-0571"

"""How quickly the audit trail is verified, and what one more entry costs.

    audit.py [--entries 100000] [--rounds 5] [--write-docs]

The trail is made without waiting for the disk, then `conduit audit verify` is run on it as a process of its own, start
and all. Entries are like those of a registration over REST. An append waits for the disk, as in use.
The promise: at least 100,000 entries a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

from job import SITES
from report import publish, table
from versions import versions

from conduit.audit.act import SUCCESS, Act, Asked
from conduit.audit.trail import Trail
from conduit.manifests.settings_file import read_settings

PROMISE = 100_000
APPENDS = 200


def act(number: int) -> Act:
    """Return what the registration of a service leaves in the trail."""
    body = f'{{"name": "svc{number}", "host": "10.0.0.5:3000", "health_path": "/api/health"}}'
    asked = Asked("POST", "/api/services", "services", "", f"{number:016x}", "curl/8.5.0", body, 200, 301.7)
    details = {"address": f"service/svc{number}", "commit": "c" * 40, "run": number, "name": f"svc{number}"}
    said = f"Registered service: svc{number} (10.0.0.5:3000)"
    return Act(
        "service_register", SUCCESS, said, "admin", "127.0.0.1", "api_key", "", "services.create", asked, details
    )


def verified(settings: Path, entries: int) -> tuple[float, float]:
    """Run `conduit audit verify` and return its wall and CPU time in seconds."""
    before, begun = os.times(), time.monotonic()
    argv = [sys.executable, "-m", "conduit", "--config", str(settings), "audit", "verify"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert f"entries 1 to {entries}," in told, told
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - begun, cpu


def main() -> int:
    """Measure, print a table, and return the exit code: 1 when the promise does not hold."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--write-docs", action="store_true", help="write the figures into docs/performance.md")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name) / "conduit.yaml"
        settings.write_text("state_dir: state\nkeys_dir: keys\ndesired: desired\n")
        trail = Trail(read_settings(settings))
        with patch("os.fdatasync"), patch("os.fsync"):
            for number in range(given.entries):
                trail.append(act(number))
        rounds = [verified(settings, given.entries) for _ in range(given.rounds)]
        begun = time.monotonic()
        for number in range(APPENDS):
            trail.append(act(number))
        append = (time.monotonic() - begun) / APPENDS
    wall, cpu = median(wall for wall, _ in rounds), median(cpu for _, cpu in rounds)
    rate = given.entries / wall
    held = "held" if rate >= PROMISE else "**missed**"
    row = (f"{given.entries:,}", f"{rate:,.0f}", held, f"{wall:.2f}", f"{cpu:.2f}", f"{append * 1000:.2f}")
    head = ("entries", "verified in a second", "", "wall, s", "CPU, s", "one more entry, ms")
    facts = versions(SITES["proxy-dns"], ())
    about = f"Measured {facts['date']} with `benchmarks/audit.py --entries {given.entries} --rounds {given.rounds}`: "
    about += ", ".join(f"{name} {facts[name]}" for name in ("machine", "Python", "commit")) + "."
    text = "\n".join([about, "", *table(head, [row])])
    print(text)
    if given.write_docs:
        publish(text, "audit")
    return int(rate < PROMISE)


raise SystemExit(main())

"""What the file watcher cannot tell is found all the same: its queue is full, or it cannot watch at all."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conduit.reconcile.triggers import stamps, watch_sign
from tests.conftest import Site
from tests.loop.conftest import Watch

A, B = "10.0.0.1", "10.0.0.2"
QUEUE = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def fill(directory: Path, events: int) -> None:
    """Let a directory tell of so many changes of files that are no manifests."""
    for number in range(events // 2):
        path = directory / f".noise-{number}"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        path.unlink()


def test_f10_a_change_that_a_full_queue_lost_is_found(
    site: Site, kept: Callable[..., Watch], records: Callable[..., Path], wait_for: Callable[..., Any]
) -> None:
    """The loop is stopped meanwhile, so that the kernel's own queue of its watcher runs over (inotify(7))."""
    loop = kept(one=A)
    assert loop.process is not None
    loop.process.send_signal(signal.SIGSTOP)
    fill(site.desired, QUEUE + 100)
    records(one=B)
    loop.process.send_signal(signal.SIGCONT)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "the change is found")


def test_without_any_watcher_every_change_is_seen(tmp_path: Path, wait_for: Callable[..., Any]) -> None:
    stop, texts, seen = threading.Event(), map(str, itertools.count()), [["nothing"]]
    (tmp_path / "deep").mkdir()
    old, new = tmp_path / "deep" / "old.yaml", tmp_path / "deep" / "new.yaml"
    old.write_text("")

    def there() -> list[str]:
        return sorted(path.name for path in tmp_path.rglob("*.yaml"))

    def woken(_why: str) -> None:
        seen.append(there())

    threading.Thread(target=watch_sign, args=(lambda: stamps(tmp_path), woken, stop), daemon=True).start()
    wait_for(lambda: old.write_text(next(texts)) and seen[-1] == ["old.yaml"], "what changed in place is seen")
    for change in (lambda: new.write_text(""), lambda: new.rename(tmp_path / "moved.yaml"), old.unlink):
        change()
        wait_for(lambda: seen[-1] == there(), "the change is seen")
    stop.set()

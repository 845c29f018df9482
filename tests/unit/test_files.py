"""Files are written whole, whoever else writes them at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conduit.providers.files import left_over, write_file


def test_threads_may_write_one_file_at_the_same_time(tmp_path: Path) -> None:
    """Regression: two containers with the same config file shared a temporary name, and both failed."""
    together = threading.Barrier(8)

    def write(number: int) -> None:
        together.wait(timeout=20)
        for _ in range(50):
            write_file(tmp_path / "page", f"{number}".encode() * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(set((tmp_path / "page").read_text())) == 1
    assert left_over([tmp_path]) == []

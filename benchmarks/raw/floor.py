"""The floor: the job with no tool around it, by a script that knows this one job.

    floor.py check|write SITE

Parses the manifest with libyaml, renders, reads each daemon once and side by side, compares, and writes what differs:
a whole artifact, or the few objects. One module for each daemon beside this one has the class `Part` that does it.
`check` exits with 1 when anything differs. The cyclic collector is left on, as in a script nobody tuned; the process
ends without tidying its memory.
"""

import importlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml


def main() -> int:
    """Do the job and return the exit code."""
    mode, site = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    declared = yaml.load(Path(site["manifest"]).read_bytes(), Loader=yaml.CSafeLoader)
    parts = [importlib.import_module(f"raw_{name}").Part(site, declared) for name in site["parts"]]
    with ThreadPoolExecutor(len(parts)) as pool:
        found = list(pool.map(lambda part: part.differs(), parts))
        differing = [part for part, differs in zip(parts, found, strict=True) if differs]
        if mode == "check":
            return bool(differing)
        list(pool.map(lambda part: part.write(), differing))
    return 0


if __name__ == "__main__":
    os._exit(main())

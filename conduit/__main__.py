"""`conduit` and `python -m conduit`: the command line."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and end the process with its exit code; Ctrl-C while it starts is an exit code too."""
    gc.disable()  # one command makes no garbage worth the time it takes to look for cycles in a large site
    try:
        from conduit.lean import import_leanly

        import_leanly()
        from conduit.cli.main import run

        kept: list[object] = []  # until the end: freeing a large site object by object takes longer than planning it
        code = run(sys.argv[1:], kept)
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

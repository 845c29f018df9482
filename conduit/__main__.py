"""`conduit` and `python -m conduit`: the command line."""

from __future__ import annotations

import gc
import os
import sys
from types import ModuleType


def main() -> None:
    """Run the command line and end the process with its exit code; Ctrl-C while it starts is an exit code too."""
    gc.disable()  # one command makes no garbage worth the time it takes to look for cycles in a large site
    _find_no_plugins()
    try:
        from conduit.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # freeing a large site object by object takes longer than planning it


def _find_no_plugins() -> None:
    """Stand in for what finds pydantic's plugins: none is used, and it takes 45 modules to find that out."""
    finder = ModuleType("pydantic.plugin._loader")
    vars(finder)["get_plugins"] = tuple
    sys.modules[finder.__name__] = finder


if __name__ == "__main__":
    main()

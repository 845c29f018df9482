"""Run one program to its end and write what it cost; a process of its own, started with `python -IS`.

    measure.py RESULT PROGRAM [ARGUMENT ...]

Linux counts the memory of the process that starts a program into that program's peak (exec_mmap in fs/exec.c), so the
starter must be small. RESULT gets JSON: wall and CPU seconds of the program and the children it waited for, the peak
MiB of the largest of them, the exit code, and how busy others kept the machine meanwhile (0 to 1).
"""

import json
import os
import sys
import time


def busy() -> float:
    """Return the CPU seconds the whole machine has spent working (proc(5), `cpu` less idle and iowait)."""
    with open("/proc/stat") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run the program and write its cost."""
    result, *argv = sys.argv[1:]
    work, start = busy(), time.monotonic()
    _, status, used = os.wait4(os.posix_spawn(argv[0], argv, os.environ), 0)
    wall, cpu = time.monotonic() - start, used.ru_utime + used.ru_stime
    others = max(0.0, (busy() - work - cpu) / (wall * (os.cpu_count() or 1)))
    cost = {"wall": wall, "cpu": cpu, "rss": used.ru_maxrss / 1024, "others": others}
    cost = {name: round(value, 3) for name, value in cost.items()}
    with open(result, "w") as file:
        json.dump(cost | {"code": os.waitstatus_to_exitcode(status)}, file)


if __name__ == "__main__":
    main()

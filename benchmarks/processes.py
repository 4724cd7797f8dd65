"""What other processes have used so far, by the kernel's own count."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Self

import psutil

PROCESS_CLOCK = 2  # CPUCLOCK_SCHED, in the low bits of a clock's number; see clock_getcpuclockid(3)


class Use(NamedTuple):
    """Of a subject's processes, all together."""

    cpu_s: float
    main_thread_cpu_s: float  # of the last process, in steps of 10 ms; of the hub: its event loop
    rss_bytes: int
    written_bytes: int  # to disk, in whole pages

    @classmethod
    def of(cls, pids: Sequence[int]) -> Self:
        processes = [psutil.Process(pid) for pid in pids]
        main = next(thread for thread in processes[-1].threads() if thread.id == pids[-1])
        return cls(
            sum(_cpu_s(pid) for pid in pids),
            main.user_time + main.system_time,
            sum(process.memory_info().rss for process in processes),
            sum(process.io_counters().write_bytes for process in processes),
        )


def _cpu_s(pid: int) -> float:
    """All threads' processor time, those included that have ended. /proc/PID/stat rounds it to 10 ms, which
    is too coarse for a process that uses a thousandth of a core.
    """
    return time.clock_gettime(~pid << 3 | PROCESS_CLOCK)

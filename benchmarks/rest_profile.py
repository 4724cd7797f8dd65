"""Where a process spends its time, from the outside: what the kernel counted of each thread, and py-spy."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

import psutil

SAMPLES_PER_S = 500  # at a few percent of a core, a few hundred of them find it at work in half a minute
THREAD = re.compile(r"thread \((\d+)\)(?:: (.*))?")


class Sampler:
    """py-spy, at a running process."""

    def __init__(self, program: str, pid: int, file: Path, seconds: float) -> None:
        self._program = program
        self._pid = pid
        self._file = file
        self._seconds = seconds

    async def print_threads(self, lines: int) -> None:
        """Each thread's processor time, and the Python functions in which most samples found a thread at
        work: in themselves, not in what they call. A thread that waits for the disk counts as at work.

        It does not stop the process to look: that wakes threads that sleep, and they count as at work. A
        sample taken while a stack changes is lost, so what is short and frequent looks smaller than it is.
        """
        before, start_s = self._threads_cpu_s(), time.perf_counter()
        names, within = await self._sampled("--nonblocking")
        took_s = time.perf_counter() - start_s
        used = {thread: cpu_s - before.get(thread, 0.0) for thread, cpu_s in self._threads_cpu_s().items()}
        for thread, cpu_s in sorted(used.items(), key=lambda item: -item[1]):
            if cpu_s > 0:
                print(f"{cpu_s / took_s:7.2%} of a core  {names.get(thread, 'a thread without Python')}")
        _print(within, "samples of a thread at work", lines)

    async def print_main_thread(self, lines: int) -> None:
        """The same of the main thread alone, with system calls and what is written in C. It stops the process
        to look.
        """
        _, within = await self._sampled("--native")
        main = Counter({key: times for key, times in within.items() if key[0] == "MainThread"})
        _print(main, "samples of the main thread at work", lines)

    async def _sampled(self, *options: str) -> tuple[dict[int, str], Counter[tuple[str, str]]]:
        process = await asyncio.create_subprocess_exec(
            *(self._program, "record", "--pid", str(self._pid), "--threads", "--function", *options),
            *("--format", "raw", "--output", str(self._file)),
            *("--rate", str(SAMPLES_PER_S), "--duration", str(round(self._seconds))),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        if process.returncode:
            raise SystemExit(f"py-spy ended with {process.returncode}: {said.decode()}")
        return _counted(self._file.read_text())

    def _threads_cpu_s(self) -> dict[int, float]:
        threads = psutil.Process(self._pid).threads()
        return {thread.id: thread.user_time + thread.system_time for thread in threads}


def _print(within: Counter[tuple[str, str]], what: str, lines: int) -> None:
    print(f"{within.total()} {what}")
    for (name, function), count in within.most_common(lines):
        print(f"{count / within.total():7.1%}  {name:20}  {function}")


def _counted(stacks: str) -> tuple[dict[int, str], Counter[tuple[str, str]]]:
    """The threads' names, and how often each of their functions was at work, from lines of `thread;caller;…
    times`.
    """
    names: dict[int, str] = {}
    within: Counter[tuple[str, str]] = Counter()
    for line in stacks.splitlines():
        stack, _, times = line.rpartition(" ")
        thread, *frames = stack.split(";")
        found = THREAD.fullmatch(thread)
        name = (found and found[2]) or "?"
        if found:
            names[int(found[1])] = name
        within[name, frames[-1] if frames else "?"] += int(times)
    return names, within

"""The parent's side of the sandbox: feeds it, watches it die, and says on which page."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import winnow
from winnow.errors import PlanError, StageError
from winnow.extract.extraction import Settings, failed
from winnow.extract.frames import (
    PROGRESS,
    PageBytes,
    ResultBytes,
    encode_result,
    shared_bytes,
    unpack_results,
    write_group,
)
from winnow.extract.sandbox import READY, encode_settings

GROUP_BYTES = 4 << 20
"""Payload bytes that are handed over at a time; a larger page goes alone."""
_PIPE_BYTES = 1 << 20
_IDLE_SECONDS = 60.0

# signals by which the page's own fault ends the process: no use in trying again
_VERDICTS = {
    "SIGPROF": "cpu_budget",
    "SIGSEGV": "extract_crashed",
    "SIGABRT": "extract_crashed",
    "SIGBUS": "extract_crashed",
    "SIGILL": "extract_crashed",
    "SIGFPE": "extract_crashed",
}


_STARTS = 3  # tries


class Sandbox:
    """Extracts pages in a child process, which is started when first needed and then re-used.

    ``cpu_seconds`` is a page's budget, ``memory_bytes`` the child's. A child that was ended from
    outside (SIGKILL, an exit) is no verdict: its page is tried once more, in a new one. A child
    that sleeps for ``idle_seconds`` without using any CPU time has locked itself up, and is ended
    in the same way.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cpu_seconds: float,
        memory_bytes: int,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        if not hasattr(signal, "setitimer"):
            raise PlanError(
                "stage 'extract': this system has no CPU timers to isolate pages with",
                remedy="Set isolate = false.",
            )
        self.settings = settings
        self.cpu_seconds = cpu_seconds
        self.memory_bytes = memory_bytes
        self.idle_seconds = idle_seconds
        self._child: _Child | None = None

    def extract(self, pages: Sequence[PageBytes]) -> list[ResultBytes]:
        """A result for each of ``pages``, in order."""
        results: dict[int, ResultBytes] = {}
        retried = -1
        too_large = encode_result(failed("html_too_large"))
        for page, (payload, _) in enumerate(pages):
            if len(payload) > self.settings.limits.max_html_bytes:
                results[page] = too_large  # not worth the way through a pipe
        waiting = [page for page in range(len(pages)) if page not in results]
        while waiting:
            count, size = 1, len(pages[waiting[0]][0])
            while count < len(waiting):
                size += len(pages[waiting[count]][0])
                if size > GROUP_BYTES:
                    break
                count += 1
            group = waiting[:count]
            child = self._ready_child()
            found = child.run([pages[page] for page in group], self.idle_seconds)
            results.update(zip(group, found, strict=False))
            waiting = waiting[len(found) :]
            if len(found) == count:
                continue
            culprit = group[max(child.page_at_work(), len(found))]
            verdict = _VERDICTS.get(child.end())
            self._child = None
            if verdict is None:
                if retried != culprit:
                    retried = culprit
                    continue
                verdict = "extract_crashed"
            results[culprit] = encode_result(failed(verdict))
            waiting.remove(culprit)
        return [results[page] for page in range(len(pages))]

    def close(self) -> None:
        if self._child is not None and self._child.owner == os.getpid():
            self._child.end()
        self._child = None

    def _ready_child(self) -> _Child:
        child = self._child
        # after a fork the pipes belong to the other process
        if child is None or child.owner != os.getpid() or not child.is_alive():
            child = self._child = self._start_child()
        return child

    def _start_child(self) -> _Child:
        for tries_left in reversed(range(_STARTS)):
            try:
                return _Child(self)
            except _NotStarted as error:
                if not tries_left:
                    raise StageError(str(error), stage="extract") from None
        raise AssertionError("unreachable")


class _NotStarted(Exception):
    """The child ended before it was ready, without saying why: something killed it."""


class _Child:
    def __init__(self, sandbox: Sandbox) -> None:
        self.owner = os.getpid()
        size = shared_bytes(max(GROUP_BYTES, sandbox.settings.limits.max_html_bytes))
        with _memory_file() as file:
            file.truncate(size)
            self._area = mmap.mmap(file.fileno(), size)
            self._start(sandbox, file.fileno())

    def _start(self, sandbox: Sandbox, shared: int) -> None:
        argument = encode_settings(
            sandbox.settings, sandbox.cpu_seconds, sandbox.memory_bytes, self.owner, shared
        )
        self._process = subprocess.Popen(
            # -P: the working folder must not shadow what the child imports
            [sys.executable, "-P", "-m", "winnow.extract.sandbox", argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # engines warn with the page's text in the message
            env=_environment(),
            pass_fds=(shared,),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input = self._process.stdin
        self._output = self._process.stdout.fileno()
        self._finalizer = weakref.finalize(self, _stop, self._process, self.owner)
        _widen(self._input.fileno())
        _widen(self._output)
        self._received = bytearray()
        started = self._receive(1, idle_seconds=None)
        said = started[0][-1].decode() if started and started[0][-1] else None
        if said == READY:
            return
        code = self._process.wait() if said is None else None
        self.end()
        message = "the process that extracts pages did not start"
        if said is None:  # ended from outside before it could say a word: worth another try
            raise _NotStarted(f"{message}: it ended with exit code {code}")
        raise StageError(f"{message}: {said}", stage="extract")

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def page_at_work(self) -> int:
        """Which page of the group was at work last; -1 before the first."""
        return int(PROGRESS.unpack_from(self._area)[0])

    def run(self, pages: Sequence[PageBytes], idle_seconds: float) -> list[ResultBytes]:
        """Results of ``pages``; fewer where the child ended before it had them all."""
        # a child that has died: what it wrote before can still be read
        with contextlib.suppress(BrokenPipeError):
            write_group(self._input, self._area, pages)
        return self._receive(len(pages), idle_seconds)

    def _receive(self, count: int, idle_seconds: float | None) -> list[ResultBytes]:
        results: list[ResultBytes] = []
        used = -1.0
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while len(results) < count:
            if not poll.poll(None if idle_seconds is None else idle_seconds * 1000):
                before, used = used, _sleeping_cpu_seconds(self._process.pid)
                if used >= 0 and used == before:
                    self._process.kill()
                continue
            block = os.read(self._output, _PIPE_BYTES)
            if not block:
                break
            self._received += block
            results += unpack_results(self._received)
        return results

    def end(self) -> str:
        """End the child if it has not ended; the name of the signal that did, or the exit code."""
        self._finalizer.detach()
        _close(self._process)
        try:
            # its pipe is closed, so it ends by itself; one that has just been killed has ended
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _stop(process: subprocess.Popen[bytes], owner: int) -> None:
    if process.poll() is None and owner == os.getpid():
        process.kill()
        process.wait()
    _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # unsent bytes for a child that is gone
                pipe.close()


def _environment() -> dict[str, str]:
    """Ours, in which the child finds the same ``winnow`` that the parent runs."""
    root = str(Path(winnow.__path__[0]).parent)
    found = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{found}" if found else root}


def _memory_file() -> IO[bytes]:
    """A file without a name, in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("winnow-extract"), "r+b")
    return tempfile.TemporaryFile()


def _widen(pipe: int) -> None:
    """A larger pipe: fewer switches between the processes. Not everywhere, and not needed."""
    import fcntl

    resize = getattr(fcntl, "F_SETPIPE_SZ", None)
    if resize is not None:
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, resize, _PIPE_BYTES)


def _sleeping_cpu_seconds(pid: int) -> float:
    """CPU seconds that a sleeping process has used; -1 where it does not sleep, or none can say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1.0
    if fields[0] != "S":
        return -1.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

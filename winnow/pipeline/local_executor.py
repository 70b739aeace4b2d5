"""Tasks in this process (one worker), or in worker processes of this machine.

A worker is ``python -m winnow.pipeline.worker``: a fresh interpreter, not a fork (threads) and not
a re-import of the caller's script (no ``if __name__`` needed). One thread here speaks with each.
A worker that dies, however it dies, is replaced, and its shard is tried again.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from winnow.errors import StageError
from winnow.pipeline.config import ExecutorConfig
from winnow.pipeline.frames import read_frame, write_frame
from winnow.pipeline.step import Step
from winnow.pipeline.task import Failure, attempt, open_failure, open_step
from winnow.store.receipts import Receipt

# a worker is one core: libraries that start threads of their own would share others' cores
_THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "ARROW_IO_THREADS",
)
ONE_THREAD = {**dict.fromkeys(_THREAD_SETTINGS, "1"), "TOKENIZERS_PARALLELISM": "false"}


def available_cores() -> int:
    """Cores that this process may use (a container or ``taskset`` may give fewer)."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _import_paths() -> list[str]:
    return [path or os.getcwd() for path in sys.path]  # "" is the current folder, in a notebook


GRACE_SECONDS = 2.0
_PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])


class WorkerDied(Exception):
    """The worker process ended in the middle of a task."""


class Worker:
    """One worker process and the pipes to it."""

    def __init__(self) -> None:
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        # -P: the current folder may hold a random.py; what is importable here follows by message
        command = [sys.executable, "-P", "-m", "winnow.pipeline.worker"]
        self._process = subprocess.Popen(
            [*command, str(theirs_read), str(theirs_write)],
            pass_fds=(theirs_read, theirs_write),
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": _PACKAGE_FOLDER},
            stdin=subprocess.DEVNULL,
        )
        os.close(theirs_read)
        os.close(theirs_write)
        self._reader = os.fdopen(ours_read, "rb")
        self._writer = os.fdopen(ours_write, "wb")
        self.step: Step | None = None
        """What it has opened."""

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, message: tuple[object, ...]) -> object:
        """Send a message and wait for the answer; :class:`WorkerDied` if there will be none."""
        try:
            write_frame(self._writer, pickle.dumps(message))
            return pickle.loads(read_frame(self._reader))
        except (EOFError, OSError):
            code = self._process.wait()
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise WorkerDied(how) from None

    def close(self, *, kill: bool = False) -> None:
        """End the process: at once if it idles (or with ``kill``), else after ``GRACE_SECONDS``."""
        if kill:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._writer.close()
        try:
            self._process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):  # now: a thread may have been waiting in a read of it
            self._reader.close()


class LocalExecutor:
    """See the module; a context manager, so that workers live from step to step."""

    def __init__(self, config: ExecutorConfig) -> None:
        self.workers = config.workers or available_cores()
        self._retries = config.retries
        self._pool: list[Worker | None] = []
        self._closing = False

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        for worker in self._pool:
            if worker is not None:
                worker.close(kill=kind is not None)  # Ctrl-C does not wait for a shard
        self._pool = []

    def run(self, step: Step, indexes: list[int]) -> Iterator[Receipt | Failure]:
        if self.workers == 1:
            yield from self._in_process(step, indexes)
        else:
            yield from self._in_workers(step, indexes)

    def _in_process(self, step: Step, indexes: list[int]) -> Iterator[Receipt | Failure]:
        try:
            make = open_step(step)
        except Exception as error:
            raise open_failure(step, error) from error
        for index in indexes:
            yield attempt(make, step, index)

    def _in_workers(self, step: Step, indexes: list[int]) -> Iterator[Receipt | Failure]:
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in indexes:
            todo.put(index)
        results: queue.SimpleQueue[Receipt | Failure | BaseException | None] = queue.SimpleQueue()
        count = min(self.workers, len(indexes))
        self._pool += [None] * (count - len(self._pool))
        threads = [
            threading.Thread(target=self._serve, args=(slot, step, todo, results), daemon=True)
            for slot in range(count)
        ]
        for thread in threads:
            thread.start()
        left = count
        try:
            while left:
                outcome = results.get()
                if outcome is None:
                    left -= 1
                elif isinstance(outcome, BaseException):
                    raise outcome
                else:
                    yield outcome
        finally:
            while not todo.empty():  # the caller stopped early: let the threads end
                todo.get()

    def _serve(
        self,
        slot: int,
        step: Step,
        todo: queue.SimpleQueue[int],
        results: queue.SimpleQueue[Receipt | Failure | BaseException | None],
    ) -> None:
        """Feed one worker until nothing is left to do."""
        try:
            while True:
                try:
                    index = todo.get_nowait()
                except queue.Empty:
                    return
                results.put(self._one_shard(slot, step, index))
        except BaseException as error:
            results.put(error)
        finally:
            results.put(None)

    def _one_shard(self, slot: int, step: Step, index: int) -> Receipt | Failure:
        died: list[str] = []
        while len(died) <= self._retries:
            try:
                answer = self._worker(slot, step).call(("shard", index))
            except WorkerDied as death:
                died.append(str(death))
                worker = self._pool[slot]
                if worker is not None:
                    worker.close()
                self._pool[slot] = None
                if self._closing:
                    break
                continue
            if isinstance(answer, Receipt | Failure):
                return answer
            raise StageError(f"step '{step.name}': a worker answered {type(answer).__name__}")
        return Failure(
            index,
            f"{step.name} shard {index}: its worker died {len(died)} times ({', '.join(died)})",
            "SIGKILL is mostly the system short of memory: use fewer workers."
            if "SIGKILL" in died
            else "What the worker printed stands above.",
        )

    def _worker(self, slot: int, step: Step) -> Worker:
        worker = self._pool[slot]
        if worker is None:
            worker = self._pool[slot] = Worker()
        if worker.step is not step:  # over a whole dump a step is big: sent once
            # pickled apart: its classes may lie where `paths` lead
            problem = worker.call(("step", (pickle.dumps(step), _import_paths())))
            if problem is not None:
                raise problem if isinstance(problem, BaseException) else StageError(str(problem))
            worker.step = step
        return worker

"""The worker process of the local executor: reads steps and shard numbers, answers with receipts.

Started as ``python -m winnow.pipeline.worker READ_FD WRITE_FD``. It ends when its parent does.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable

from winnow.pipeline.frames import read_frame, write_frame
from winnow.pipeline.step import Step
from winnow.pipeline.task import attempt, open_failure, open_step
from winnow.store.receipts import Receipt


def end_with_parent() -> None:
    """End this process soon after its parent is gone, even in mid-shard: it must not go on writing
    into a folder whose lock is free again.

    By looking, and not by PR_SET_PDEATHSIG: that fires when the *thread* that started us ends.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def main(read_fd: int, write_fd: int) -> None:
    """Serve until the parent closes the pipe."""
    import pyarrow as pa

    end_with_parent()
    pa.set_cpu_count(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    step: Step | None = None
    make: Callable[[int], Receipt] | None = None
    with os.fdopen(read_fd, "rb") as reader, os.fdopen(write_fd, "wb") as writer:
        while True:
            try:
                kind, value = pickle.loads(read_frame(reader))
            except EOFError:
                return
            answer: object = None
            if kind == "step":
                pickled, paths = value
                sys.path += [path for path in paths if path not in sys.path]
                make = None  # let the last step's models go before the next one's come
                step = pickle.loads(pickled)
                try:
                    make = open_step(step)
                except Exception as error:
                    answer = open_failure(step, error)
            elif make is not None and step is not None:
                answer = attempt(make, step, value)
            try:
                write_frame(writer, pickle.dumps(answer))
            except BrokenPipeError:
                return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

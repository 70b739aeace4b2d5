"""The worker process of the local executor: reads steps and shard numbers, answers with receipts.

Started as ``python -m winnow.pipeline.worker READ_FD WRITE_FD``. It ends when its parent does.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable

from winnow.pipeline.frames import read_frame, write_frame
from winnow.pipeline.step import Step
from winnow.pipeline.task import attempt, open_failure, open_step
from winnow.store.receipts import Receipt


def main(read_fd: int, write_fd: int) -> None:
    """Serve until the parent closes the pipe."""
    import pyarrow as pa

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
                if step is None or value.fingerprint != step.fingerprint:
                    step, make = value, None  # let the last step's models go before the next
                if make is None:
                    try:
                        make = open_step(value)
                    except Exception as error:
                        answer = open_failure(value, error)
            elif make is not None and step is not None:
                answer = attempt(make, step, value)
            write_frame(writer, pickle.dumps(answer))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

"""Asking a run to end: SIGTERM, SIGINT, or its time is over.

The request is only noted; the loop looks at it between two steps, saves, and ends well. A second
signal has its usual effect, at once.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """A context manager; :attr:`reason` is None until somebody asks, then the word for it."""

    def __init__(self, max_minutes: float | None = None) -> None:
        self._deadline = None if max_minutes is None else time.monotonic() + 60 * max_minutes
        self._max_minutes = max_minutes
        self._signal: str | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def reason(self) -> str | None:
        late = self._deadline is not None and time.monotonic() >= self._deadline
        if self._signal is None and late:
            return f"runtime.max_minutes = {self._max_minutes:g} is over"
        return self._signal

    def __enter__(self) -> StopRequest:
        # Python allows handlers in the main thread only; elsewhere the caller has its own
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = f"{signal.Signals(number).name} received"
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

"""The greatest memory of this process while a block of code runs."""

from __future__ import annotations

import threading
from pathlib import Path


class Peak:
    """``bytes``: the greatest RssAnon while the block ran, over that at its start, or over
    ``base`` bytes."""

    def __init__(self, base: int | None = None) -> None:
        self._base = base

    def __enter__(self) -> Peak:
        self._most = anonymous_bytes()
        self._start = self._most if self._base is None else self._base
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self._most = max(self._most, anonymous_bytes())

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join()
        self.bytes = self._most - self._start


def anonymous_bytes() -> int:
    """RssAnon: what is neither mapped from a file nor shared."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("RssAnon:")[1].split()[0])

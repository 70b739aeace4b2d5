"""What a person sees while a run goes on; everything shown is folded from receipts."""

from __future__ import annotations

import sys
import time
from typing import IO, Protocol

from winnow.pipeline.step import Step
from winnow.pipeline.task import Failure
from winnow.store.manifest import Store
from winnow.store.receipts import Receipt

QUIET_SECONDS = 60.0  # between two lines of one step when not on a terminal


class Progress(Protocol):
    """Told by the runner what happens, in order."""

    def reused(self, step: Step, store: Store) -> None: ...
    def start(self, step: Step, done: list[Receipt]) -> None: ...
    def advance(self, step: Step, receipt: Receipt) -> None: ...
    def failed(self, step: Step, failure: Failure) -> None: ...
    def stop(self, step: Step) -> None: ...


class Silent:
    """Says nothing: for programs."""

    def reused(self, step: Step, store: Store) -> None:
        pass

    def start(self, step: Step, done: list[Receipt]) -> None:
        pass

    def advance(self, step: Step, receipt: Receipt) -> None:
        pass

    def failed(self, step: Step, failure: Failure) -> None:
        pass

    def stop(self, step: Step) -> None:
        pass


class Lines:
    """One line a step, rewritten on a terminal; elsewhere one at its end and one a minute."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._width = 0

    def reused(self, step: Step, store: Store) -> None:
        self._print(f"{step.label:<18} {store.rows:>9,} rows · unchanged, reused")

    def start(self, step: Step, done: list[Receipt]) -> None:
        self._done = self._rows = self._kept = self._judged = 0
        for receipt in done:
            self._add(receipt)
        self._before = len(done)
        self._rows_before = self._rows
        self._failures = 0
        self._began = self._said = time.monotonic()
        if self._terminal:
            self._rewrite(self._line(step))

    def advance(self, step: Step, receipt: Receipt) -> None:
        self._add(receipt)
        now = time.monotonic()
        if self._terminal:
            self._rewrite(self._line(step))
        elif now - self._said >= QUIET_SECONDS:
            self._said = now
            self._print(self._line(step))

    def failed(self, step: Step, failure: Failure) -> None:
        self._failures += 1
        self._print(f"failed: {failure.message}")

    def stop(self, step: Step) -> None:
        self._print(self._line(step, ended=True))

    def _add(self, receipt: Receipt) -> None:
        self._done += 1
        self._rows += receipt.rows
        for name, count in receipt.counters.items():
            if name.startswith("verdict."):
                self._judged += count
                self._kept += count if name == "verdict.kept" else 0

    def _line(self, step: Step, ended: bool = False) -> str:
        seconds = max(time.monotonic() - self._began, 1e-9)
        made = self._done - self._before
        rate = (self._rows - self._rows_before) / seconds
        parts = [f"{self._rows:>9,} rows"]
        if self._judged:
            parts.append(f"{self._kept:,} kept ({self._kept / self._judged:.0%})")
        if not ended or self._done < step.shard_count:
            parts.append(f"{self._done}/{step.shard_count} shards")
        if self._failures:
            parts.append(f"{self._failures} failed")
        if made:
            parts.append(f"{rate:,.0f} rows/s")
            left = (step.shard_count - self._done) * seconds / made
            parts.append(f"{seconds:.1f} s" if ended else f"eta {_clock(left)}")
        if self._before:
            parts.append(f"{self._before} shards were done")
        return f"{step.label:<18} {' · '.join(parts)}"

    def _rewrite(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def _print(self, text: str) -> None:
        start = "\r" if self._terminal and self._width else ""
        self._stream.write(start + text.ljust(self._width) + "\n")
        self._stream.flush()
        self._width = 0


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"

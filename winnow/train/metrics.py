"""What a run says of itself: metrics.jsonl, and one line of progress.

metrics.jsonl holds an object a line, each with ``kind`` and ``step`` (updates done so far)::

    kind "train"       loss (nats a token, or a pair), lr, grad_norm, tokens (so far), tok_s,
                       data_ms (waited for data), step_ms, epoch, skipped (updates so far), and,
                       where the update was skipped, skipped_because, skipped_samples (the packed
                       samples that the step had read) and skipped_documents (their doc_ids)
    kind "evaluation"  loss, documents and the objective's own figures; of "causal" bits_per_byte,
                       tokens, text_bytes

A resumed run first drops the lines that come after its checkpoint, so that every step has one.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = "metrics.jsonl"


class Metrics:
    """Appends to ``folder``/metrics.jsonl; every line is on its way to the disk when written."""

    def __init__(self, folder: Path, after_step: int | None) -> None:
        """Keep the lines up to ``after_step``, the step of the checkpoint; None: keep none."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        self._lines = [] if after_step is None else read_metrics(self.path)
        self._lines = [line for line in self._lines if line["step"] <= (after_step or 0)]
        draft = self.path.with_name(f".{FILE}.tmp")
        draft.write_text("".join(json.dumps(line) + "\n" for line in self._lines))
        os.replace(draft, self.path)
        self._file = self.path.open("a", buffering=1)

    def write(self, kind: str, step: int, **values: Any) -> None:
        line = {"kind": kind, "step": step}
        # JSON has no word for a number that is none
        line |= {k: v if _finite(v) else None for k, v in values.items()}
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._lines.append(line)

    def evaluation(self, step: int | None = None) -> dict[str, Any] | None:
        """The evaluation at ``step``, or the first one there is."""
        lines = [line for line in self._lines if line["kind"] == "evaluation"]
        return next((line for line in lines if step is None or line["step"] == step), None)

    def close(self) -> None:
        self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; a last line that was cut short is left out."""
    lines = []
    if path.exists():
        for text in path.read_text().splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
    return lines


class Progress:
    """One line, rewritten in a terminal; elsewhere a line every tenth of the run, or a minute."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._terminal = say is print and sys.stdout.isatty()
        self._open = False  # whether the cursor stands at the end of a progress line
        self._began: tuple[float, int] | None = None  # when the first step of this process ended
        self._said = time.monotonic()

    def say(self, text: str) -> None:
        """A line of its own, below the progress line."""
        if self._open:
            sys.stdout.write("\n")
            self._open = False
        self._say(text)

    def step(self, step: int, steps: int, values: dict[str, Any]) -> None:
        """Show that ``step`` of ``steps`` is done; ``values`` as in metrics.jsonl."""
        now = time.monotonic()
        began, first = self._began or (now - values["step_ms"] / 1e3, step - 1)
        self._began = (began, first)
        due = step % max(1, steps // 10) == 0 or step == steps or now - self._said >= 60
        if not (self._terminal or due):
            return
        left = round((now - began) / (step - first) * (steps - step))
        text = (
            f"step {step:,}/{steps:,} · loss {values['loss']:.3f} · lr {values['lr']:.2e} · "
            f"{values['tok_s']:,.0f} tokens/s · data {values['data_ms']:.1f} ms · "
            f"eta {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}"
        )
        if self._terminal:
            sys.stdout.write(f"\r\x1b[K{text}")
            sys.stdout.flush()
            self._open = True
        else:
            self._say(text)
        self._said = now


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)

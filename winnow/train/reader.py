"""Steps, read and prepared by a thread that stays ahead of the training."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

from winnow.tokenize.token_shards import TokenShards
from winnow.train.objectives.objective import Objective, Sample, StepBatch
from winnow.train.order import DataOrder, step_samples


class StepReader:
    """Reads the steps from ``first_sample`` on, in a thread that stays ahead of the training.

    Use it as a context manager and iterate; ``wait_seconds`` is how long the last step was waited
    for. An error of the thread is raised where the step would have been.
    """

    def __init__(
        self,
        shards: TokenShards,
        order: DataOrder,
        objective: Objective,
        *,
        first_sample: int,
        step_samples: int,
        micro_samples: int,
        steps: int,
        prefetch_steps: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._shards = shards
        self._order = order
        self._objective = objective
        self._first = first_sample
        self._count = step_samples
        self._micro = micro_samples
        self._steps = steps
        self._rank = rank
        self._world = world
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=prefetch_steps)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="winnow-data", daemon=True)
        self.wait_seconds = 0.0

    def __enter__(self) -> StepReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def __iter__(self) -> Iterator[StepBatch]:
        for _ in range(self._steps):
            began = time.perf_counter()
            item = self._queue.get()
            self.wait_seconds = time.perf_counter() - began
            if isinstance(item, BaseException):
                raise item
            yield item

    def read(self, first_sample: int) -> StepBatch:
        """The step that begins at ``first_sample``, read now."""
        samples = step_samples(first_sample, self._count, self._rank, self._world)
        micro, count = [], 0
        for at in range(0, len(samples), self._micro):
            chosen = [Sample(s, self._order.pieces(s)) for s in samples[at : at + self._micro]]
            prepared, labels = self._objective.prepare(self._shards, chosen)
            micro.append(prepared)
            count += labels
        return StepBatch(samples=samples, micro=tuple(micro), label_count=count)

    def _fill(self) -> None:
        try:
            for step in range(self._steps):
                self._put(self.read(self._first + step * self._count))
                if self._stop.is_set():
                    return
        except BaseException as error:  # handed to the thread that trains
            self._put(error)

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

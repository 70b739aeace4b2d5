"""Steps whose loss or gradient leaps out of what the steps before them had.

One bad document in a batch can undo the work of hundreds of steps. As OLMo does (OLMo-core,
``SkipStepOptimizer``): a step whose loss or gradient norm lies more than so many deviations above
the mean of the last ``WINDOW`` steps changes nothing. Differs from it: the values of a skipped step
stay out of the window, so a run of bad steps does not become the norm; ``MAX_SKIPPED_IN_A_ROW`` of
them end the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

WINDOW = 128  # steps
ENOUGH = 32  # steps before anything is judged


class SpikeWindow:
    """The losses and gradient norms of the last steps; ``sigmas`` None: nothing is a spike."""

    def __init__(self, sigmas: float | None, values: Sequence[Sequence[float]] = ()) -> None:
        self.sigmas = sigmas
        self._steps: deque[tuple[float, float]] = deque(
            ((loss, norm) for loss, norm in values), maxlen=WINDOW
        )

    def is_spike(self, loss: float, norm: float) -> bool:
        """Whether a step with these (finite) values is to be skipped."""
        if self.sigmas is None or len(self._steps) < ENOUGH:
            return False
        seen = np.array(self._steps)
        limits = seen.mean(axis=0) + self.sigmas * seen.std(axis=0)
        return bool(loss > limits[0] or norm > limits[1])

    def add(self, loss: float, norm: float) -> None:
        """Take a step in that was not skipped."""
        self._steps.append((loss, norm))

    def to_values(self) -> list[list[float]]:
        """What a checkpoint holds, so that a resumed run judges as this one would have."""
        return [list(step) for step in self._steps]

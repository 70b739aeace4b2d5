"""Random draws that are a pure function of what they are for.

Never a generator's state: a sample's mask is the same after a resume, on another rank, or when it
is looked at once more.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt


def draws(purpose: str, *key: object, count: int) -> npt.NDArray[np.uint64]:
    """``uint64[count]``, uniform: the raw output of PCG64, seeded with a hash of the arguments.

    numpy promises those bits for all versions and machines.
    """
    text = "\0".join(["winnow", purpose, *map(str, key)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.PCG64(int.from_bytes(digest[:16], "little")).random_raw(count)

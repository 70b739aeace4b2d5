"""Decisions over a ledger without running anything: other bounds, other recipes, other verdicts.

Columns of numbers and labels are read, by shard and by several threads; no text. What a question
holds in memory does not grow with the documents, but for the names of domains that change (some 200
bytes each), and for a bound on the best of the run, whose cut is found again (some 40 bytes for
each ranked document). Duplicates are not found again: answers are
about the filters' verdicts, before deduplication.
"""

from winnow.whatif.answer import Changed, Shift, WhatIf, what_if
from winnow.whatif.applied import applied_names, apply_verdicts, open_applied
from winnow.whatif.changes import parse_changes
from winnow.whatif.ledger import bounds_of

__all__ = [
    "Changed",
    "Shift",
    "WhatIf",
    "applied_names",
    "apply_verdicts",
    "bounds_of",
    "open_applied",
    "parse_changes",
    "what_if",
]

"""Files that a filter loads once a process: when is a loaded one still the right one?"""

from __future__ import annotations

import os


def file_stamp(path: str) -> tuple[int, int]:
    """Time of change (ns) and size (bytes); what was loaded under another stamp is out of date."""
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size

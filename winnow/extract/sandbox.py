"""The process in which pages are extracted: ``python -m winnow.extract.sandbox SETTINGS``.

A page can make a parser loop, overflow its stack, or eat all memory, in C, where no Python timeout
reaches. So extraction runs in a process that may die:

- before each page the kernel's profiling timer is armed with the page's CPU budget, and its signal
  keeps its default action, so the kernel ends the process even inside C code. CPU time, not wall
  time: a busy machine changes no verdict;
- ``RLIMIT_AS`` caps its memory;
- before each page its number goes into memory shared with the parent, so the parent knows which
  page ended the process (results are written a few pages at a time: waking the parent for each
  would cost as much as 4 % of the extraction; those that were not yet written are made again);
- it ends when its parent does: by the end of its input, and on Linux by the parent-death signal.

On its standard input come groups of pages, whose payloads lie in memory shared with the parent; on
its standard output goes a result a page; :mod:`winnow.extract.frames` lays them out. It imports no
Arrow, and prints nothing: what an engine prints would be the text of documents.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
from typing import Any

from winnow.extract.extraction import Settings, failed, open_extraction
from winnow.extract.frames import PROGRESS, pack_result, read_group
from winnow.extract.guard import Limits

READY = "ready"
_HELD_BYTES = 1 << 16


def encode_settings(
    settings: Settings, cpu_seconds: float, memory_bytes: int, parent: int, shared: int
) -> str:
    """The command-line argument that :func:`main` reads; ``shared`` is the descriptor of the
    memory that is shared with the parent."""
    limits = settings.limits
    return json.dumps(
        {
            "engine": settings.engine,
            "max_html_bytes": limits.max_html_bytes,
            "max_tags": limits.max_tags,
            "max_depth": limits.max_depth,
            "cpu_seconds": cpu_seconds,
            "memory_bytes": memory_bytes,
            "parent": parent,
            "shared": shared,
        }
    )


def main(argument: str) -> None:
    options = json.loads(argument)
    output = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # what an engine prints must not end among the results
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; we end with its pipe
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _die_with(options["parent"])
    _limit_memory(options["memory_bytes"])
    settings = Settings(
        engine=options["engine"],
        limits=Limits(
            max_html_bytes=options["max_html_bytes"],
            max_tags=options["max_tags"],
            max_depth=options["max_depth"],
        ),
    )
    try:
        extract = open_extraction(settings)
    except Exception as error:
        _write(output, pack_result(failed(f"{type(error).__name__}: {error}")))
        return
    _write(output, pack_result(failed(READY)))
    cpu_seconds = options["cpu_seconds"]
    area = mmap.mmap(options["shared"], 0)
    source = sys.stdin.buffer
    while (group := read_group(source, area)) is not None:
        held = bytearray()
        for page, (payload, content_type) in enumerate(group):
            PROGRESS.pack_into(area, 0, page)
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            held += pack_result(extract(payload, content_type))
            if len(held) >= _HELD_BYTES:
                _write(output, held)
                held.clear()
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(output, held)


def _write(descriptor: int, data: bytes | bytearray) -> None:
    with memoryview(data) as view:
        written = 0
        while written < len(view):
            written += os.write(descriptor, view[written:])


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        set_death_signal = 1  # PR_SET_PDEATHSIG in linux/prctl.h
        libc: Any = ctypes.CDLL(None)
        libc.prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)


def _limit_memory(memory_bytes: int) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        memory_bytes = min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is a verdict, not a core file


if __name__ == "__main__":
    main(sys.argv[1])

"""An engine that does to its process what the page says."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import time

from winnow.extract.engines import Engine


def open_hostile() -> Engine:
    def engine(html: str) -> tuple[str | None, str]:
        deed = html.partition("DO:")[2].partition(";")[0]
        if deed == "loop in Python":
            while True:
                pass
        elif deed == "loop in C":
            re.match(r"(a|a)+$", "a" * 60 + "b")
        elif deed == "sleep":
            time.sleep(3600)
        elif deed == "read nowhere":
            ctypes.string_at(0)
        elif deed == "abort":
            os.abort()
        elif deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif deed == "exit":
            os._exit(3)
        elif deed == "leave":
            sys.exit(1)
        elif deed.startswith("kill once "):
            mark = deed.removeprefix("kill once ")
            if not os.path.exists(mark):
                with open(mark, "w"):
                    pass
                os.kill(os.getpid(), signal.SIGKILL)
        elif deed == "eat memory":
            return None, "x" * (1 << 40)
        elif deed == "raise":
            raise ValueError(html)
        elif deed == "recurse":
            return engine(html)
        elif deed == "print":
            print("x" * 100_000)
            os.write(1, b"y" * 100_000)
        elif deed == "surrogate":
            return "\ud800", "a\ud800b"
        elif deed == "long":
            return None, "z" * 5_000_000
        return "title", f"text of {html}"

    return engine


def open_broken() -> Engine:
    raise RuntimeError("there is no model file")

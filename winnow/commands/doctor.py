"""``winnow doctor``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

from winnow import __version__, optional
from winnow.pipeline.sizes import format_size


def main(arguments: argparse.Namespace) -> int:
    packages = []
    for module, (extra, distribution) in optional.EXTRAS.items():
        absent = bool(optional.missing((module,)))
        packages.append(
            {
                "package": distribution,
                "version": None if absent else _version(distribution),
                "extra": extra,
                "installed": not absent,
            }
        )
    disk = shutil.disk_usage(".")
    report = {
        "winnow": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "disk_free_bytes": disk.free,
        "packages": packages,
        "conflicts": _conflicts(),
    }
    if arguments.json:
        print(json.dumps(report))
        return 1 if report["conflicts"] else 0
    print(f"winnow {__version__}, Python {report['python']} ({sys.executable})")
    memory = report["memory_bytes"]
    print(
        f"{report['cores']} cores, "
        f"{format_size(memory) if isinstance(memory, int) else 'unknown'} memory, "
        f"{format_size(disk.free)} free on this disk"
    )
    for package in packages:
        have = package["version"] or (
            "installed"
            if package["installed"]
            else f"missing: pip install 'winnow-data[{package['extra']}]'"
        )
        print(f"  {package['package']:<20} {have}")
    for conflict in _conflicts():
        print(f"conflict: {conflict}")
    return 1 if report["conflicts"] else 0


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _conflicts() -> list[str]:
    """Packages that break one another when both are there."""
    others = [
        name
        for name in ("fasttext", "fasttext-wheel", "fasttext-predict", "fasttext-numpy2-wheel")
        if _version(name) is not None
    ]
    if others and _version("fasttext-community") is not None:
        return [
            f"{', '.join(others)} and fasttext-community install the same module 'fasttext'; "
            f"pip uninstall {' '.join(others)}, then reinstall fasttext-community"
        ]
    return []

"""``winnow verify``."""

from __future__ import annotations

import argparse
import json

from winnow.errors import StoreError
from winnow.pipeline.run_folder import read_run
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST, Store


def main(arguments: argparse.Namespace) -> int:
    problems: list[str] = []
    checked = shards = 0
    for folder in _stores(Folder(arguments.path)):
        store = Store.open(folder)
        problems += store.verify()
        checked += 1
        shards += store.file_count
    if arguments.json:
        print(json.dumps({"stores": checked, "shards": shards, "problems": problems}))
    else:
        for problem in problems:
            print(problem)
        verdict = f"{len(problems)} wrong" if problems else "all as their receipts say"
        print(f"{shards} files of {checked} stores hashed: {verdict}")
        if problems:
            print("Delete these files; the same `winnow run` makes them again, and only them.")
    return 1 if problems else 0


def _stores(folder: Folder) -> list[Folder]:
    """The folder itself if it is a store, or the finished stores of the run in it."""
    if folder.exists(MANIFEST):
        return [folder]
    run = read_run(folder)
    if run is None:
        raise StoreError(
            f"{folder.path} is neither a run nor a finished store",
            remedy="Give the output folder of a run, or a folder with a manifest.json.",
        )
    inner = [folder.subfolder(step["name"]) for step in run["steps"]]
    return [each for each in inner if each.exists(MANIFEST)]

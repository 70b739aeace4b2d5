"""One change of an index at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from winnow.dedup.index.catalog import Index
from winnow.errors import PlanError
from winnow.pipeline.run_folder import run_lock
from winnow.store.files import Folder


@contextmanager
def changing_index(path: str) -> Iterator[Index]:
    """The index at ``path``, read when nobody else can change it any more.

    :class:`PlanError` where another process is changing it, and on an object store, which has no
    locks: a change that was made in between would be lost, a takedown among them.
    """
    folder = Index.open(path).folder  # so that no folder is made where there is no index
    refuse_remote(folder)
    with run_lock(folder.path):
        yield Index.open(path)


def refuse_remote(folder: Folder) -> None:
    """:class:`PlanError` where ``folder`` is on an object store."""
    if folder.remote:
        raise PlanError(
            f"{folder.path} is on an object store, where two changes at once could not be told",
            remedy="Change the index on a local disk and copy it; runs can be matched against it "
            "there.",
        )

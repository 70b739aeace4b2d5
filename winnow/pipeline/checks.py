"""What a plan refuses: packages and files that are not there, an output that is taken, bounds that
do not fit their columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from winnow import optional
from winnow.errors import ConfigError, PlanError
from winnow.pipeline.config import RunConfig, StageEntry
from winnow.schema import require_columns
from winnow.store.files import Folder
from winnow.store.manifest import MANIFEST
from winnow.store.receipts import RECEIPTS


def check_packages(config: RunConfig) -> None:
    described: list[tuple[str, Any]] = [(config.source.use, config.source)]
    described += [(entry.name, entry.stage) for entry in config.stages]
    for recipe in config.compare:
        described += [(f"{each.name} of {recipe.name}", each.stage) for each in recipe.stages]
    for name, stage in described:
        for module in optional.missing(tuple(stage.requires)):
            raise optional.missing_extra(module, f"stage '{name}'")
        check = getattr(stage, "check", None)
        if check is not None:
            try:
                check()
            except PlanError as error:
                if name in error.message:
                    raise
                raise PlanError(f"stage '{name}': {error.message}", remedy=error.remedy) from None
    if config.executor.use == "ray" and optional.missing(("ray",)):
        raise optional.missing_extra("ray", "executor 'ray'")


def check_output(config: RunConfig) -> None:
    """The output folder must be empty, or hold an earlier run of the same name."""
    from winnow.pipeline.run_folder import read_run

    folder = Folder(config.output)
    if not folder.remote and os.path.isfile(folder.path):
        raise PlanError(f"output {folder.path} is a file; choose a folder")
    run = read_run(folder)
    if run is not None and run["name"] != config.name:
        raise PlanError(
            f"output {folder.path} holds the run '{run['name']}', and this one is '{config.name}'",
            remedy=f"Choose another output (--set output=…), or delete {folder.path}.",
        )
    if run is None and not all(_is_store(folder.subfolder(name)) for name in folder.entries()):
        raise PlanError(
            f"output {folder.path} is not empty and holds no run of winnow",
            remedy="Choose another output folder, or empty this one.",
        )


def _is_store(folder: Folder) -> bool:
    """Whether a folder looks like one of ours: so a run whose run.json is lost goes on."""
    return folder.exists(MANIFEST) or folder.exists(RECEIPTS)


def check_bounds(entries: Sequence[StageEntry], columns: pa.Schema) -> None:
    """Bounds are on columns that are there, limits on numbers, lists of labels on labels."""
    for entry in entries:
        for bound in entry.bounds:
            require_columns(columns, bound.columns(), f"{entry.name}: bound on {bound.measure}")
            try:
                bound.check(columns)
            except ConfigError as error:
                raise PlanError(
                    f"stage '{entry.name}': {error.message}", remedy=error.remedy
                ) from None


def check_ledger(schema: pa.Schema) -> None:
    """Names of recipes become names of columns, which must not be one another's."""
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise PlanError(
                f"two columns of the ledger would be called '{name}': a compared recipe's name "
                "makes one",
                remedy="Rename the recipe's file.",
            )

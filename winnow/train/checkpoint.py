"""Checkpoints that are there whole or not at all.

A run's folder::

    metrics.jsonl
    step-00001000/
        checkpoint.json   step, data order, config, sizes; and size and sha256 of every file here
        weights.pt        float32, by the names of Hugging Face's Llama
        optimizer.pt      moments by parameter name
        tokenizer.json    the tokenizer of the corpus, so that the folder can speak for itself

Everything is written into a hidden folder, flushed to the disk, and renamed: the rename is the
commit. So a process killed while saving leaves the checkpoint before. One whose bytes differ from
what checkpoint.json says (a disk that lost a write) is passed over as well.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from winnow.errors import ConfigError, CorruptShard, StoreError
from winnow.store.files import Folder
from winnow.store.receipts import canonical_json
from winnow.train.shape import ModelShape

VERSION = 1
DESCRIPTION = "checkpoint.json"
WEIGHTS = "weights.pt"
OPTIMIZER = "optimizer.pt"
TOKENIZER = "tokenizer.json"
_NAME = re.compile(r"step-(\d{8})")


@dataclass(frozen=True)
class Checkpoint:
    """A committed checkpoint; ``values`` is its checkpoint.json."""

    path: Path
    values: dict[str, Any]

    @property
    def step(self) -> int:
        return int(self.values["step"])

    @property
    def shape(self) -> ModelShape:
        return ModelShape(**self.values["shape"])

    def load(self, file: str, device: torch.device | str = "cpu") -> dict[str, Any]:
        """The tensors of ``file``, which was hashed when the checkpoint was read."""
        loaded: dict[str, Any] = torch.load(
            self.path / file, map_location=device, weights_only=True
        )
        return loaded


def save_checkpoint(
    folder: Path,
    step: int,
    *,
    weights: Mapping[str, torch.Tensor],
    optimizer: Mapping[str, Any],
    values: Mapping[str, Any],
    tokenizer: bytes | None,
    keep_last: int,
) -> Checkpoint:
    """Commit ``step-<step>`` in ``folder``, then delete all but the newest ``keep_last``."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    target = folder / f"step-{step:08d}"
    draft = Folder(folder / f".{target.name}.{os.getpid()}.tmp")
    files: dict[str, dict[str, Any]] = {}

    def add(name: str, write: Callable[[Any], None]) -> None:
        with draft.create(name) as sink:
            write(sink)
        files[name] = {"size_bytes": sink.size, "sha256": sink.sha256}

    add(WEIGHTS, lambda sink: torch.save(dict(weights), sink))
    add(OPTIMIZER, lambda sink: torch.save(dict(optimizer), sink))
    if tokenizer is not None:
        add(TOKENIZER, lambda sink: sink.write(tokenizer))
    description = {**values, "version": VERSION, "step": step, "files": files}
    draft.write(DESCRIPTION, canonical_json(description))
    if target.exists():  # the same step again, or a damaged one that was passed over
        _discard(target)
    os.rename(draft.path, target)
    _sync(folder)
    for old in _committed(folder)[keep_last:]:
        _discard(old)
    return Checkpoint(target, description)


def newest_checkpoint(
    folder: Path, warn: Callable[[str], None] = lambda text: None
) -> Checkpoint | None:
    """The newest whole checkpoint of ``folder``, or None; ``warn`` hears of those passed over."""
    for path in _committed(folder):
        try:
            return read_checkpoint(path)
        except CorruptShard as error:
            warn(f"passing over {path.name}: {error.message}")
    return None


def has_checkpoints(folder: Path) -> bool:
    """Whether ``folder`` holds any checkpoint, whole or damaged."""
    return bool(_committed(folder))


def find_checkpoint(path: Path) -> Checkpoint:
    """``path`` if it is a checkpoint, else the newest one in it; :class:`StoreError` if neither."""
    if (path / DESCRIPTION).exists():
        return read_checkpoint(path)
    found = newest_checkpoint(path)
    if found is None:
        raise StoreError(
            f"{path} holds no whole checkpoint",
            remedy="Give a checkpoint.folder of `winnow train`, or one of its step-… folders.",
        )
    return found


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint at ``path``, its files hashed; :class:`CorruptShard` naming a damaged one."""
    try:
        values = json.loads((path / DESCRIPTION).read_bytes())
        files = values["files"].items()
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise CorruptShard(f"{path / DESCRIPTION} cannot be read: {error}") from error
    if values.get("version") != VERSION:
        raise StoreError(
            f"{path} is a checkpoint of version {values.get('version')}; this winnow reads "
            f"version {VERSION}",
            remedy="Use the version of winnow that saved it.",
        )
    for name, said in files:
        file = path / name
        if not file.exists():
            raise CorruptShard(f"{file} is missing")
        if file.stat().st_size != said["size_bytes"]:
            raise CorruptShard(f"{file} is cut short")
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != said["sha256"]:
                raise CorruptShard(f"{file} is not what was saved (another sha256)")
    return Checkpoint(path, values)


def require_causal(checkpoint: Checkpoint, who: str) -> None:
    """Raise :class:`ConfigError` unless the model predicts next tokens."""
    kind = checkpoint.values["config"].get("objective", {}).get("kind", "causal")
    if kind != "causal":
        raise ConfigError(
            f"{checkpoint.path} was trained with objective '{kind}', and {who} wants a causal model"
        )


def require_shape(checkpoint: Checkpoint, shape: ModelShape) -> None:
    """Raise :class:`ConfigError`, naming the fields, unless the checkpoint is of ``shape``."""
    saved = checkpoint.values["shape"]
    odd = {k: v for k, v in dataclasses.asdict(shape).items() if saved.get(k) != v}
    if odd:
        changes = ", ".join(f"model.{k} was {saved.get(k)} and is {v}" for k, v in odd.items())
        raise ConfigError(
            f"{checkpoint.path} holds another model: {changes}",
            remedy="Set the model back, or start anew in another checkpoint.folder.",
        )


def _committed(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    names = [entry.name for entry in folder.iterdir() if _NAME.fullmatch(entry.name)]
    return [folder / name for name in sorted(names, reverse=True)]


def _sweep(folder: Path) -> None:
    for entry in folder.glob(".step-*.tmp"):
        shutil.rmtree(entry)


def _discard(path: Path) -> None:
    # renamed first: a process killed while deleting must not leave half a checkpoint by its name
    doomed = path.with_name(f".{path.name}.{os.getpid()}.old.tmp")
    os.rename(path, doomed)
    shutil.rmtree(doomed)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

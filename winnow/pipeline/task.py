"""One task: one step, one shard, read, worked and committed by whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from winnow.errors import StageError, WinnowError, brief
from winnow.pipeline.stage import Tally
from winnow.pipeline.step import Step, TaskFunction
from winnow.store.files import Folder
from winnow.store.receipts import Receipt, write_receipt
from winnow.store.shards import ShardWriter, shard_file


@dataclass(frozen=True)
class Failure:
    """Why a shard could not be made; an exception of ours is final for that shard."""

    index: int
    message: str
    remedy: str | None = None


def open_step(step: Step) -> Callable[[int], Receipt]:
    """Open a step in this process; the result makes shard ``index`` and returns its receipt."""
    function = step.work.open(step.inputs)
    return lambda index: _make_shard(step, function, index)


def _make_shard(step: Step, function: TaskFunction, index: int) -> Receipt:
    folder = Folder(step.folder)
    file = step.work.shard_file(index) or shard_file(index, step.format)
    tally = Tally()
    with ShardWriter(folder, file, step.schema, step.format) as writer:
        for batch in function(index, tally):
            writer.write(batch)
    receipt = writer.receipt(
        step.fingerprint,
        counters=dict(sorted(tally.counters.items())),
        problems=tuple(tally.problems),
        extra=step.work.receipt_extra(index, tally),
    )
    write_receipt(folder, index, receipt)
    return receipt


def attempt(make: Callable[[int], Receipt], step: Step, index: int) -> Receipt | Failure:
    """Make a shard; any exception becomes a :class:`Failure` that says where it happened."""
    try:
        return make(index)
    except WinnowError as error:
        return Failure(index, f"{step.name} shard {index}: {error.message}", error.remedy)
    except MemoryError:
        return Failure(index, f"{step.name} shard {index}: out of memory")
    except Exception as error:
        return Failure(index, f"{step.name} shard {index}: {brief(error)}")


def open_failure(step: Step, error: BaseException) -> StageError:
    """The error for a step that cannot be opened at all, on any shard."""
    if isinstance(error, StageError):
        return error
    remedy = error.remedy if isinstance(error, WinnowError) else None
    message = (
        error.message if isinstance(error, WinnowError) else f"{type(error).__name__}: {error}"
    )
    return StageError(f"step '{step.name}' cannot start: {message}", stage=step.name, remedy=remedy)

"""The training loop: read a step, accumulate its gradient, update, say so, save."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import winnow
from winnow.errors import CorruptShard, StageError
from winnow.tokenize.token_shards import TokenShards
from winnow.train.attention import select_backend
from winnow.train.checkpoint import Checkpoint, save_checkpoint
from winnow.train.config import TrainConfig
from winnow.train.config_file import to_values
from winnow.train.device import compile_blocks, compute_dtype, prepare_device
from winnow.train.import_hf import check_tokenizer, initial_shape, load_initial
from winnow.train.interrupt import StopRequest
from winnow.train.metrics import Metrics, Progress
from winnow.train.model import initialise
from winnow.train.objectives.objective import StepBatch, make_objective
from winnow.train.optimizer import make_optimizer
from winnow.train.order import DataOrder
from winnow.train.reader import StepReader
from winnow.train.resume import Position, find_start, restore
from winnow.train.schedule import learning_rate, settle
from winnow.train.shape import model_shape
from winnow.train.spikes import SpikeWindow

MAX_SKIPPED_IN_A_ROW = 5  # after so many, more of the same will not help


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    step: int
    """Updates done, skipped ones included."""
    steps: int
    stopped: str | None
    """Why it ended before its last step."""
    before: dict[str, Any] | None
    """The evaluation before the first step."""
    after: dict[str, Any] | None
    """The evaluation after the last step."""
    skipped: int
    seconds: float


class Trainer:
    """A run that is ready to go: corpus mapped, model made, newest checkpoint loaded.

    Raises :class:`ConfigError`, :class:`StoreError` and :class:`FingerprintMismatch` when made,
    before any step; ``say`` hears what happens.
    """

    def __init__(self, config: TrainConfig, say: Callable[[str], None] = print) -> None:
        self.config = config
        self._progress = Progress(say)
        self.say = self._progress.say
        self.device = prepare_device(config.runtime)
        self.train_shards = TokenShards.open(config.data.path, "train")
        self.validation_shards: TokenShards | None = None
        if config.evaluation.enabled:
            self.validation_shards = TokenShards.open(config.data.path, "validation")
        if config.data.verify and (problems := self.train_shards.store.verify()):
            raise CorruptShard("; ".join(problems), remedy="Run `winnow run` again.")
        self.order = DataOrder(
            self.train_shards.lengths,
            fingerprint=self.train_shards.fingerprint,
            seed=config.data.seed,
            pack_tokens=config.data.pack_tokens,
            max_context=config.data.max_context,
        )
        self.resumed = find_start(config.checkpoint, self.say)
        self.objective = make_objective(config, self.train_shards)
        self.model = self._make_model()
        self.model.to(self.device)
        self.backend = select_backend(self.device, config.model.attention)
        self.settled = settle(config, self.model.parameter_count)
        self.optimizer = make_optimizer(self.model, config.optimizer, self.settled)
        self.at = Position()
        if self.resumed is not None:
            self.at = restore(
                self.resumed,
                self.model,
                self.optimizer,
                self.order,
                self.settled,
                config.objective.kind,
                self.say,
            )
        self.metrics = Metrics(config.checkpoint.folder, self.at.step if self.resumed else None)
        self._skipped_in_a_row = 0
        kept = () if self.resumed is None else self.resumed.values.get("last_steps", ())
        self._window = SpikeWindow(config.optimizer.skip_sigmas, kept)
        compile_blocks(self.model, config.runtime)

    def _make_model(self) -> Any:
        """On the CPU, with the weights to begin from unless a checkpoint's come instead."""
        config = self.config.model
        vocab_size = self.train_shards.vocab_size + self.objective.extra_ids
        dtype = compute_dtype(self.config.runtime, self.device)
        if config.init is None:
            model = self.objective.make_model(model_shape(config, vocab_size), dtype)
            initialise(model, config.seed)
            return model
        shape = initial_shape(config.init, vocab_size, config.vocab_pad_to)
        model = self.objective.make_model(shape, dtype)
        if self.resumed is None:
            load_initial(model, config.init)
            doubt = check_tokenizer(config.init, self.train_shards.tokenizer.get("sha256"))
            self.say(f"init    from {config.init}")
            if doubt:
                self.say(f"note    {doubt}")
        return model

    def run(self) -> Result:
        """Train to the last step, or until somebody asks to end; save in both cases."""
        began = time.monotonic()
        with StopRequest(self.config.runtime.max_minutes) as stop:
            before = self._evaluate(first=True)
            self._train(stop)
            stopped = stop.reason if self.at.step < self.settled.steps else None
            after = None if stopped else self._evaluate()
        self.metrics.close()
        return Result(
            step=self.at.step,
            steps=self.settled.steps,
            stopped=stopped,
            before=before,
            after=after,
            skipped=self.at.skipped,
            seconds=time.monotonic() - began,
        )

    def _train(self, stop: StopRequest) -> None:
        config, steps = self.config, self.settled.steps
        evaluate_every = config.evaluation.every_steps
        saved = None if self.resumed is None else self.resumed.step
        reader = StepReader(
            self.train_shards,
            self.order,
            self.objective,
            first_sample=self.at.sample,
            step_samples=self.settled.global_tokens // config.data.pack_tokens,
            micro_samples=config.batch.micro_tokens // config.data.pack_tokens,
            steps=max(0, steps - self.at.step),
            prefetch_steps=config.data.prefetch_steps,
        )
        with reader:
            for batch in reader:
                values = self._step(batch, reader.wait_seconds)
                self._progress.step(self.at.step, steps, values)
                if stop.reason or self.at.step == steps:
                    break
                if self.at.step % config.checkpoint.every_steps == 0:
                    saved = self.save().step
                if evaluate_every and self.at.step % evaluate_every == 0:
                    self._evaluate()
        if saved != self.at.step:
            self.save()

    def save(self) -> Checkpoint:
        """Commit a checkpoint of this moment (between two steps)."""
        shards = self.train_shards
        tokenizer = shards.tokenizer["file"]
        folder = shards.store.folder
        return save_checkpoint(
            self.config.checkpoint.folder,
            self.at.step,
            weights=self.model.state_dict(),
            optimizer=self.optimizer.to_state(),
            values={
                "order": self.order.state(self.at.sample).to_values(),
                "tokens": self.at.tokens,
                "skipped": self.at.skipped,
                "last_steps": self._window.to_values(),
                "shape": dataclasses.asdict(self.model.shape),
                "settled": dataclasses.asdict(self.settled),
                "config": to_values(self.config),
                "tokenizer": shards.tokenizer,
                "versions": {"winnow": winnow.__version__, "torch": str(torch.__version__)},
            },
            tokenizer=folder.read(tokenizer) if folder.exists(tokenizer) else None,
            keep_last=self.config.checkpoint.keep_last,
        )

    def accumulate(self, batch: StepBatch) -> float:
        """Add the gradient of the step's mean loss; return that loss (nats a label)."""
        return self.objective.accumulate(self.model, batch, self.device, self.backend)

    def _step(self, batch: StepBatch, wait_seconds: float) -> dict[str, Any]:
        began = time.perf_counter()
        lr = learning_rate(self.at.step, self.settled, self.config.schedule)
        self.optimizer.set_learning_rate(lr)
        loss = self.accumulate(batch)
        clip = self.config.optimizer.clip
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip))
        why = self._why_skip(loss, norm)
        if why is None:
            self.optimizer.step()
            self._window.add(loss, norm)
        self.optimizer.zero_grad()
        self._skipped_in_a_row = 0 if why is None else self._skipped_in_a_row + 1
        epoch = self.order.state(self.at.sample).epoch
        self.at = Position(
            step=self.at.step + 1,
            sample=batch.samples.stop,
            tokens=self.at.tokens + self.settled.global_tokens,
            skipped=self.at.skipped + (why is not None),
        )
        seconds = time.perf_counter() - began + wait_seconds
        values: dict[str, Any] = {
            "loss": loss,
            "lr": lr,
            "grad_norm": norm,
            "tokens": self.at.tokens,
            "tok_s": self.settled.global_tokens / seconds,
            "data_ms": 1e3 * wait_seconds,
            "step_ms": 1e3 * seconds,
            "epoch": epoch,
            "skipped": self.at.skipped,
        }
        if why is not None:
            values |= {"skipped_because": why, "skipped_samples": list(batch.samples)}
            values["skipped_documents"] = self._doc_ids(batch)
        if self.at.step % self.config.runtime.log_every == 0 or why is not None:
            self.metrics.write("train", self.at.step, **values)
        if self._skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW:
            raise StageError(
                f"step {self.at.step}: {MAX_SKIPPED_IN_A_ROW} steps in a row were skipped (the "
                f"last one: {why}); training has diverged",
                stage="train",
                where=f"samples {batch.samples.start} to {batch.samples.stop - 1}",
                remedy="Resume from the last checkpoint with a lower optimizer.lr.",
            )
        return values

    def _why_skip(self, loss: float, norm: float) -> str | None:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return "loss or gradient not finite"
        return "loss or gradient spiked" if self._window.is_spike(loss, norm) else None

    def _doc_ids(self, batch: StepBatch) -> list[int]:
        """The documents that the step read, so that `winnow trace --doc-id` can show them."""
        pieces = (piece for sample in batch.samples for piece in self.order.pieces(sample))
        return sorted({self.train_shards.doc_id(piece.document) for piece in pieces})

    def _evaluate(self, first: bool = False) -> dict[str, Any] | None:
        """The evaluation at this step, or (``first``) the run's first; made where there is none."""
        if self.validation_shards is None:
            return None
        known = self.metrics.evaluation(None if first else self.at.step)
        if known is not None:
            return known
        found = self.objective.evaluate(self.model, self.validation_shards, self.backend)
        self.metrics.write("evaluation", self.at.step, **found)
        self.say(
            f"validation at step {self.at.step:,}: {self.objective.describe(found)} "
            f"({found['documents']:,} documents)"
        )
        return self.metrics.evaluation(self.at.step)

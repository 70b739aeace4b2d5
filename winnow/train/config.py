"""What a training run is: frozen values, one class a section of the TOML file.

The text under each field is its help. Nothing here imports torch. Rules that need only the config
are checked when it is built, and name the field to change; what needs the corpus or the model's
size (a rate of "auto", a number of steps) is settled in :mod:`winnow.train.schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from winnow.errors import ConfigError
from winnow.train.shape import ModelConfig, positive, share_of

Auto = Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which tokens, in which order."""

    path: Path
    """Token store to train on. A relative path starts at the config file's folder."""
    seed: int = 0
    """Decides the order of the documents in every epoch."""
    pack_tokens: int = 32_768
    """Tokens of one packed sample: the grain of the data order, fixed for a run."""
    max_context: int = 2_048
    """Longest context in tokens; a longer document is split and its positions start again."""
    prefetch_steps: int = 2
    """Steps that the reading thread may be ahead."""
    verify: bool = False
    """Hash every shard before the first step and compare with the manifest."""

    def __post_init__(self) -> None:
        positive("data", self, "pack_tokens", "max_context", "prefetch_steps")
        if self.max_context > self.pack_tokens:
            raise ConfigError(
                f"data.max_context ({self.max_context}) exceeds data.pack_tokens "
                f"({self.pack_tokens}): no sample could hold such a context",
                remedy="Lower data.max_context or raise data.pack_tokens.",
            )


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """What the model learns to do."""

    kind: Literal["causal", "masked", "spans", "contrastive"] = "causal"
    """"causal": next token (GPT). "masked": BERT. "spans": T5. "contrastive": vectors of texts."""
    mask_share: float = 0.3
    """Share of the tokens that "masked" hides."""
    span_share: float = 0.15
    """Share of the tokens that "spans" cuts out."""
    mean_span_tokens: float = 3.0
    """Of a span that is cut out."""
    pair_source: Literal["crops"] = "crops"
    """What "contrastive" pairs. "crops": two crops of a document that do not overlap."""
    min_crop_tokens: int = 16
    """Shortest crop; a document of less than two of them gives no pair."""
    max_crop_tokens: int = 256
    """Longest crop, and no longer than half the document."""
    temperature: float = 0.05
    """Divides the cosines of "contrastive": the lower, the more the hardest negatives count."""

    def __post_init__(self) -> None:
        share_of("objective", self, "mask_share", "span_share")
        positive("objective", self, "mean_span_tokens", "min_crop_tokens", "temperature")
        if self.max_crop_tokens < self.min_crop_tokens:
            raise ConfigError(
                f"objective.max_crop_tokens ({self.max_crop_tokens}) is less than "
                f"objective.min_crop_tokens ({self.min_crop_tokens})",
                remedy="Raise objective.max_crop_tokens.",
            )


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How weights are updated."""

    kind: Literal["adamw", "muon"] = "adamw"
    """Rule of the update. "muon": for the blocks' matrices, AdamW for the rest."""
    lr: float | Auto = "auto"
    """Peak learning rate. "auto": 0.00235 * (parameters / 108e6) ** (-1/3)."""
    beta1: float = 0.9
    """Decay of the first moment."""
    beta2: float | Auto = "auto"
    """Decay of the second moment. "auto": 0.95 from 524,288 tokens a step on, below it 0.99."""
    momentum: float = 0.95
    """Of Muon."""
    eps: float = 1e-8
    """Added to the root of the second moment."""
    weight_decay: float = 0.1
    """On the matrices of the blocks; never on norms and embeddings."""
    clip: float = 1.0
    """Largest norm of the whole gradient."""
    skip_sigmas: float | None = None
    """Skip a step whose loss or gradient lies so many deviations above the last 128 (OLMo: 6)."""

    def __post_init__(self) -> None:
        positive("optimizer", self, "eps", "clip", "skip_sigmas")
        if self.lr != "auto":
            positive("optimizer", self, "lr")
        share_of("optimizer", self, "beta1", "momentum")
        if self.beta2 != "auto":
            share_of("optimizer", self, "beta2")


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """How many tokens a step, and how many steps."""

    micro_tokens: int = 32_768
    """Tokens in one forward pass; a multiple of data.pack_tokens."""
    global_tokens: int | Auto = "auto"
    """Of one step. "auto": 327,680 * (parameters / 108e6) ** (2/3), in whole micro-batches."""
    steps: int | None = None
    """Steps to train. Absent: total_tokens decides."""
    total_tokens: int | None = None
    """Tokens to train on. Absent as well: 20 for each parameter."""

    def __post_init__(self) -> None:
        positive("batch", self, "micro_tokens", "steps", "total_tokens")
        if self.global_tokens != "auto":
            positive("batch", self, "global_tokens")
            if self.global_tokens % self.micro_tokens:
                raise ConfigError(
                    f"batch.global_tokens ({self.global_tokens}) is not a multiple of "
                    f"batch.micro_tokens ({self.micro_tokens})",
                    remedy="Set batch.global_tokens to a whole number of micro-batches.",
                )
        if self.steps is not None and self.total_tokens is not None:
            raise ConfigError(
                "batch.steps and batch.total_tokens both say how long to train",
                remedy="Remove one of them.",
            )


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """The learning rate over the steps."""

    kind: Literal["cosine", "wsd"] = "wsd"
    """Shape after the warm-up. "wsd": stay, then fall in a line. "cosine": half a cosine."""
    warmup_share: float = 0.02
    """Share of the steps in which the rate rises to its peak."""
    decay_share: float = 0.2
    """Share of the steps in which "wsd" falls."""
    final_lr_share: float = 0.0
    """Rate after the last step, as a share of the peak."""

    def __post_init__(self) -> None:
        share_of("schedule", self, "warmup_share", "decay_share", "final_lr_share")
        if self.kind == "wsd" and self.warmup_share + self.decay_share > 1:
            raise ConfigError(
                f"schedule.warmup_share ({self.warmup_share}) and schedule.decay_share "
                f"({self.decay_share}) exceed the whole run",
                remedy="Lower schedule.decay_share.",
            )


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    """Where the run lives, and how often it is saved."""

    folder: Path
    """Checkpoints and metrics.jsonl. A relative path starts at the config file's folder."""
    every_steps: int = 1_000
    """Save after every so many steps; the last step and a signal save as well."""
    keep_last: int = 2
    """Newest checkpoints to keep."""
    resume: Literal["auto", "never"] = "auto"
    """On a used folder. "auto": go on from its newest whole checkpoint. "never": refuse it."""

    def __post_init__(self) -> None:
        positive("checkpoint", self, "every_steps", "keep_last")


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """The objective's figures on the validation split, before the first step and after the last."""

    enabled: bool = True
    """Without it a store needs no validation split, and nothing says how good the model is."""
    every_steps: int | None = None
    """Also after every so many steps."""
    max_tokens: int = 1_000_000
    """Whole documents from the start of the split, up to this many tokens."""

    def __post_init__(self) -> None:
        positive("evaluation", self, "every_steps", "max_tokens")


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """The machine, and what is said of the run."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute. "auto": a GPU where there is one."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of activations; weights are float32. "auto": bfloat16 on a GPU, else float32."""
    compile: bool | Auto = "auto"
    """torch.compile on every block. "auto": on a GPU only."""
    threads: int | None = None
    """CPU threads. Another number may change the last bits of a sum."""
    max_minutes: float | None = None
    """Save and end after this time, e.g. before a lease runs out."""
    log_every: int = 1
    """A line in metrics.jsonl after every so many steps."""

    def __post_init__(self) -> None:
        positive("runtime", self, "threads", "max_minutes", "log_every")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A whole training run; read one from a file with ``load_config``."""

    data: DataConfig
    checkpoint: CheckpointConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    def __post_init__(self) -> None:
        if self.batch.micro_tokens % self.data.pack_tokens:
            raise ConfigError(
                f"batch.micro_tokens ({self.batch.micro_tokens}) is not a multiple of "
                f"data.pack_tokens ({self.data.pack_tokens})",
                remedy="Set batch.micro_tokens to a whole number of packed samples. "
                "(data.pack_tokens fixes the data order and must not change within a run.)",
            )
        crops = 2 * self.objective.min_crop_tokens
        if self.objective.kind == "contrastive" and crops > self.data.max_context:
            raise ConfigError(
                f"two crops of objective.min_crop_tokens ({self.objective.min_crop_tokens}) do not "
                f"fit data.max_context ({self.data.max_context}): no context would give a pair",
                remedy="Lower objective.min_crop_tokens or raise data.max_context.",
            )

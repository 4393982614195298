"""AnswerReasons for answers: words, products like it, and a word without which the answer is another."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import mep3m
from mep3m.assignment.answer import Assignment, Beside, assign
from mep3m.assignment.reasons.why import AnswerReasons, in_words
from mep3m.assignment.run import Run
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.product import Product, to_table

TITLES: list[str | None] = ["红富士苹果 abc", "手机壳 苹果", "!!!", None, "zzz"]


def products(*titles: str | None) -> pa.Table:
    return to_table(Product(str(n), "s", str(n), title=title) for n, title in enumerate(titles))


def answers(run: Run) -> list[Assignment]:
    return assign(run.classifier, products(*TITLES), min_confidence=0.3, beside=Beside.of(run, why=True))


def test_each_answer_says_what_carried_it(audited_run: Run) -> None:
    apple, _, hidden, missing, _ = answers(audited_run)
    assert apple.why is not None
    assert apple.why["exact"]
    assert apple.why["words"][0]["text"] == "苹果"
    assert 0 < apple.why["words"][0]["share"] <= 1
    assert len(apple.why["nearest"]) == 3
    assert all("苹果" in one["title"] for one in apple.why["nearest"])
    assert hidden.why is missing.why is None


def test_the_word_that_decides_is_found_and_the_other_answer_is_right(audited_run: Run) -> None:
    for found in answers(audited_run):
        if found.why is None or found.why["without"] is None:
            continue
        other = found.why["without"]
        left = str(found.title).replace(other["text"], " ", 1).strip()
        again = assign(audited_run.classifier, products(left), min_confidence=0)[0]
        assert again.path == other["path"] != found.top[0]["path"]
        assert again.confidence[-1] == pytest.approx(other["probability"], abs=1e-5)
    assert any(one.why and one.why["without"] for one in answers(audited_run))


class Words:
    """A model that is no sum: a title with 'tea' is tea, any other rice."""

    tree = LabelTree.from_paths([("rice",), ("tea",)])
    reads = ("title",)

    def predict(self, products: pa.Table, images: object = None) -> Prediction:
        tea = np.array(["tea" in (title or "") for title in products["title"].to_pylist()])
        proba = np.where(tea[:, None], [[0.1, 0.9]], [[0.8, 0.2]]).astype(np.float32)
        return Prediction(proba, np.ones(len(tea), bool), [])

    def predict_proba(self, products: pa.Table, images: object = None) -> np.ndarray:
        return self.predict(products).proba

    def save(self, folder: Path) -> None:
        raise AssertionError


def test_any_other_model_is_asked_without_each_word() -> None:
    model, table = Words(), products("green tea 100g", "rice", None)
    first, second, third = AnswerReasons(model).why(table, None, model.predict_proba(table))
    assert (first["exact"], first["words"][0]["text"]) == (False, "tea")
    assert first["words"][0]["lead"] == pytest.approx(0.7)
    assert first["without"] == {
        "text": "tea", "path": ("rice",), "names": ("rice",), "probability": pytest.approx(0.8)
    }  # fmt: skip
    assert (second["without"], second["words"]) == (None, [])
    assert third == {"words": [], "exact": False, "nearest": [], "without": None}


def test_reasons_in_a_sentence(audited_run: Run) -> None:
    said = in_words(answers(audited_run)[0].why)
    assert said is not None
    assert said.startswith("苹果 ")
    assert "like '" in said
    assert in_words(None) is None
    assert in_words({"words": [], "exact": True, "nearest": [], "without": None}) is None


def test_a_notebook_gets_answers_of_the_same_form(audited_run: Run) -> None:
    found = list(mep3m.load_run(audited_run.folder).assign(["红富士苹果 abc", "zzz"]))
    assert [one.model for one in found] == [audited_run.version] * 2
    assert [one.known for one in found] == [None, None]  # it held too few rows out
    assert found[0].why is None

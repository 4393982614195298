"""What words add to an answer is the model's own sum, whatever the title is written like."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.assignment.reasons.pieces import Carriers, cut, pair_at_one_level, without
from mep3m.assignment.run import Run
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.models.linear.ngrams import Grams, GramVocabulary, encode_texts, occurrences
from mep3m.models.linear.scores import scores

ODD = [
    "红富士苹果 5斤",
    "苹果手机壳 (防摔)",
    "ＡＢＣ 苹果",
    "ﬁne 苹果 e\u0301",
    "  苹果\t手机壳 ",
    "苹果苹果苹果",
    "!!!",
    "é",
    "",
]


def linear(run: Run) -> LinearClassifier:
    assert isinstance(run.classifier, LinearClassifier)
    return run.classifier


def difference(model: LinearClassifier, title: str, answer: int, rival: int) -> float:
    """The lead by the model's own scoring."""
    texts = encode_texts(pa.array([title]))
    raw = scores(model.vocabulary.rows(texts, np.zeros(1, np.int64)), model.weights)[0]
    scaled = raw * model.scale + model.bias
    return float(scaled[answer] - scaled[rival])


@pytest.mark.parametrize("title", ODD)
def test_the_words_and_the_rest_are_the_lead(audited_run: Run, title: str) -> None:
    model = linear(audited_run)
    for answer, rival in ((0, 1), (2, 5)):
        each, left = Carriers(model, [title]).leads(0, answer, rival, cut(title))
        assert each.sum() + left == pytest.approx(difference(model, title, answer, rival), abs=1e-4)


@given(st.text(alphabet="苹果手机壳香蕉耳AbzÅﬁ 12-(）", max_size=20))
@settings(max_examples=60, deadline=None)
def test_it_is_so_for_any_text(title: str) -> None:
    grams = Grams(1, 3, 2, 14)
    texts = encode_texts(pa.array([title]))
    vocabulary = GramVocabulary.fit(texts, np.zeros(1, np.int64), grams, 1, 1000)
    found = occurrences(texts.points, vocabulary)
    rows = vocabulary.rows(texts, np.zeros(1, np.int64))
    assert set(found[:, 0].tolist()) == set(rows.features[rows.starts[0] : rows.stops[0] - 1].tolist())
    assert (found[:, 1] < found[:, 2]).all()
    assert (found[:, 2] <= len(texts.points) + 2).all()
    # the same n-gram at two places has one length and one text
    marked = [2, *texts.points.tolist(), 3]
    texts_of: dict[int, set[tuple[int, ...]]] = {}
    for feature, begin, end in found.tolist():
        texts_of.setdefault(feature, set()).add(tuple(marked[begin:end]))
    words = sum(len(spellings) > 1 for spellings in texts_of.values())
    assert words <= 1 + len(found) // 20  # hashes may collide, rarely


def test_several_titles_at_once_are_as_each_alone(audited_run: Run) -> None:
    model, together = linear(audited_run), Carriers(linear(audited_run), ODD)
    for number, title in enumerate(ODD):
        alone = Carriers(model, [title]).leads(0, 2, 3, cut(title))
        both = together.leads(number, 2, 3, cut(title))
        assert both[0].tolist() == alone[0].tolist()


def test_the_word_that_names_the_kind_carries_it(audited_run: Run) -> None:
    model = linear(audited_run)
    answer, rival = (model.tree.index(path) for path in (("食品", "苹果"), ("食品", "香蕉")))
    title = "苹果 abc123"
    each, _ = Carriers(model, [title]).leads(0, answer, rival, cut(title))
    assert each[0] > abs(each[1:]).max()


def test_words_and_titles_without_one() -> None:
    title = "红富士苹果 5kg, new"
    pieces = cut(title)
    assert [piece.text for piece in pieces] == ["红富士", "苹果", "5kg", "new"]
    assert all(title[piece.begin : piece.end] == piece.text for piece in pieces)
    assert without(title, pieces[1]) == "红富士  5kg, new"
    assert without("a", cut("a")[0]) == ""
    assert cut("!!! ") == []


def test_paths_part_where_their_nodes_differ() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b",)])
    x, y, b = (tree.index(path) for path in (("a", "x"), ("a", "y"), ("b",)))
    assert pair_at_one_level(tree, x, y) == (x, y)
    assert pair_at_one_level(tree, x, b) == (tree.index(("a",)), b)

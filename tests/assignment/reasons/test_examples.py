"""The nearest training products are those that a plain comparison finds."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.assignment.reasons import examples as module
from mep3m.assignment.reasons.examples import FILE, TrainingExamples
from mep3m.errors import ModelError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.ngrams import encode_texts
from mep3m.product import Product, to_table
from tests.assignment.audited import KINDS, rows

TREE = LabelTree.from_paths([*KINDS.values(), ("食品", "空")])


@pytest.fixture(scope="module")
def kept() -> TrainingExamples:
    table = rows(300, 4)
    products = to_table(Product(str(n), "s", f"own{n}", title=row[0]) for n, row in enumerate(table))
    made = TrainingExamples.draw(products, [(row[1], row[2]) for row in table], 0)
    assert made is not None
    return made


def dense(examples: TrainingExamples, titles: list[str | None]) -> np.ndarray:
    texts = encode_texts(pa.array(titles))
    found = examples.vocabulary.all_rows(texts, np.arange(len(texts)))
    table = np.zeros((len(titles), len(examples.vocabulary)), np.float32)
    for row in range(len(titles)):
        mine = slice(found.starts[row], found.stops[row])
        table[row, found.features[mine]] = found.values[mine]
    return table[:, :-1]


def test_they_are_those_of_a_plain_comparison(kept: TrainingExamples) -> None:
    asked = ["苹果 abc", "手机壳 12", "zzz", None, "香蕉 苹果"]
    ranges = kept.ranges(TREE)
    for path in (("食品", "苹果"), ("食品",), ("数码", "耳机")):
        first, last = ranges[TREE.index(path)]
        near = kept.nearest(
            pa.chunked_array([asked], pa.string()), np.tile([first, last], (len(asked), 1)), 3
        )
        cosines = dense(kept, asked) @ dense(kept, list(kept.titles)).T
        best = -np.sort(-cosines[:, first:last], axis=1)[:, :3]
        assert near.alike == pytest.approx(best, abs=1e-5)
        for row, number in np.argwhere(near.rows >= 0).tolist():
            assert kept.paths[near.rows[row, number]][: len(path)] == path


def test_a_category_without_examples_has_those_above_it(kept: TrainingExamples) -> None:
    ranges = kept.ranges(TREE)
    assert ranges[TREE.index(("食品", "空"))].tolist() == ranges[TREE.index(("食品",))].tolist()
    other = LabelTree.from_paths([("x", "y")])
    assert kept.ranges(other).tolist() == [[0, 0], [0, 0]]
    near = kept.nearest(pa.chunked_array([["苹果"]]), kept.ranges(other)[:1], 2)
    assert near.rows.tolist() == [[-1, -1]]
    assert near.alike.tolist() == [[0, 0]]


def test_few_of_each_category_are_kept(kept: TrainingExamples, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {path: kept.paths.count(path) for path in set(kept.paths)}
    assert max(numbers.values()) <= module.EACH
    assert list(kept.paths) == sorted(kept.paths)
    monkeypatch.setattr(module, "MOST", 5)
    few = TrainingExamples.draw(
        to_table(Product(str(n), "s", str(n), title=f"t{n}") for n in range(9)), [("a",)] * 9, 0
    )
    assert few is not None
    assert len(few.titles) == 5
    assert (
        TrainingExamples.draw(
            to_table([Product("1", "s", "1", title="!!!"), Product("2", "s", "2")]), [("a",)] * 2, 0
        )
        is None
    )


def test_what_is_saved_gives_the_same(kept: TrainingExamples, tmp_path: Path) -> None:
    kept.save(tmp_path)
    again = TrainingExamples.load(tmp_path)
    assert again is not None
    assert (again.titles, again.ids, again.paths) == (kept.titles, kept.ids, kept.paths)
    asked = pa.chunked_array([["苹果 abc", "耳机"]])
    ranges = np.tile([0, len(kept.titles)], (2, 1))
    assert again.nearest(asked, ranges, 2).alike.tolist() == kept.nearest(asked, ranges, 2).alike.tolist()
    assert TrainingExamples.load(tmp_path / "nowhere") is None
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-9])
    with pytest.raises(ModelError, match=r"examples\.safetensors is damaged"):
        TrainingExamples.load(tmp_path)

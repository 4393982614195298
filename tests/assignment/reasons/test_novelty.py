"""Products of no known category: known ones are rarely called so, new ones often, and audits count it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.assignment.answer import Assignment, Beside, assign
from mep3m.assignment.reasons.novelty import LEAST, Novelty
from mep3m.assignment.run import Run
from mep3m.label_tree.tree import LabelTree
from mep3m.product import Product, to_table
from tests.assignment.audited import audit_of, rows, train, write

TREE = LabelTree.from_paths([("a",), ("b",), ("c",)])
NEW = ["电视机 55英寸 超薄", "拖拉机 轮胎 全新", "lawn mower petrol", "钢琴 立式 二手"]


@pytest.fixture(scope="module")
def large_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that holds out enough rows to know what is new."""
    return train(tmp_path_factory.mktemp("large"), 1200)


def drawn(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([0.2] * 3, count).astype(np.float32)


def no_titles(count: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(count, pa.string())])


@pytest.mark.parametrize("seed", range(3))
def test_of_products_like_those_held_out_a_share_is_called_new(seed: int) -> None:
    novelty = Novelty.learn(TREE, drawn(2000, seed), no_titles(2000), None)
    assert novelty is not None
    known = novelty.known(TREE, drawn(20_000, seed + 50), no_titles(20_000))
    for share in (0.01, 0.05, 0.2):
        assert (known <= share).mean() == pytest.approx(share, abs=4 * np.sqrt(share / 2000))
    spread = np.full((5, 3), 1 / 3, np.float32)
    assert (novelty.known(TREE, spread, no_titles(5)) < 0.01).all()


def test_few_rows_tell_nothing() -> None:
    assert Novelty.learn(TREE, drawn(LEAST - 1, 0), no_titles(LEAST - 1), None) is None


def answered(run: Run, titles: list[str], **more: float) -> list[Assignment]:
    products = to_table(Product(str(n), "s", str(n), title=title) for n, title in enumerate(titles))
    beside = Beside(novelty=run.novelty, **more) if run.novelty else Beside()  # type: ignore[arg-type]
    return assign(run.classifier, products, min_confidence=0.3, beside=beside)


def test_new_products_have_no_path_and_say_so(large_run: Run) -> None:
    held = answered(large_run, [row[0] for row in rows(500, 77)])
    assert np.mean([one.decision == "none" for one in held]) < 0.08
    found = answered(large_run, NEW, none_share=0.2)
    assert {one.decision for one in found} == {"none"}
    assert all(one.path == () and one.top and not one.review for one in found)
    assert "unlike the products of every known category" in str(found[0].reason)
    assert {one.decision for one in answered(large_run, NEW, none_share=0.0)} <= {"filed", "review"}


def test_a_run_keeps_it_and_one_trained_before_has_none(large_run: Run, tmp_path: Path) -> None:
    assert large_run.novelty is not None
    assert large_run.novelty.examples is large_run.examples
    assert Novelty.load(tmp_path) is None
    again = Novelty.load(large_run.folder)
    assert again is not None
    assert again.joined.tolist() == large_run.novelty.joined.tolist()


def test_it_is_part_of_what_a_model_is(large_run: Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(large_run.folder, tmp_path / "run")
    assert Run.open(tmp_path / "run").version == large_run.version
    (tmp_path / "run" / "novelty.safetensors").unlink()
    assert Run.open(tmp_path / "run").version != large_run.version


def test_an_audit_does_not_file_what_is_new(large_run: Run, tmp_path: Path) -> None:
    table = write(tmp_path / "a.tsv", [*rows(200, 3), *((title, "食品", "苹果") for title in NEW)])
    audit = audit_of(large_run, table)
    assert large_run.novelty is not None
    products = audit.products
    found = assign(
        large_run.classifier, products, min_confidence=0.3, beside=Beside(novelty=large_run.novelty)
    )
    none = np.array([one.decision == "none" for one in found])
    assert none.any()
    assert (audit.paths.chances[none] == 0).all()
    assert (audit.paths.chances[~none, 0] > 0).all()


def uneven(count: int, seed: int) -> tuple[np.ndarray, pa.ChunkedArray]:
    """Probabilities that are the less sure the shorter a title is, of titles of 1 to 30 characters."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 31, count)
    sure = [draw.dirichlet([1.0] * 3) if length <= 3 else draw.dirichlet([0.1] * 3) for length in lengths]
    titles = pa.chunked_array([pa.array(["长" * length for length in lengths.tolist()])])
    return np.array(sure, dtype=np.float32), titles


@pytest.mark.parametrize("seed", range(3))
def test_short_titles_are_not_called_new_more_often(seed: int) -> None:
    """Green beans, a title of three characters, were: 14 of 100 short titles, and one of 250 long ones."""
    novelty = Novelty.learn(TREE, *uneven(4000, seed), None)
    assert novelty is not None
    proba, titles = uneven(20_000, seed + 50)
    new = novelty.known(TREE, proba, titles) <= 0.05
    short = np.array([len(title) <= 3 for title in titles.to_pylist()])
    assert new[short].mean() == pytest.approx(0.05, abs=0.03)
    assert new[~short].mean() == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("count", [LEAST, 3 * LEAST, 4000])
def test_bands_hold_rows_enough_and_come_back_from_disk(tmp_path: Path, count: int) -> None:
    novelty = Novelty.learn(TREE, *uneven(count, 1), None)
    assert novelty is not None
    assert novelty.bands is not None
    assert np.bincount(novelty.bands.astype(int)).min() >= LEAST
    novelty.save(tmp_path)
    again = Novelty.load(tmp_path)
    assert again is not None
    asked = uneven(200, 9)
    assert again.known(TREE, *asked).tolist() == novelty.known(TREE, *asked).tolist()


@pytest.mark.parametrize("length", [0, 10])
def test_titles_of_one_length_are_one_band(length: int) -> None:
    titles = pa.chunked_array([pa.array(["x" * length or None] * 500, pa.string())])
    novelty = Novelty.learn(TREE, drawn(500, 1), titles, None)
    assert novelty is not None
    assert len(novelty.cuts) <= 1
    known = novelty.known(TREE, drawn(2000, 2), no_titles(2000))
    assert (known <= 0.05).mean() == pytest.approx(0.05, abs=0.03)


def test_a_run_of_before_ranks_all_titles_together() -> None:
    novelty = Novelty.learn(TREE, *uneven(500, 1), None)
    assert novelty is not None
    old = Novelty(novelty.certain, novelty.alike, novelty.joined, None)
    proba, titles = uneven(300, 2)
    assert old.known(TREE, proba, titles).tolist() == old.known(TREE, proba, no_titles(300)).tolist()

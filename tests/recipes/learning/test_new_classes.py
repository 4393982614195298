"""What cannot be learned is said before any work: each value, what is allowed, what to do."""

from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened, open_products
from mep3m.errors import NotFoundError, UsageError
from mep3m.recipes.learning import LearnSettings, learn_run
from mep3m.recipes.learning.new_classes import find_new
from mep3m.settings.sources import Columns
from mep3m.taxonomy import Category, Taxonomy
from tests.models.catalogue import picture
from tests.recipes.learning.titles import NEW, OLD, write

IDS = Taxonomy(
    (Category("c1", "食品"), Category("c2", "苹果", parent="c1"), Category("c3", "香蕉", parent="c1"))
)


@pytest.fixture(scope="module")
def run(run_folder: Path) -> Run:
    return Run.open(run_folder)


def refused(run: Run, opened: Opened, said: str, shots: int | None = None) -> None:
    out = run.folder.parent / "never"
    with pytest.raises(UsageError, match=said):
        learn_run(run, opened, out, LearnSettings(shots=shots))
    assert not out.exists()
    assert not (out.parent / ".never.learning").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (OLD[:1], r"1 of 1 classes exist already: '食品 > 苹果'; leave their rows out"),
        ((*NEW, OLD[-1]), r"1 of 3 classes exist already: '数码 > 手机壳'"),
        (OLD, r"4 of 4 classes exist already: .* and 1 more; leave"),
        ((("好物", "食品", ""),), r"1 of 1 classes exist already: '食品'"),
        ((("好物", "", ""), *NEW), r"1 of 5 rows have no label \(first: '1'\); .* --labels"),
        ((("好物", "服装", ""), *NEW), r"'服装 > 裙子': the category above is a class itself"),
    ],
)
def test_labels_that_are_no_new_classes(run: Run, tmp_path: Path, rows: tuple, said: str) -> None:
    refused(run, run.read(write(tmp_path / "new.tsv", rows, range(1))), said)


def test_fewer_products_than_asked_for(run: Run, tmp_path: Path) -> None:
    opened = run.read(write(tmp_path / "new.tsv", (*NEW, NEW[0]), range(2)))
    refused(run, opened, r"1 classes have fewer than the 5 products asked for: '服装 > 裙子' \(4\)", shots=5)
    assert len(find_new(run, opened, 4, 0).dataset) == 8


def test_a_class_below_a_class_and_one_that_is_too_deep(run: Run, tmp_path: Path) -> None:
    columns = Columns(title="title", labels=("a", "b", "c"))
    for below, said in (
        ("食品\t苹果\t红富士", "the category above is a class"),
        ("食品\t茶\t绿茶", "have 2 levels, this has more"),
    ):
        (tmp_path / "deep.tsv").write_text(f"title\ta\tb\tc\n某物\t{below}\n", encoding="utf-8")
        refused(run, open_products(tmp_path / "deep.tsv", columns), said)


def test_what_the_run_does_not_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "茶").mkdir(parents=True)
    (tmp_path / "pictures" / "茶" / "1.png").write_bytes(picture("tea", 1))
    with pytest.raises(UsageError, match="this model reads the title, not the image"):
        run.read(tmp_path / "pictures")
    (tmp_path / "untitled.tsv").write_text("name\tl1\tl2\n葡萄\t食品\t葡萄\n", encoding="utf-8")
    with pytest.raises(NotFoundError, match="title"):
        run.read(tmp_path / "untitled.tsv")


def test_a_folder_that_exists_is_not_written_over(run: Run, tmp_path: Path) -> None:
    opened = run.read(write(tmp_path / "new.tsv", NEW, range(1)))
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="there exists already; name another folder"):
        learn_run(run, opened, tmp_path / "there")


def test_a_run_that_keeps_nothing_says_what_to_do(run: Run, run_folder: Path, tmp_path: Path) -> None:
    import shutil

    bare = shutil.copytree(
        run_folder, tmp_path / "bare", ignore=shutil.ignore_patterns("examples*", "novelty*")
    )
    old = Run.open(bare)
    opened = old.read(write(tmp_path / "new.tsv", NEW, range(3)))
    refused(old, opened, "keeps nothing of the products that it was trained on .* --known")
    known = old.read(write(tmp_path / "known.tsv", OLD, range(4)))
    learn_run(old, opened, tmp_path / "out", known=known)
    assert ("食品", "葡萄") in Run.open(tmp_path / "out").learned
    with pytest.raises(UsageError, match="none of the known products"):
        learn_run(old, opened, tmp_path / "other", known=opened)


def test_the_first_rows_stay_and_paths_are_sorted(run: Run, tmp_path: Path) -> None:
    found = find_new(run, run.read(write(tmp_path / "new.tsv", NEW, range(2))), None, 0)
    assert found.paths == (("服装", "裙子"), ("食品", "葡萄"))
    assert found.classes.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert found.taxonomy is None
    assert set(run.classifier.tree.paths) < set(found.tree.paths)


def with_ids(run_folder: Path, tmp_path: Path) -> Run:
    """Return a run whose classes are ids of a tree, as those of a store are."""
    from mep3m.product import Label, Product, to_table
    from mep3m.recipes.classify import train_run
    from mep3m.settings.run import RunSettings

    rows = [
        Product(
            f"{key}-{n}",
            "shop",
            f"{key}-{n}",
            title=f"{word} {n}",
            labels=(Label("c1", "given", "s"), Label(key, "given", "s")),
        )
        for n in range(24)
        for word, key in (("红富士苹果", "c2"), ("海南香蕉", "c3"))
    ]
    train_run(Opened(to_table(rows), None, [], IDS), Columns(), None, RunSettings(), tmp_path / "ids")
    return Run.open(tmp_path / "ids")


def test_a_run_on_ids_gets_new_ids_that_never_depend_on_order(run_folder: Path, tmp_path: Path) -> None:
    start = with_ids(run_folder, tmp_path)
    columns = {"title": "title", "labels": ("l1", "l2")}
    names = [row for row in NEW if row[1] == "食品"], [row for row in NEW if row[1] != "食品"]
    for out, order in (("one", (0, 1)), ("two", (1, 0))):
        now = start
        for step in order:
            table = write(tmp_path / f"{step}.tsv", names[step], range(4))
            learn_run(now, now.read(table, columns=columns), tmp_path / f"{out}{step}")
            now = Run.open(tmp_path / f"{out}{step}")
    first, second = Run.open(tmp_path / "one1"), Run.open(tmp_path / "two0")
    assert first.classifier.tree.paths == second.classifier.tree.paths
    assert first.taxonomy is not None
    assert {first.taxonomy[path[-1]].name for path in first.learned} == {"葡萄", "服装", "裙子"}
    assert any(path[0] == "c1" for path in first.learned)
    assert {"c1", "c2", "c3"} < {one.id for one in first.taxonomy}
    again = first.read(write(tmp_path / "again.tsv", NEW, range(4)), columns=columns)
    refused(
        first,
        again,
        r"2 of 2 classes exist already: '食品 > 葡萄', '服装 > 裙子'|'服装 > 裙子', '食品 > 葡萄'",
    )
    with pytest.raises(UsageError, match="has the category tree of a store, and the rows come from a store"):
        find_new(first, Opened(again.products, None, [], IDS), None, 0)

"""The id of a class is for ever: no sequence of increments changes it, and none takes that of another."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened, open_products
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.recipes.learning import learn_run
from mep3m.recipes.learning.new_classes import NewClasses, find_new
from mep3m.settings.sources import Columns
from mep3m.taxonomy import Taxonomy
from tests.recipes.learning.test_new_classes import IDS, with_ids
from tests.recipes.learning.titles import write

COLUMNS = Columns(title="title", labels=("l1", "l2"))
#: paths of names: below a category that is there, in new branches, the same name in two of them, odd ones
POOL = (
    *(("食品", name) for name in ("葡萄", "梨", "新品", "c9")),
    *(("服装", name) for name in ("裙子", "羽绒", "新品", "c2")),
    *(("玩具", name) for name in ("球", "新品", "c1")),
)


@pytest.fixture(scope="module")
def start(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on ids: 食品 is c1, with 苹果 c2 and 香蕉 c3 below it."""
    return with_ids(run_folder, tmp_path_factory.mktemp("ids"))


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Opened]:
    folder = tmp_path_factory.mktemp("shelves")
    return {
        path: open_products(write(folder / f"{n}.tsv", [("好物", *path)], range(2)), COLUMNS)
        for n, path in enumerate(POOL)
    }


class Tree:
    """A run as far as `find_new` looks: its tree and its names grow, and nothing is trained."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.tree = run.classifier.tree

    @property
    def reads(self) -> tuple[str, ...]:
        return ("title",)

    def with_more(self, found: NewClasses) -> "Tree":
        made = Tree(replace(self.run, taxonomy=found.taxonomy))
        made.tree = found.tree
        return made

    def asks(self) -> Run:
        return replace(self.run, classifier=self)  # type: ignore[arg-type]


def together(opened: list[Opened]) -> Opened:
    return Opened(pa.concat_tables([one.products for one in opened]), None, [], None)


def ids_of(taxonomy: Taxonomy, tree: LabelTree) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the path of ids of each class by its names; every id lies where the taxonomy says."""
    found = {}
    for node in tree.leaves:
        path = tree.paths[node]
        assert tuple(one.id for one in taxonomy.path(path[-1])) == path
        found[tuple(taxonomy[key].name for key in path)] = path
    return found


@settings(max_examples=15)
@given(st.data())
def test_no_sequence_of_increments_changes_an_id(
    start: Run, shelves: dict[tuple[str, str], Opened], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(POOL))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(POOL) - 1), max_size=4)))
    now, before = Tree(start), ids_of(IDS, start.classifier.tree)
    for first, last in zip([0, *cuts], [*cuts, len(POOL)], strict=True):
        found = find_new(now.asks(), together([shelves[path] for path in order[first:last]]), None, 0)
        assert found.taxonomy is not None
        assert len(found.paths) == last - first
        now = now.with_more(found)
        after = ids_of(found.taxonomy, now.tree)
        assert after.items() >= before.items()
        before = after
    assert set(before) == {*POOL, ("食品", "苹果"), ("食品", "香蕉")}
    assert len({path[-1] for path in before.values()}) == len(before)
    for names, path in before.items():
        if names in POOL:  # an id is its names, so that no other order could have given another
            key = f"{path[0]}\n{names[1]}"
            assert path[1] == "learned-" + hashlib.sha256(key.encode()).hexdigest()[:12]


def test_a_name_that_is_an_id_elsewhere_is_a_category_of_its_own(start: Run, tmp_path: Path) -> None:
    """'服装 > c2' has nothing to do with c2, the apples; nor is '玩具 > c1' above itself."""
    columns = {"title": "title", "labels": ("l1", "l2")}
    table = write(tmp_path / "t.tsv", [("连衣裙 夏", "服装", "c2"), ("皮球 红", "玩具", "c1")], range(4))
    opened = start.read(table, columns=columns)
    learn_run(start, opened, tmp_path / "two", tests=[opened])
    two = Run.open(tmp_path / "two")
    assert two.taxonomy is not None
    assert two.taxonomy["c2"].name == "苹果"
    learned = {tuple(two.taxonomy[key].name for key in path) for path in two.learned}
    assert {("服装", "c2"), ("玩具", "c1")} < learned
    asked = two.read(write(tmp_path / "a.tsv", [("连衣裙 夏", "服装", "c2")], range(9, 12)), columns=columns)
    proba = two.classifier.predict_proba(asked.products)
    tree = two.classifier.tree
    best = {tree.paths[tree.leaves[one]] for one in proba[:, tree.leaves].argmax(axis=1)}
    assert {tuple(two.taxonomy[key].name for key in path) for path in best} == {("服装", "c2")}


def test_what_was_learned_is_named_by_its_id_too(
    start: Run, shelves: dict[tuple[str, str], Opened], tmp_path: Path
) -> None:
    """Rows may name a branch by its id; the class below it is the one that the name would give."""
    found = find_new(start, shelves["服装", "裙子"], None, 0)
    branch, skirt = found.paths[0]
    now = Tree(start).with_more(found)
    by_id = open_products(write(tmp_path / "1.tsv", [("好物", branch, "羽绒")], range(2)), COLUMNS)
    assert (
        find_new(now.asks(), by_id, None, 0).paths
        == find_new(now.asks(), shelves["服装", "羽绒"], None, 0).paths
    )
    again = open_products(write(tmp_path / "2.tsv", [("好物", "服装", skirt)], range(2)), COLUMNS)
    with pytest.raises(UsageError, match="1 of 1 classes exist already: '服装 > 裙子'"):
        find_new(now.asks(), again, None, 0)

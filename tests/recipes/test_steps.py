"""One list of steps: names of folders, order and what is left out follow from it."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mep3m.engine import make_engine
from mep3m.errors import UsageError
from mep3m.product import Product, to_table
from mep3m.recipes.build import build
from mep3m.recipes.steps import STEPS, Job, Step, has_trees_to_join, run_steps, staged, step_folders
from mep3m.settings.project import Project
from mep3m.stages.base import Outcome
from mep3m.store import ContentImages, Plan, Store, StoreWriter
from mep3m.taxonomy import Category, Taxonomy

ROOT = Path(__file__).parents[2]


class DropEverySecond:
    """A row stage: keeps every row, and marks every second one."""

    name = "thin"

    def settings(self) -> dict[str, object]:
        return {}

    def process(self, shard: pa.Table, images: ContentImages) -> Outcome:
        reasons = pa.array([None if row % 2 else "thinned" for row in range(shard.num_rows)], pa.string())
        dropped = pc.coalesce(shard["dropped"].combine_chunks(), reasons)
        place = shard.schema.get_field_index("dropped")
        return Outcome(shard.set_column(place, shard.schema.field("dropped"), dropped))


THIN = Step("thin", staged(lambda job, store: DropEverySecond()))


def project(folder: Path) -> Project:
    """One shop's table; OCR has nothing to read."""
    rows = [f"{n}\t{fruit} {n}斤\t{fruit}" for n in range(12) for fruit in ("苹果", "香蕉")]
    (folder / "a.tsv").write_text("n\ttitle\tkind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    columns = {"title": "title", "labels": ["kind"]}
    return Project.parse({"name": "p", "sources": [{"name": "a", "path": "a.tsv", "columns": columns}]}, "t")


def after(name: str) -> tuple[Step, ...]:
    place = [step.name for step in STEPS].index(name) + 1
    return (*STEPS[:place], THIN, *STEPS[place:])


def test_the_folders_that_users_know_follow_from_the_list() -> None:
    assert list(step_folders().values()) == ["1-ingest", "2-quality", "3-dedupe", "4-ocr", "5-align"]
    assert list(step_folders(after("quality")).values())[1:4] == ["2-quality", "3-thin", "4-dedupe"]


@pytest.mark.parametrize("place", ["ingest", "quality", "ocr", "align"])
def test_a_stage_that_is_put_into_the_list_is_a_step_of_the_build(tmp_path: Path, place: str) -> None:
    steps = after(place)
    built = build(project(tmp_path), tmp_path, tmp_path / "out", make_engine(), steps=steps)
    names = list(built.stores)
    assert names == [step.name for step in steps]
    thinned = built.stores["thin"]
    before = built.stores[names[names.index("thin") - 1]]
    assert thinned.manifest["parent"] == before.fingerprint
    assert thinned.folder.name == f"{names.index('thin') + 1}-thin"
    reasons = [row.dropped for row in built.dataset.products()]
    assert reasons.count("thinned") == 12
    assert "thin" in built.report.read_text(encoding="utf-8")


def test_two_steps_of_one_name_are_refused(tmp_path: Path) -> None:
    job = Job(project(tmp_path), tmp_path, tmp_path / "out", make_engine())
    with pytest.raises(UsageError, match="two steps have one name: ingest, thin, thin"):
        run_steps(job, (STEPS[0], THIN, THIN))


def test_a_stage_cannot_come_first(tmp_path: Path) -> None:
    job = Job(project(tmp_path), tmp_path, tmp_path / "out", make_engine())
    with pytest.raises(UsageError, match="the first step takes the sources in"):
        run_steps(job, (THIN, *STEPS))


@pytest.mark.parametrize("left_out", ["quality", "dedupe", "ocr", "align"])
def test_any_step_that_does_not_apply_is_left_out_and_the_rest_goes_on(tmp_path: Path, left_out: str) -> None:
    """The folders keep their numbers, so a step that applies later finds its place."""

    def never(before: Store) -> bool:
        return False

    steps = tuple(Step(s.name, s.make, never if s.name == left_out else s.applies) for s in STEPS)
    truth = tmp_path / "truth"
    write_truth(truth)
    built = build(project(tmp_path), tmp_path, tmp_path / "out", make_engine(), steps=steps)
    assert list(built.stores) == [step.name for step in STEPS if step.name != left_out]
    assert [store.folder.name for store in built.stores.values()] == [
        name for step, name in step_folders().items() if step != left_out
    ]
    assert built.report.exists()
    assert built.truth is not None


def write_truth(folder: Path) -> None:
    """A truth that knows nothing of this shop."""
    import pyarrow.parquet as pq

    from mep3m.simulator.files import write_tsv
    from mep3m.simulator.truth import PRODUCT_TRUTH

    folder.mkdir()
    pq.write_table(PRODUCT_TRUTH.empty_table(), folder / "products.parquet")
    columns = ("left_source", "right_source", "left_id", "right_id", "relation")
    write_tsv(folder / "alignment.tsv", columns, [])


def store(folder: Path, sources: str, tree: Taxonomy | None) -> Store:
    writer = StoreWriter.begin(folder, Plan("ocr", {}, ("p",)))
    writer.write(0, to_table([Product(f"{name}:1", name, "1", ("茶",)) for name in sources]))
    return writer.finish(tree)


@pytest.mark.parametrize(
    ("sources", "tree", "expected"), [("a", True, False), ("a", False, True), ("ab", True, True)]
)
def test_one_platform_with_a_tree_of_its_own_has_nothing_to_align(
    tmp_path: Path, sources: str, tree: bool, expected: bool
) -> None:
    own = Taxonomy((Category("1", "茶"),)) if tree else None
    assert has_trees_to_join(store(tmp_path / "s", sources, own)) == expected


def places() -> list[Any]:
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    pattern = re.compile(r"\b[1-9]-(?:ingest|quality|dedupe|ocr|align)\b")
    return [(path.name, name) for path in files for name in pattern.findall(path.read_text(encoding="utf-8"))]


def test_guides_and_help_name_folders_that_the_list_makes() -> None:
    """Only texts may name them; code asks the list, as the next test sees to."""
    assert {name for _, name in places()} <= set(step_folders().values())


def test_code_never_spells_a_numbered_folder() -> None:
    import ast

    for path in (ROOT / "src").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.fullmatch(r"[1-9]-[a-z]+", node.value), f"{path.name}: {node.value}"

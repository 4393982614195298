"""The names inside a store folder: a store writes where the layout says, and nothing else spells it."""

import ast
from pathlib import Path

from mep3m.product import Product, to_table
from mep3m.store import Plan, Reject, StoreWriter, layout
from mep3m.store.layout import Layout, finished_below, stores_below
from mep3m.taxonomy import Category, Taxonomy

PACKAGE = Path(layout.__file__).parents[1]


def write(folder: Path, finish: bool = True) -> StoreWriter:
    writer = StoreWriter.begin(folder, Plan("ingest", {}, ("a", "b")))
    writer.write(0, to_table([Product("s:1", "s", "1", title="茶")]), [Reject("ingest", "s", "why", line=3)])
    writer.write(1, to_table([]))
    if finish:
        writer.finish(Taxonomy((Category("1", "茶"),)))
    return writer


def test_a_store_writes_what_the_layout_names_and_nothing_else(tmp_path: Path) -> None:
    at = write(tmp_path / "s").layout
    expected = {at.plan, at.manifest, at.taxonomy, at.shard(0), at.shard(1), at.quarantine(0)}
    assert {path for path in (tmp_path / "s").rglob("*") if path.is_file()} == expected
    assert (at.shards(), at.quarantines()) == ([at.shard(0), at.shard(1)], [at.quarantine(0)])
    assert (at.begun, at.finished) == (True, True)


def test_half_written_files_are_no_shards(tmp_path: Path) -> None:
    at = write(tmp_path / "s").layout
    (at.shard(0).parent / ".00002.parquet.7.tmp").touch()
    assert at.shards() == [at.shard(0), at.shard(1)]


def test_an_empty_folder_and_one_that_is_not_there_hold_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        at = Layout(folder)
        assert (at.begun, at.finished, at.shards(), at.quarantines()) == (False, False, [], [])
        assert (stores_below(folder), finished_below(folder)) == ([], [])


def test_stores_below_a_folder_are_found_by_depth(tmp_path: Path) -> None:
    for name in ("b", "a", "deep/c"):
        write(tmp_path / name, finish=name != "a")
    assert stores_below(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert stores_below(tmp_path, depth=2) == [tmp_path / "a", tmp_path / "b", tmp_path / "deep/c"]
    assert finished_below(tmp_path) == [tmp_path / "b"]


def test_no_other_module_spells_a_place_of_a_store() -> None:
    """Keys of a manifest ("shards", "rejects") are no places; a path is joined with `/` or is a pattern."""
    others = sorted(path for path in PACKAGE.rglob("*.py") if path != Path(layout.__file__))
    spelled = [f"{path.relative_to(PACKAGE)}:{place}" for path in others for place in places_in(path)]
    assert spelled == []


def places_in(path: Path) -> list[str]:
    names = {layout.PLAN, layout.MANIFEST, layout.TAXONOMY}
    folders = {layout.SHARDS, layout.REJECTS, layout.COLLECT, layout.DECISION, layout.UPDATE, layout.HISTORY}
    places = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            pattern = node.value.endswith(".parquet") and "[0-9]" in node.value
            if node.value in names or pattern:
                places.append(f"{node.lineno} {node.value}")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            joined = getattr(node.right, "value", None)
            if joined in folders | {layout.IMAGES}:
                places.append(f"{node.lineno} / {joined}")
    return places

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mep3m.engine import make_engine
from mep3m.errors import StoreError, UsageError
from mep3m.product import Product, to_table
from mep3m.stages.base import Outcome, run_stage
from mep3m.store import ContentImages, Plan, Reject, Store, StoreWriter
from mep3m.taxonomy import Category, Taxonomy


@dataclass(frozen=True)
class Upper:
    """A row stage: upper-case titles, refuse those of one letter."""

    name: str = "upper"
    marker: str = "!"

    def settings(self) -> Mapping[str, Any]:
        return {"marker": self.marker}

    def process(self, shard: pa.Table, images: ContentImages) -> Outcome:
        titles = pc.binary_join_element_wise(pc.utf8_upper(shard["title"]), self.marker, "")
        index = shard.schema.get_field_index("title")
        rejects = [
            Reject("upper", "s", "too short") for title in shard["title"].to_pylist() if len(title) < 2
        ]
        return Outcome(shard.set_column(index, shard.schema.field("title"), titles), rejects)


@dataclass(frozen=True)
class Longest:
    """A global stage: put the longest title of the whole store into `group`."""

    name: str = "longest"

    def settings(self) -> Mapping[str, Any]:
        return {}

    def collect(self, shard: pa.Table, images: ContentImages) -> pa.Table:
        return shard.select(["title"])

    def decide(self, collected: Sequence[Path], store: Store, folder: Path) -> Taxonomy | None:
        titles = [title for path in collected for title in pq.read_table(path)["title"].to_pylist()]
        (folder / "longest.txt").write_text(max(titles, key=len))
        return Taxonomy((Category("new"),))

    def apply(self, shard: pa.Table, folder: Path) -> Outcome:
        longest = pa.array([(folder / "longest.txt").read_text()] * len(shard), pa.string())
        index = shard.schema.get_field_index("group")
        return Outcome(shard.set_column(index, shard.schema.field("group"), longest))


@pytest.fixture
def parent(tmp_path: Path) -> Store:
    writer = StoreWriter.begin(tmp_path / "parent", Plan("ingest", {}, ("p0", "p1", "p2")))
    for part, titles in enumerate([["ab", "c"], ["defg"], []]):
        writer.write(part, to_table(Product(t, "s", t, title=t) for t in titles))
    return writer.finish()


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("stage", [Upper(), Longest()])
def test_the_bytes_do_not_depend_on_the_number_of_workers(tmp_path: Path, parent: Store, stage: Any) -> None:
    run_stage(stage, parent, tmp_path / "one", make_engine("local", 1))
    run_stage(stage, parent, tmp_path / "two", make_engine("local", 2))
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_row_stage_keeps_rows_in_order_and_its_rejects(tmp_path: Path, parent: Store) -> None:
    store = run_stage(Upper(), parent, tmp_path / "out", make_engine())
    assert [p.title for p in store.products()] == ["AB!", "C!", "DEFG!"]
    assert store.rejects()["reason"].to_pylist() == ["too short"]
    assert store.manifest["parent"] == parent.fingerprint
    assert store.images.root == parent.images.root


def test_a_global_stage_decides_over_all_shards(tmp_path: Path, parent: Store) -> None:
    store = run_stage(Longest(), parent, tmp_path / "out", make_engine())
    assert {p.group for p in store.products()} == {"defg"}
    assert "new" in store.taxonomy


@pytest.mark.parametrize("stage", [Upper(), Longest()])
def test_a_lost_shard_is_all_that_runs_again(tmp_path: Path, parent: Store, stage: Any) -> None:
    whole = run_stage(stage, parent, tmp_path / "out", make_engine())
    before = content(tmp_path / "out")
    kept = whole.shards[0].stat().st_mtime_ns
    whole.shards[1].unlink()
    (whole.folder / "manifest.json").unlink()
    run_stage(stage, parent, tmp_path / "out", make_engine())
    assert content(tmp_path / "out") == before
    assert whole.shards[0].stat().st_mtime_ns == kept


@pytest.mark.parametrize("stage", [Upper(), Longest()])
def test_a_store_is_never_written_over_by_what_is_made_from_it(
    tmp_path: Path, parent: Store, stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(parent.folder)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(parent.folder)
    for name in ("parent", "x/../parent", "link"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match="write into another folder"):
            run_stage(stage, parent, Path(name), make_engine())
    assert content(parent.folder) == before


def test_the_store_of_another_step_is_not_built_anew(tmp_path: Path, parent: Store) -> None:
    run_stage(Upper(), parent, tmp_path / "out", make_engine())
    before = content(tmp_path / "out")
    with pytest.raises(StoreError, match="holds a store of 'upper'; choose another folder for 'longest'"):
        run_stage(Longest(), parent, tmp_path / "out", make_engine())
    assert content(tmp_path / "out") == before


def test_other_settings_build_the_store_anew(tmp_path: Path, parent: Store) -> None:
    run_stage(Upper(), parent, tmp_path / "out", make_engine())
    store = run_stage(Upper(marker="?"), parent, tmp_path / "out", make_engine())
    assert next(store.products()).title == "AB?"

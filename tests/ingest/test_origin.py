"""What a store was made from: every file that decides its content is looked at, and nothing else."""

import os
from pathlib import Path

import orjson
import pytest

from mep3m.engine import make_engine
from mep3m.errors import NotFoundError, StoreError
from mep3m.ingest import origin
from mep3m.ingest.origin import Catalogues, catalogues_of, decisive, describe_inputs, portable
from mep3m.ingest.run import ingest
from mep3m.settings.sources import SourceEntry
from mep3m.sources.mep3m.annotations import Mep3mSource
from mep3m.store import Store
from mep3m.store.filesystem import hash_file
from tests.cli.runner import ran
from tests.ingest.shop import COLUMNS, rows, take_in, write_shop
from tests.sources.mep3m.test_annotations import HEADER, sheet

RECORD = {
    "class_id": "1", "class_name": "食品", "sub_class_id": "301", "sub_class_name": "茶",
    "subsub_class_id": "FALSE", "subsub_class_name": "FALSE",
    "img_path": "Images/301/1.jpg", "img_resolution": [220, 220, 3], "title": "茶叶", "OCR": "FALSE",
}  # fmt: skip
TREE = [HEADER, [1, "食品", 301, "茶", False, False]]


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    path = tmp_path / "annotations.json"
    path.write_bytes(orjson.dumps([RECORD, RECORD | {"img_path": "Images/301/2.jpg"}]))
    return path


def take(annotations: Path, taxonomy: Path, store: Path) -> Store:
    entry = {"name": "m", "path": str(annotations), "format": "mep3m", "taxonomy": str(taxonomy)}
    return ingest([SourceEntry.parse(entry, "test")], Path(), store, make_engine())


def test_a_changed_spreadsheet_is_seen(annotations: Path, tmp_path: Path) -> None:
    tree = sheet(tmp_path / "tree.xlsx", TREE)
    before = take(annotations, tree, tmp_path / "s")
    assert before.taxonomy["L2-301"].name == "茶"
    sheet(tree, [HEADER, [1, "食品", 301, "茗茶", False, False]])
    after = take(annotations, tree, tmp_path / "s")
    assert after.taxonomy["L2-301"].name == "茗茶"
    assert after.fingerprint != before.fingerprint
    assert after.manifest["update"] == {"added": 0, "changed": 0, "unchanged": 2, "withdrawn": 0}


def test_a_spreadsheet_that_comes_later_is_seen(annotations: Path, tmp_path: Path) -> None:
    entry = {"name": "m", "path": str(annotations), "format": "mep3m"}
    bare = ingest([SourceEntry.parse(entry, "test")], Path(), tmp_path / "s", make_engine())
    assert len(bare.taxonomy) == 2
    tree = sheet(tmp_path / "tree.xlsx", [*TREE, [2, "服装", 302, "裙", False, False]])
    assert len(take(annotations, tree, tmp_path / "s").taxonomy) == 4


def test_the_command_sees_a_changed_spreadsheet(annotations: Path, tmp_path: Path) -> None:
    tree = sheet(tmp_path / "tree.xlsx", TREE)
    command = ["ingest", annotations, "--format", "mep3m", "--taxonomy", tree, "--store", tmp_path / "s"]
    assert ran(*command, "--json").json["update"] is None
    sheet(tree, [HEADER, [1, "食品饮料", 301, "茶", False, False]])
    assert ran(*command, "--json").json["update"]["unchanged"] == 2
    assert Store.open(tmp_path / "s").taxonomy["L1-1"].name == "食品饮料"


def test_a_spreadsheet_that_is_not_there_stops_before_any_shard(annotations: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"the taxonomy .*no\.xlsx of source 'm' does not exist"):
        take(annotations, tmp_path / "no.xlsx", tmp_path / "s")
    assert not (tmp_path / "s" / "shards").exists()


def test_a_touched_spreadsheet_is_the_same_input(
    annotations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = sheet(tmp_path / "tree.xlsx", TREE)
    before = take(annotations, tree, tmp_path / "s").fingerprint
    os.utime(tree, (1, 1))
    assert take(annotations, tree, tmp_path / "s").fingerprint == before
    monkeypatch.setattr(Mep3mSource, "parts", lambda self: pytest.fail("the input was read again"))
    assert take(annotations, tree, tmp_path / "s").fingerprint == before


def catalogues(path: Path, folder: Path) -> Catalogues:
    entry = SourceEntry.parse({"name": "shop", "path": str(path), "columns": COLUMNS}, "test")
    return Catalogues((entry,), Path(), folder / "images")


def test_an_input_is_described_by_size_time_and_content(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(3))
    (found,) = describe_inputs(catalogues(path, tmp_path), tmp_path / "s")
    assert found == {
        "path": str(path.resolve()),
        "size": path.stat().st_size,
        "mtime_ns": path.stat().st_mtime_ns,
        "sha256": hash_file(path),
    }
    assert portable(found) == {"file": "shop.tsv", "sha256": hash_file(path)}


def test_a_known_file_is_not_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_shop(tmp_path, rows(3))
    take_in(path, tmp_path / "s")
    monkeypatch.setattr(origin, "hash_file", lambda path: pytest.fail(f"{path} was hashed again"))
    (found,) = describe_inputs(catalogues(path, tmp_path), tmp_path / "s")
    monkeypatch.undo()
    assert found["sha256"] == hash_file(path)


def test_of_very_many_files_size_and_time_must_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "HASHED_FILES", 0)
    path = write_shop(tmp_path, rows(3))
    (found,) = describe_inputs(catalogues(path, tmp_path), tmp_path / "s")
    assert found["sha256"] is None
    assert portable(found) == {
        "file": "shop.tsv",
        "size": path.stat().st_size,
        "mtime_ns": path.stat().st_mtime_ns,
    }


def test_where_files_lie_does_not_decide_what_is_in_the_store() -> None:
    here = SourceEntry(name="a", path="here/a.csv", image_root="here/pictures")
    there = SourceEntry(name="a", path="/there/a.csv", image_root="/elsewhere")
    assert decisive(here) == decisive(there)
    assert decisive(here) != decisive(here.model_copy(update={"image_root": None}))
    assert decisive(here) != decisive(here.model_copy(update={"encoding": "gb18030"}))
    assert "part_bytes" in decisive(here)  # it decides how many shards there are


def test_a_moved_catalogue_is_the_same_input(tmp_path: Path) -> None:
    path = write_shop(tmp_path / "here", rows(4))
    before = take_in(path, tmp_path / "s").fingerprint
    moved = tmp_path / "there" / path.name
    moved.parent.mkdir()
    path.rename(moved)
    assert take_in(moved, tmp_path / "s").fingerprint == before
    assert catalogues_of(tmp_path / "s").entries[0].path == str(moved)


def test_a_store_remembers_its_sources(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(4))
    take_in(path, tmp_path / "s")
    found = catalogues_of(tmp_path / "s")
    assert [entry.name for entry in found.entries] == ["shop"]
    assert found.base == Path.cwd()
    assert found.images == tmp_path / "s" / "images"
    (tmp_path / "s" / origin.ORIGIN).unlink()
    with pytest.raises(StoreError, match=r"does not remember its input \(origin.json is missing\)"):
        catalogues_of(tmp_path / "s")


def test_a_replaced_store_is_not_undone_by_an_update_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_shop(tmp_path, rows(10))
    take_in(path, tmp_path / "s")
    write_shop(tmp_path, rows(6))
    with monkeypatch.context() as killed:
        killed.setattr("mep3m.ingest.update.finish_update", lambda folder: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_in(path, tmp_path / "s")
    assert (tmp_path / "s/update/manifest.json").exists()
    other = write_shop(tmp_path, rows(3), "other.tsv")
    assert take_in(other, tmp_path / "s", replace=True).rows == 3
    assert take_in(other, tmp_path / "s").rows == 3
    assert not (tmp_path / "s/update").exists()

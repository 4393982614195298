"""Samples in tar files: what belongs together, what maps to what, and where a damaged archive ends."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.errors import InputError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Batch
from mep3m.sources.formats import webdataset
from mep3m.sources.formats.webdataset import open_webdataset, samples
from mep3m.store import Reject
from tests.ingest.shop import picture


def write(path: Path, members: Mapping[str, bytes | str]) -> Path:
    with tarfile.open(path, "w") as bundle:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            bundle.addfile(entry, io.BytesIO(data))
    return path


def batches(path: Path, **entry: Any) -> list[Batch]:
    source = open_webdataset(SourceEntry.parse({"name": "shop", "path": str(path), **entry}, "test"), path)
    return [batch for part in source.parts() for batch in source.read(part)]


def read(path: Path, **entry: Any) -> tuple[pa.Table, list[Reject], list[bytes | None]]:
    found = batches(path, **entry)
    table = pa.concat_tables([batch.products for batch in found])
    contents = [content for batch in found for content in batch.contents or []]
    return table, [reject for batch in found for reject in batch.rejects], contents


def test_files_up_to_the_first_dot_are_one_sample(tmp_path: Path) -> None:
    members = {"a/1.jpg": b"x", "a/1.txt": "茶", "a/1.json": "{}", "b/1.txt": "米", "2.seg.png": b"y"}
    found = list(samples(write(tmp_path / "a.tar", members)))
    assert [sample["__key__"] for sample in found] == [b"a/1", b"b/1", b"2"]
    assert list(found[0]) == ["__key__", "jpg", "txt", "json"]
    assert list(found[2]) == ["__key__", "seg.png"]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["0001.front.jpg", "0001.json"], ["0001"]),
        (["0001.front.jpg", "0001.back.jpg", "0001.txt"], ["0001"]),
        (["1.5kg.jpg", "1.5kg.json", "1.8kg.jpg", "1.8kg.json"], ["1.5kg", "1.8kg"]),
        (["cat.0.jpg", "cat.1.jpg", "cat.2.jpg"], ["cat.0", "cat.1", "cat.2"]),
        (["a.v2/7.jpg", "a.v2/7.txt"], ["a.v2/7"]),
        (["._1.jpg", "1.jpg", "__MACOSX/1.jpg", ".git/2.jpg"], ["1"]),
    ],
)
def test_dots_in_names_and_members_that_systems_leave(
    tmp_path: Path, names: list[str], keys: list[str]
) -> None:
    path = write(
        tmp_path / "a.tar", {name: "{}" if name.endswith("json") else name.encode() for name in names}
    )
    table, rejects, contents = read(path)
    assert (table["source_id"].to_pylist(), rejects) == (keys, [])
    assert all(content is not None for content in contents)


def test_many_names_alike_up_to_the_first_dot_are_not_held_together(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tar", {f"cat.{n:03}.{kind}": b"x" for n in range(90) for kind in ("jpg", "txt")}
    )
    assert read(path)[0]["source_id"].to_pylist() == [f"cat.{n:03}" for n in range(90)]


def test_the_image_named_like_the_sample_is_the_image(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", {"1.seg.png": b"mask", "1.jpg": b"photo", "1.txt": "茶"})
    table, _, contents = read(path)
    assert (contents, table["image_ref"].to_pylist()) == ([b"photo"], ["1.jpg"])


def test_a_sample_that_comes_back_later_is_another_one(tmp_path: Path) -> None:
    found = list(samples(write(tmp_path / "a.tar", {"1.txt": "a", "2.txt": "b", "1.cls": "c"})))
    assert [sample["__key__"] for sample in found] == [b"1", b"2", b"1"]


def test_without_a_map_text_is_the_title_and_class_the_category(tmp_path: Path) -> None:
    image = picture(1)
    path = write(
        tmp_path / "a.tar", {"x/1.PNG": image, "x/1.txt": " 红茶\n", "x/1.cls": "茶", "x/2.txt": "米"}
    )
    table, rejects, contents = read(path)
    assert rejects == []
    assert table["source_id"].to_pylist() == ["x/1", "x/2"]
    assert table["title"].to_pylist() == ["红茶", "米"]
    assert table["source_path"].to_pylist() == [["茶"], []]
    assert table["image_ref"].to_pylist() == ["x/1.png", None]
    assert contents == [image, None]


def test_a_map_names_keys_of_the_json_and_of_the_sample(tmp_path: Path) -> None:
    value = json.dumps({"sku": 7, "name": "红茶", "path": ["食品", "茶"], "__key__": "its own"})
    path = write(tmp_path / "a.tar", {"1.json": value, "1.txt": "包邮"})
    columns = {"id": "sku", "title": "name", "path": "path", "ocr": "txt"}
    (row,) = read(path, columns=columns)[0].to_pylist()
    assert (row["source_id"], row["title"], row["source_path"], row["ocr"]) == (
        "7",
        "红茶",
        ["食品", "茶"],
        "包邮",
    )


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"1.json": "{"}, "the sample's .json is not JSON: "),
        ({"1.json": "[1]"}, "the sample's .json is not an object"),
        ({"1.json": '{"title": {"zh": "茶"}}'}, "'title' is an object, not text"),
        ({"1.json": "{}", "1.txt": b"\xff\xff"}, "the sample's .txt is not UTF-8"),
        ({"1.json": '{"title": "a\\u0000b"}'}, "a field contains a NUL character"),
    ],
)
def test_a_sample_that_cannot_be_read_is_refused_with_its_number(
    tmp_path: Path, members: dict[str, bytes | str], reason: str
) -> None:
    path = write(tmp_path / "a.tar", {"0.json": '{"title": "好"}', **members, "9.json": '{"title": "好"}'})
    table, (reject,), contents = read(path, columns={"title": "title", "labels": ["txt"]})
    assert reject.reason.startswith(reason)
    assert (reject.file, reject.line) == ("a.tar", 2)
    assert (table["line"].to_pylist(), contents) == ([1, 3], [None, None])


def test_a_tar_that_is_cut_off_keeps_its_whole_samples(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", {f"{n}.txt": f"{n}" * 700 for n in range(10)})
    content = path.read_bytes()
    path.write_bytes(content[: 5 * 1536 + 700])
    table, (reject,), _ = read(path)
    assert table["source_id"].to_pylist() == [str(n) for n in range(5)][: table.num_rows]
    assert table.num_rows >= 4
    assert reject.line == table.num_rows + 1
    assert reject.reason.startswith("the archive a.tar ")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_any_size_of_batch_gives_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = write(tmp_path / "a.tar", {f"{n}.txt": f"茶 {n}" for n in range(5)} | {"5.json": "{"})
    whole = read(path)
    monkeypatch.setattr(webdataset, "BATCH_SAMPLES", size)
    table, rejects, contents = read(path)
    assert table.equals(whole[0])
    assert (rejects, contents) == whole[1:]
    assert len(batches(path)) == -(-6 // size)


def test_the_tar_files_of_a_folder_are_its_parts(tmp_path: Path) -> None:
    for n in (2, 0, 1):
        write(tmp_path / f"train-{n}.tar", {f"{n}.txt": str(n)})
    (tmp_path / "index.json").write_text("{}")
    table, _, _ = read(tmp_path)
    assert table["file"].to_pylist() == [f"train-{n}.tar" for n in range(3)]
    with pytest.raises(InputError, match=r"holds no .tar files"):
        batches((tmp_path / "empty").mkdir() or tmp_path / "empty")  # type: ignore[func-returns-value]


def test_folders_and_links_in_a_tar_are_no_samples(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as bundle:
        folder = tarfile.TarInfo("train")
        folder.type = tarfile.DIRTYPE
        bundle.addfile(folder)
        link = tarfile.TarInfo("train/0.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        bundle.addfile(link)
        entry = tarfile.TarInfo("train/1.txt")
        entry.size = 3
        bundle.addfile(entry, io.BytesIO("茶".encode()))
    table, rejects, _ = read(path)
    assert (table["title"].to_pylist(), rejects) == (["茶"], [])

"""Which format a catalogue is in, from its name or its first byte, and what is said where nothing tells."""

import gzip
import importlib
from pathlib import Path

import pytest

from mep3m.errors import NotFoundError, UsageError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import find_format, open_source
from mep3m.sources.format_names import ENDINGS, FORMATS, named_format, says_nothing


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.csv", "csv"),
        ("a.CSV", "csv"),
        ("a.b.tsv", "tsv"),
        ("a.tab", "tsv"),
        ("a.csv.gz", "csv"),
        ("a.ndjson.gz", "jsonl"),
        ("a.parquet", "parquet"),
        ("feed.XML", "merchant"),
        ("p.htm", "jsonld"),
        ("t.tar", "webdataset"),
        ("a", None),
        ("a.gz", None),
        ("a.txt", None),
        (".csv", None),
        ("a.tar.gz", "webdataset"),
    ],
)
def test_a_name_says_its_format(name: str, format_: str | None) -> None:
    assert named_format(Path(name)) == format_


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        (b"[]", "mep3m"),
        (b"\xef\xbb\xbf [", "mep3m"),
        (b"", "mep3m"),
        (b'\n {"images": []}', "rpc"),
        (b"\xef\xbb\xbf{", "rpc"),
    ],
)
def test_json_is_told_by_its_first_sign(tmp_path: Path, content: bytes, format_: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert find_format(tmp_path / "a.json") == format_


@pytest.mark.parametrize(
    ("names", "format_"),
    [
        (["a.html", "b.htm"], "jsonld"),
        (["0.tar", "1.tar"], "webdataset"),
        (["a.jpg"], "folder"),
        ([], "folder"),
        (["notes.txt", "a.HTML"], "jsonld"),
    ],
)
def test_a_folder_is_told_by_what_lies_in_it(tmp_path: Path, names: list[str], format_: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "sub.tar").mkdir()  # a folder is no file, whatever it is called
    assert find_format(tmp_path) == format_


def test_the_format_that_was_set_counts(tmp_path: Path) -> None:
    (tmp_path / "export.dat").write_text("id\n1\n")
    with pytest.raises(
        UsageError, match=r"export\.dat: the name does not say the format; name one with --format"
    ):
        open_source(SourceEntry(name="s", path="export.dat"), tmp_path)
    source = open_source(SourceEntry(name="s", path="export.dat", format="csv"), tmp_path)
    assert [batch.products.num_rows for part in source.parts() for batch in source.read(part)] == [1]


def test_what_is_not_there_and_a_format_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.csv does not exist"):
        open_source(SourceEntry(name="s", path="gone.csv"), tmp_path)
    (tmp_path / "a.csv").touch()
    with pytest.raises(UsageError, match=r"no format 'exel' \(allowed: amazon-flat-file, csv, folder, jsonl"):
        open_source(SourceEntry(name="s", path="a.csv", format="exel"), tmp_path)


def test_paths_of_an_entry_are_relative_to_the_project_or_absolute(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv.gz").write_bytes(gzip.compress(b"id\n1\n2\n"))
    for path in ("in/a.csv.gz", str(tmp_path / "in" / "a.csv.gz")):
        source = open_source(SourceEntry(name="s", path=path), tmp_path)
        assert source.files() == [tmp_path / "in" / "a.csv.gz"]


def test_every_format_has_its_maker() -> None:
    for place in FORMATS.values():
        module, _, function = place.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
    assert set(ENDINGS.values()) <= set(FORMATS)


def test_the_message_lists_what_is_allowed_in_order() -> None:
    assert says_nothing(Path("a.x"), ["tsv", "csv"]) == (
        "a.x: the name does not say the format; name one with --format (csv, tsv)"
    )

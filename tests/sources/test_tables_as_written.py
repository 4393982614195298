"""Tables as programs write them: delimiters, lines before the header, ids whose zeros are kept."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.errors import SettingsError
from mep3m.settings.sources import SourceEntry, TableSettings
from mep3m.sources.catalogue import open_source
from tests.cli.runner import ran

COLUMNS = {"id": "id", "title": "title"}


def read(path: Path, **settings: Any) -> pa.Table:
    entry = SourceEntry.parse({"name": "s", "path": str(path), "columns": COLUMNS, **settings}, "test")
    source = open_source(entry)
    batches = [batch for part in source.parts() for batch in source.read(part)]
    assert not [reject for batch in batches for reject in batch.rejects]
    return pa.concat_tables([batch.products for batch in batches])


@pytest.mark.parametrize("cell", ['="0012"', '"=""0012"""', "'0012", "0012"])
def test_ids_keep_their_zeros_in_a_csv(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(f"id,title\n{cell},oak\n")
    assert read(tmp_path / "a.csv")["source_id"].to_pylist() == ["0012"]


@pytest.mark.parametrize(
    ("delimiter", "character"),
    [(";", ";"), ("|", "|"), ("tab", "\t"), ("\\t", "\t"), ("semicolon", ";"), ("\x01", "\x01")],
)
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_delimiter_can_be_named_and_then_quotes_count(
    tmp_path: Path, delimiter: str, character: str, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text(
        f'id{character}title\n1{character}"oak{character}table, ""large""\nwith a drawer"\n2{character}rug\n'
    )
    table = read(path, delimiter=delimiter)
    assert table["title"].to_pylist() == [f'oak{character}table, "large"\nwith a drawer', "rug"]
    assert table["line"].to_pylist() == [2, 4]


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n"])
def test_what_is_no_delimiter_is_refused(delimiter: str) -> None:
    with pytest.raises(SettingsError, match="write one character or one of tab, comma"):
        TableSettings.parse({"delimiter": delimiter}, "test")


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("skip", [1, 3])
def test_lines_before_the_header_are_not_read_and_lines_keep_their_numbers(
    tmp_path: Path, ending: str, skip: int
) -> None:
    comma = "," if ending == "csv" else "\t"
    before = "Export of 2024\n" + "\n" * (skip - 1)
    (tmp_path / f"a.{ending}").write_text(f"{before}id{comma}title\n1{comma}oak\n")
    table = read(tmp_path / f"a.{ending}", skip_lines=skip)
    assert table["line"].to_pylist() == [skip + 2]


@pytest.mark.parametrize("line", ["version 1.00", "version 1.00\t\t", '"version 1.00",,', "Version 2.10"])
def test_the_line_of_a_version_before_the_header_is_left_out(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.tsv").write_text(f"{line}\nid\ttitle\n1\toak\n")
    assert read(tmp_path / "a.tsv")["source_id"].to_pylist() == ["1"]


def test_a_header_that_begins_with_version_is_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("id\ttitle\tversion\n1\toak\tversion 1.00\n")
    assert read(tmp_path / "a.tsv").num_rows == 1


def test_the_command_takes_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Export\nid;title;category\n="0012";oak;Home\n')
    found = ran(
        "ingest", tmp_path / "a.csv", "--delimiter", ";", "--skip-lines", "1", "--id", "id", "--title",
        "title", "--labels", "category", "--store", tmp_path / "s", "--json",
    )  # fmt: skip
    assert (found.code, found.json["rows"]) == (0, 1)

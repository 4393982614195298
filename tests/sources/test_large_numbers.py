"""A number that has lost digits is no id: a float keeps 15 of them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mep3m.settings.sources import Columns
from mep3m.sources.tables import read_products

COLUMNS = Columns(id="id", path="c")


def taken(path: Path) -> tuple[list[str], list[str]]:
    products, rejects = read_products(path, COLUMNS)
    return products["source_id"].to_pylist(), [reject.reason for reject in rejects]


@pytest.mark.parametrize("large", [1e20, 2.0**53, -1e300])
def test_a_float_without_its_last_digits_refuses_its_row(tmp_path: Path, large: float) -> None:
    path = tmp_path / "s.parquet"
    pq.write_table(pa.table({"id": [large, 6901234567890.0], "c": ["x", "y"]}), path)
    ids, (reason,) = taken(path)
    assert ids == ["6901234567890"]
    assert "keeps 15 digits only; write it as text" in reason


def test_the_same_in_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"id": 1e20, "c": "x"}\n{"id": 6901234567890.0, "c": "y"}\n{"id": 3, "c": "z"}\n')
    ids, (reason,) = taken(path)
    assert ids == ["6901234567890", "3"]
    assert "'id' is the number 1e+20" in reason


@pytest.mark.parametrize(("written", "name"), [("true", "true"), ("false", "false"), ("[true]", "true")])
def test_a_truth_value_is_written_as_json_writes_it(tmp_path: Path, written: str, name: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(f'{{"id": 1, "c": {written}}}\n')
    products, _ = read_products(path, COLUMNS)
    assert products["source_path"].to_pylist() == [[name]]

"""Files of vectors: both kinds hold the same, and appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mep3m.errors import UsageError
from mep3m.representations.vector_file import FACTS, ids_file, vector_file

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
#: ids as people have them
IDS = ["7", "=1+1", "红\n富士", "0007"]


def write(path: Path, columns: list[str]) -> None:
    names = pa.table({"id": IDS, "platform": ["a", "b", "a", "b"]}).select(columns)
    with vector_file(path, columns, 3, {"modality": "text"}) as rows:
        rows(names.slice(0, 3), VECTORS[:3])
        rows(names.slice(3), VECTORS[3:])


@pytest.mark.parametrize("columns", [["id"], ["id", "platform"]])
def test_parquet_has_ids_vectors_and_facts(columns: list[str], tmp_path: Path) -> None:
    write(tmp_path / "v.parquet", columns)
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.column_names == [*columns, "vector"]
    assert table.schema.field("vector").type == pa.list_(pa.float32())
    assert table["id"].to_pylist() == IDS
    np.testing.assert_array_equal(table["vector"].to_pylist(), VECTORS)
    assert orjson.loads(table.schema.metadata[FACTS]) == {"modality": "text"}


@pytest.mark.parametrize("columns", [["id"], ["id", "platform"]])
def test_npy_has_vectors_and_the_ids_are_beside_it(columns: list[str], tmp_path: Path) -> None:
    write(tmp_path / "v.npy", columns)
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy", mmap_mode="r"), VECTORS)
    rows = [orjson.loads(line) for line in ids_file(tmp_path / "v.npy").read_bytes().splitlines()]
    assert [row["id"] for row in rows] == IDS
    assert list(rows[0]) == columns


@pytest.mark.parametrize("rows", [0, 1, 3_000])
def test_the_header_of_an_npy_file_counts_its_rows(rows: int, tmp_path: Path) -> None:
    with vector_file(tmp_path / "v.npy", ["id"], 2, {}) as write_rows:
        for start in range(rows):
            write_rows(pa.table({"id": [str(start)]}), np.full((1, 2), start, np.float32))
    assert np.load(tmp_path / "v.npy").shape == (rows, 2)


@pytest.mark.parametrize("name", ["v.csv", "v", "v.npz"])
def test_another_ending_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"end it in \.parquet or \.npy"):
        write(tmp_path / name, ["id"])


@pytest.mark.parametrize("name", ["v.parquet", "v.npy"])
def test_an_error_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    def stopped() -> None:
        with vector_file(tmp_path / name, ["id"], 3, {}) as rows:
            rows(pa.table({"id": IDS}), VECTORS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert not list(tmp_path.iterdir())

"""`mep3m embed` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.runner import ran
from tests.cli.test_networks import table
from tests.representations.small import tiny_network


def items(folder: Path, encoding: str = "utf-8") -> Path:
    rows = ["1,红富士苹果 5斤", "2,海南香蕉", "3,", "4,小米手机 5G"]
    (folder / "items.csv").write_text("\n".join(["编号,标题", *rows]) + "\n", encoding=encoding)
    return folder / "items.csv"


def test_titles_become_vectors_and_what_is_left_out_is_exit_code_1(tmp_path: Path) -> None:
    out = tmp_path / "v.parquet"
    columns = ("--id", "编号", "--title", "标题")
    found = ran("embed", items(tmp_path), *columns, "--modality", "text", "--out", out)
    assert found.code == 1
    assert found.out.startswith("3 vectors of width ")
    assert "1 rows have nothing to read and are left out (first: '3')" in found.err
    assert f"kept in {tmp_path / 'v.text'}" in found.err
    assert pq.read_table(out)["id"].to_pylist() == ["1", "2", "4"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_the_options_of_a_table_are_those_of_train(encoding: str, tmp_path: Path) -> None:
    renamed = items(tmp_path, encoding).rename(tmp_path / "items.dat")
    options = ("--format", "csv", "--encoding", encoding, "--title", "标题")
    found = ran("embed", renamed, *options, "--out", tmp_path / "v.npy", "--json")
    assert (found.code, found.json["written"], found.json["left_out"]) == (1, 3, 1)
    assert np.load(tmp_path / "v.npy").shape == (3, found.json["width"])


def test_both_modalities_of_a_table_with_a_broken_and_a_missing_picture(tmp_path: Path) -> None:
    out, net = tmp_path / "v.parquet", tiny_network(tmp_path / "net")
    columns = ("--title", "title", "--image", "image", "--modality", "image+text", "--weights", net)
    found = ran("embed", table(tmp_path), *columns, "--out", out, "--json")
    assert found.code == 1
    assert found.json["written"] == 40
    assert found.json["without"] == {"image": 2, "title": 0}
    assert found.json["unreadable_images"] == 1
    assert [one["part"] for one in found.json["encoders"]] == ["image", "title"]
    assert "2 vectors without image: zeros stand in its place" in found.err
    assert pq.read_table(out)["id"].to_pylist() == [str(n) for n in range(1, 41)]
    vectors = np.array(pq.read_table(out)["vector"].to_pylist())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("items.csv", "--title", "标题", "--out", "v.csv"), 2, "end it in .parquet or .npy"),
        (("items.csv", "--out", "v.npy"), 2, "name its column with --title"),
        (("nowhere.csv", "--title", "标题", "--out", "v.npy"), 2, "does not exist"),
        (("items.csv", "--title", "名称", "--out", "v.npy"), 2, "名称"),
        (("items.csv", "--title", "标题", "--weights", "x", "--out", "v.npy"), 2, "no weights at x"),
        (("items.csv", "--title", "标题", "--modality", "ocr", "--out", "v.npy"), 2, "image+text"),
        (("empty", "--out", "v.npy"), 1, "holds no store"),
    ],
)
def test_what_cannot_be_done_says_so(
    arguments: tuple[str, ...], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    found = ran("embed", *arguments)
    assert found.code == code, found
    assert says in found.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "items.csv"]


def test_titles_need_no_torch(tmp_path: Path) -> None:
    code = "import sys; from mep3m.cli import cli; cli(sys.argv[1:], standalone_mode=False)"
    code += "; print('torch' in sys.modules)"
    arguments = ["embed", str(items(tmp_path)), "--title", "标题", "--out", str(tmp_path / "v.npy")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"

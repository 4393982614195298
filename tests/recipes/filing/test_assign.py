"""Answers at size: the same bytes for any engine and after any kill, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mep3m.assignment.run import Run
from mep3m.engine import make_engine
from mep3m.errors import Mep3mError
from mep3m.recipes.filing import assign as module
from mep3m.recipes.filing import shards as cutting
from mep3m.recipes.filing.assign import AnswerSettings, Assigned, NewProducts, assign_file, parts_folder
from tests.assignment.audited import rows, train, write

ROWS = 5000
KINDS = ["jsonl", "parquet"]
SCRIPT = """
import sys
from mep3m.recipes.filing import shards
shards.ROWS = 500
from mep3m.cli import main
main()
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and a table of new products with an id, of which two occur twice."""
    folder = tmp_path_factory.mktemp("size")
    train(folder)
    lines = [(f"n{n}", row[0]) for n, row in enumerate(rows(ROWS, 9))]
    lines[700] = ("n3", "苹果 again")
    lines[4000] = ("n3999", "苹果 again")
    write(folder / "new.tsv", lines, "sku\ttitle")
    return folder


def command(place: Path, out: Path, *more: str) -> list[str]:
    words = ["assign", str(place / "run"), str(place / "new.tsv"), "--id", "sku", "--out", str(out), *more]
    return [sys.executable, "-c", SCRIPT, *words]


def answered(place: Path, out: Path, engine: str = "local", workers: int = 1) -> Assigned:
    answerer = AnswerSettings(place / "run").open()
    request = NewProducts(answerer.run, place / "new.tsv", {"id": "sku"})
    counts, _ = assign_file(request, answerer, out, make_engine(engine, workers))
    return counts


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_are_those_of_any_number_of_workers(
    place: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "ROWS", 700)
    one = answered(place, tmp_path / f"a.{kind}")
    two = answered(place, tmp_path / f"b.{kind}", workers=2)
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert one == two
    assert one.refused == 2
    assert one.filed + one.review == ROWS - 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{kind}", f"b.{kind}"]


def test_ray_gives_the_same_bytes(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(cutting, "ROWS", 2000)
    answered(place, tmp_path / "a.jsonl")
    answered(place, tmp_path / "b.jsonl", "ray", 2)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_with_the_same_bytes(place: Path, tmp_path: Path, kind: str) -> None:
    whole, out = tmp_path / f"whole.{kind}", tmp_path / f"out.{kind}"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command(place, whole), env=environment, check=False, capture_output=True)
    folder, kept = parts_folder(out), {}
    for _ in range(2):  # killed twice, each time with a few more parts done
        running = subprocess.Popen(command(place, out), env=environment, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while len(list(folder.glob(f"[0-9]*.{kind}"))) <= len(kept) and running.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.001)
        running.send_signal(signal.SIGKILL)
        running.wait()
        kept = {path.name: path.stat().st_mtime_ns for path in folder.glob(f"[0-9]*.{kind}")}
    if kept:  # else it was finished before the signal
        assert not out.exists()
        run = subprocess.Popen(command(place, out), env=environment, stderr=subprocess.PIPE)
        _, said = run.communicate(timeout=60)
        assert b"Traceback" not in said
    assert out.read_bytes() == whole.read_bytes()
    assert not folder.exists()


def test_parts_that_are_there_are_not_made_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "ROWS", 1000)
    out, written = tmp_path / "o.jsonl", []
    call = module.AnswerWork.__call__

    def stops(self: module.AnswerWork, number: int) -> int:
        written.append(number)
        if len(written) == 3:
            raise KeyboardInterrupt
        return call(self, number)

    monkeypatch.setattr(module.AnswerWork, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        answered(place, out)
    answered(place, out)
    assert written == [0, 1, 2, 2, 3, 4]


def test_other_settings_begin_anew(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "ROWS", 1000)
    out = tmp_path / "o.jsonl"
    answerer = AnswerSettings(place / "run").open()
    request = NewProducts(answerer.run, place / "new.tsv", {"id": "sku"})
    key = [request.made_from(), answerer.made_from(), out.suffix]
    folder = parts_folder(out)
    folder.mkdir()
    module._begin(folder, key)
    (folder / "00000.jsonl").write_text("{}\n")
    module._begin(folder, key)
    assert (folder / "00000.jsonl").exists()
    for other in (AnswerSettings(place / "run", top=1), AnswerSettings(place / "run", min_confidence=0.5)):
        module._begin(folder, [request.made_from(), other.open().made_from(), out.suffix])
        assert [path.name for path in folder.iterdir()] == ["made_from.json"]
        (folder / "00000.jsonl").write_text("{}\n")


def test_every_row_is_answered_once_and_in_order(place: Path, tmp_path: Path) -> None:
    answered(place, tmp_path / "o.jsonl")
    answered(place, tmp_path / "o.parquet")
    found = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [one["id"] for one in found] == [f"n{n}" for n in range(ROWS) if n not in (700, 4000)]
    table = pq.read_table(tmp_path / "o.parquet").to_pylist()
    run = Run.open(place / "run")
    for line, row in zip(found, table, strict=True):
        assert (line["id"], line["title"], line["decision"]) == (row["id"], row["title"], row["decision"])
        assert (line["path"], line["confidence"]) == (row["path"], row["probabilities"])
    assert {one["model"] for one in found} == {row["model"] for row in table} == {run.version}
    assert {one["taxonomy"] for one in found} == {run.classifier.tree.version}


def test_numbers_of_rows_and_shards_agree_with_the_whole_table(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "ROWS", 3)
    run = Run.open(place / "run")
    cells = ["title", "苹果 a", "", '"手机壳\nb"', "苹果 c", "", "苹果 d,5", '"x"', "苹果 e", "耳机 f"]
    (tmp_path / "n.csv").write_text("\n".join(cells) + "\n", encoding="utf-8")
    whole = run.read(tmp_path / "n.csv", False, {"title": "title"})
    shards = NewProducts(run, tmp_path / "n.csv", {"title": "title"}).shards(tmp_path / "in")
    read = [shards.read(number) for number in range(len(shards.files))]
    assert [row for table in read for row in table["source_id"].to_pylist()] == (
        whole.products["source_id"].to_pylist()
    )
    assert shards.refused == len(whole.rejects)
    assert [one.reason for one in shards.first] == [one.reason for one in whole.rejects]


def test_repeated_ids_far_apart_are_refused_as_in_a_whole_table(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "ROWS", 40)
    draw = np.random.default_rng(5)
    table = [(f"k{draw.integers(0, 150)}", f"苹果 {n}") for n in range(200)]
    write(tmp_path / "n.tsv", table, "sku\ttitle")
    run = Run.open(place / "run")
    whole = run.read(tmp_path / "n.tsv", False, {"id": "sku"})
    shards = NewProducts(run, tmp_path / "n.tsv", {"id": "sku"}).shards(tmp_path / "in")
    read = [shards.read(number) for number in range(len(shards.files))]
    assert [row for one in read for row in one["title"].to_pylist()] == whole.products["title"].to_pylist()
    assert shards.refused == len(whole.rejects) > 20
    assert [one.line for one in shards.first] == [one.line for one in whole.rejects][: len(shards.first)]


def test_what_cannot_be_read_leaves_nothing(place: Path, tmp_path: Path) -> None:
    answerer = AnswerSettings(place / "run").open()
    (tmp_path / "empty.tsv").write_text("title\n")
    for path, columns in ((tmp_path / "gone.tsv", {}), (tmp_path / "empty.tsv", {"title": "nam"})):
        request = NewProducts(answerer.run, path, columns)
        with pytest.raises(Mep3mError):
            assign_file(request, answerer, tmp_path / "o.jsonl", make_engine("local", 1))
    assert [path.name for path in tmp_path.iterdir()] == ["empty.tsv"]

"""Odd places and odd terminals: names in Chinese with every sign, no room, no permission, no user, Ctrl-C."""

import fcntl
import getpass
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mep3m.store import Store
from mep3m.store.json_files import read_json
from tests.alignment.shops import proposals
from tests.cli.runner import ran
from tests.processes import signal_group

#: what a folder may be called on this system, and what globs, SQL, URLs and shells would make of it
ODD = "我的 店 [1-2]*? it's 100% {a,b} #x;&=é~$HOME"
COLUMNS = ("--id", "sku", "--title", "name", "--labels", "dept,kind")


def write_table(path: Path, rows: int = 40) -> Path:
    kinds = [("食品", "茶"), ("食品", "米"), ("家电", "灯")]
    lines = [f"{n},{kinds[n % 3][1]}叶 {n} 号,{','.join(kinds[n % 3])}" for n in range(rows)]
    path.write_text("sku,name,dept,kind\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("places") / ODD
    folder.mkdir()
    write_table(folder / "商品 表.csv")
    assert ran("ingest", folder / "商品 表.csv", *COLUMNS, "--store", folder / "店").code == 0
    return folder


def test_a_store_in_a_folder_with_an_odd_name_answers_every_question(odd: Path) -> None:
    store = odd / "店"
    assert ran("status", store, "--json").json["states"] == {"done": 40}
    assert len(ran("status", store, "--sql", "SELECT line FROM ledger").out.split()) == 40
    assert ran("status", store, "--ledger", odd / "l'edger.parquet").code == 0
    assert ran("stats", store, "--report", odd / "报告", "--json").json["rows"]["kept"] == 40
    assert "茶叶" in (odd / "报告" / "report.html").read_text(encoding="utf-8")
    assert ran("retry", store, "--json").json["tried"] == 0
    assert ran("dedupe", store, "--title", "茶叶 3 号", "--json").json["duplicates"]
    assert ran("dedupe", store, "--out", odd / "分组", "--json").json["products"] == 40


def test_a_newer_export_in_an_odd_place(odd: Path) -> None:
    path = write_table(odd / "更新.csv", 9)
    assert ran("ingest", path, *COLUMNS, "--store", odd / "更新").code == 0
    write_table(path, 6)
    found = ran("ingest", path, *COLUMNS, "--store", odd / "更新", "--json")
    assert found.json["update"] == {"added": 0, "changed": 0, "unchanged": 6, "withdrawn": 3}


def test_a_classifier_in_an_odd_place_is_trained_scored_and_used(odd: Path) -> None:
    table = odd / "商品 表.csv"
    split, run, out = odd / "分.json", odd / "模 型", odd / "结果.jsonl"
    assert ran("split", table, *COLUMNS, "--out", split).code == 0
    trained = ran("train", table, *COLUMNS, "--set", "epochs=2", "--split-file", split, "--out", run)
    assert trained.code == 0
    assert ran("evaluate", run, "--data", table, "--card", odd / "卡.json").code == 0
    assert ran("assign", run, table, "--out", out).code == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 40


def test_a_review_in_an_odd_place_is_decided_applied_and_undone(odd: Path) -> None:
    links = proposals(odd / "链接.tsv")
    for name, path in (("a", "家电 > 电视"), ("b", "电器 > 平板电视")):
        (odd / f"{name}.tsv").write_text(f"id\tpath\tcount\n{path}\t{path}\t3\n", encoding="utf-8")
    sides = ("--left", odd / "a.tsv", "--right", odd / "b.tsv")
    assert ran("align", "propose", *sides, "--out", odd / "新.tsv").code == 0
    assert ran("align", "review", links, "--accept", "8", "--reject", "9-12").code == 0
    names = ("--left-source", "a", "--right-source", "b")
    merged = ran("align", "apply", links, *sides, *names, "--out", odd / "树", "--json")
    assert [group["rows"] for group in merged.json["joined"]] == [6]
    edits, (category,) = odd / "改.jsonl", [group["id"] for group in merged.json["joined"]]
    assert ran("align", "edit", odd / "树", "--edits", edits, "--rename", category, "电视机", "").code == 0
    assert "电视机" in ran("align", "undo", edits).out
    assert ran("align", "undo", links, "--json").json["undone"].startswith("undone: 5 row(s)")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gb18030", "utf-8"])
def test_a_terminal_of_any_encoding_shows_something_and_json_is_utf_8(tmp_path: Path, encoding: str) -> None:
    path = write_table(tmp_path / "商品.csv", 3)
    command = [sys.executable, "-m", "mep3m", "ingest", str(path), *COLUMNS, "--workers", "1"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    shown = subprocess.run([*command, "--store", str(tmp_path / "店")], env=environment, capture_output=True)
    assert (shown.returncode, b"Traceback" in shown.stderr) == (0, False)
    assert shown.stdout.startswith(b"3 products in ")
    again = subprocess.run(
        [*command, "--store", str(tmp_path / "店"), "--json"], env=environment, capture_output=True
    )
    assert json.loads(again.stdout.decode("utf-8"))["store"] == str(tmp_path / "店")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PermissionError(13, "Permission denied", "out"), 2, "error: out: you may not read or write there"),
        (OSError(28, "No space left on device", "out"), 1, "error: out: no room is left"),
        (OSError(5, "Input/output error"), 1, "error: the operating system said: Input/output error"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, code: int, said: str
) -> None:
    table = write_table(tmp_path / "t.csv", 9)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", refuse)
    found = ran("split", table, *COLUMNS, "--out", tmp_path / "split.json")
    assert found.code == code
    assert found.err.startswith(said)
    assert len(found.err.splitlines()) == 1


def test_a_folder_that_may_not_be_written_is_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "t.csv", 9)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and allowed(path, mode))
    found = ran("train", table, *COLUMNS, "--out", tmp_path / "new" / "run")
    assert found.code == 2
    assert f"cannot be made: '{tmp_path}' cannot be written to" in found.err


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder as another run does."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield
    os.close(handle)


def test_two_runs_at_once_on_one_place(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", 12)
    store = tmp_path / "store"
    assert ran("ingest", table, *COLUMNS, "--store", store).code == 0
    commands: dict[str, tuple[Any, ...]] = {
        "fresh": ("ingest", table, *COLUMNS, "--store", tmp_path / "fresh"),
        "store": ("retry", store),
        "grouped": ("dedupe", store, "--out", tmp_path / "grouped"),
        "shops": ("simulate", tmp_path / "shops", "--products", "20", "--no-images"),
        "run": ("train", table, *COLUMNS, "--set", "epochs=1", "--out", tmp_path / "run"),
        "demo": ("demo", "--products", "5", "--out", tmp_path / "demo"),
    }
    for name, command in commands.items():
        with held(tmp_path / name / ("shops" if name == "demo" else "")):
            found = ran(*command)
            assert (found.code, found.out) == (1, ""), name
            assert "another run is writing into" in found.err
            assert "wait until it has ended, then run this again" in found.err
    assert Store.open(store).rows == 12
    assert ran(*commands["fresh"]).code == 0
    assert ran(*commands["run"]).code == 0


def test_who_decides_is_unknown_where_the_system_does_not_know_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    links = proposals(tmp_path / "links.tsv")
    assert ran("align", "review", links, "--accept", "8").code == 0
    assert "\tunknown\t" in links.read_text(encoding="utf-8")


#: a process started from a background job is born deaf to Ctrl-C
_HEARS_CTRL_C = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from mep3m.cli import main
main()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_in_the_middle_is_one_line_and_the_next_run_ends_with_the_same_bytes(
    tmp_path: Path, workers: int
) -> None:
    def command(name: str) -> list[str]:
        arguments = ["simulate", str(tmp_path / name), "--products", "300", "--workers", str(workers)]
        return [sys.executable, "-c", _HEARS_CTRL_C, *arguments]

    started = subprocess.Popen(command("stopped"), stderr=subprocess.PIPE, text=True, start_new_session=True)
    while started.poll() is None and not list((tmp_path / "stopped").glob("*/images/*/*")):
        os.sched_yield()
    assert signal_group(started, signal.SIGINT)
    _, said = started.communicate()
    assert (started.returncode, "Traceback" in said) == (130, False)
    assert said.splitlines()[-1] == "stopped; run the same command again to go on"
    assert not (tmp_path / "stopped" / "simulation.json").exists()
    for name in ("stopped", "whole"):
        assert subprocess.run(command(name), capture_output=True).returncode == 0
    assert read_json(tmp_path / "stopped" / "simulation.json") == read_json(
        tmp_path / "whole" / "simulation.json"
    )
    for path in (tmp_path / "whole").rglob("*"):
        if path.is_file():
            assert (
                tmp_path / "stopped" / path.relative_to(tmp_path / "whole")
            ).read_bytes() == path.read_bytes()


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", 3000)
    assert ran("ingest", path, *COLUMNS, "--store", tmp_path / "s").code == 0
    shown = subprocess.run(
        f"{sys.executable} -m mep3m status '{tmp_path / 's'}' --sql 'SELECT * FROM ledger' | head -1",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout.startswith('{"stage":"ingest"')
    assert shown.stderr == ""

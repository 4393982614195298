"""What every command promises: help with an example, exit codes, no traceback, a fast start."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mep3m.cli import cli, main
from tests.cli.test_help_examples import command_of, named


def commands() -> list[tuple[str, click.Command]]:
    return [(name, command) for name, command in named().items() if not isinstance(command, click.Group)]


@pytest.mark.parametrize(
    ("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_help_has_an_example_that_names_the_command(name: str, command: click.Command) -> None:
    result = CliRunner().invoke(cli, [*name.split(), "--help"])
    assert result.exit_code == 0
    example = result.output.split("xample", 1)[1].split("mep3m ", 1)[1]
    assert command_of(f"mep3m {example}") == name


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_an_unknown_option_is_wrong_use(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, *name.split(), "--no-such-option") == 2
    assert "--no-such-option" in capsys.readouterr().err


def test_an_unknown_command_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "ingset") == 2
    assert "did you mean 'ingest'" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_one_line_and_no_traceback() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "mep3m", "stats", "nowhere"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("error: nowhere holds no store")
    assert "Traceback" not in run.stderr


def test_help_loads_none_of_the_heavy_packages() -> None:
    code = "import sys; sys.argv = ['mep3m', '--help']\ntry:\n    import mep3m.cli as c; c.main()\nfinally:\n"
    code += "    print([m for m in ('torch', 'duckdb', 'pyarrow', 'sklearn', 'plotly') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_the_version_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("mep3m, version ")


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mep3m", *arguments])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_a_run_trained_on_a_store_files_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{fruit} {n}斤\t生鲜\t{fruit}" for n in range(12) for fruit in ("苹果", "香蕉")]
    table = tmp_path / "shop.tsv"
    table.write_text("name\tl1\tl2\n" + "\n".join(rows) + "\n", encoding="utf-8")
    store, run, out = (str(tmp_path / name) for name in ("store", "run", "filed.jsonl"))
    ingest = ["ingest", str(table), "--title", "name", "--labels", "l1,l2", "--store", store]
    assert exit_code(monkeypatch, *ingest) == 0
    assert exit_code(monkeypatch, "train", store, "--out", run) == 0
    assert exit_code(monkeypatch, "assign", run, str(table), "--out", out) == 2
    assert (
        exit_code(
            monkeypatch, "assign", run, str(table), "--title", "name", "--out", out, "--min-confidence", "0"
        )
        == 0
    )
    filed = [json.loads(line) for line in Path(out).read_text(encoding="utf-8").splitlines()]
    assert [row["names"][-1] for row in filed[:2]] == ["苹果", "香蕉"]

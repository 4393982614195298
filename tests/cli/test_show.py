"""What commands share: columns that the caller names, places for results, JSON that any program can read."""

import getpass
import json
import os
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
import pytest
from click.testing import CliRunner

from mep3m.cli.learning.train import column_map, comma_list
from mep3m.cli.shared import (
    NEW_FILE,
    NEW_FOLDER,
    TABLE_FORMATS,
    column_options,
    engine_options,
    given_columns,
    login_name,
    print_json,
)
from mep3m.errors import UsageError
from mep3m.settings.sources import Columns, TableFormat


def options(*arguments: str) -> dict[str, Any]:
    """Return what a command with the column options was called with."""
    found: dict[str, Any] = {}

    @click.command()
    @column_options
    def command(**given: Any) -> None:
        found.update(given)

    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code == 0, result.output
    return found


def test_columns_are_named_as_the_settings_call_them(tmp_path: Path) -> None:
    given = options(
        "--title", "t", "--labels", "a, b,", "--id", "sku", "--platform", "s", "--image", "i", "--ocr", "o"
    )
    found = given_columns(given, tmp_path / "a.csv")
    assert found == {
        "title": "t",
        "labels": ("a", "b"),
        "id": "sku",
        "platform": "s",
        "image": "i",
        "ocr": "o",
    }
    assert Columns.parse(found, "test") == column_map(given, tmp_path / "a.csv")


def test_what_is_not_named_is_not_given(tmp_path: Path) -> None:
    assert given_columns(options(), tmp_path / "a.csv") == {}
    assert given_columns(options(), tmp_path) == {}
    assert given_columns(options("--path", "p"), tmp_path / "a.csv") == {"path": "p"}


def test_a_store_has_no_columns_to_name(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="is a folder, and columns can be named for a table only; leave out: title, labels"
    ):
        given_columns(options("--title", "t", "--labels", "a"), tmp_path)


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("a", ("a",)), (" a ,b,, c ", ("a", "b", "c")), (",", ()), ("茶,米", ("茶", "米"))],
)
def test_names_are_joined_by_commas(text: str, names: tuple[str, ...]) -> None:
    assert comma_list(text) == names


def test_the_formats_of_tables_are_those_of_the_settings() -> None:
    assert get_args(TableFormat) == TABLE_FORMATS


def place(kind: click.Path, value: Path) -> tuple[int, str]:
    """Return the exit code and the message of a command that writes to `value`."""

    @click.command()
    @click.option("--out", type=kind)
    def command(out: Path) -> None:
        click.echo(type(out).__name__)

    result = CliRunner().invoke(command, ["--out", str(value)])
    return result.exit_code, result.output.strip().splitlines()[-1]


def test_a_result_goes_where_a_folder_is_or_can_be_made(tmp_path: Path) -> None:
    for kind in (NEW_FILE, NEW_FOLDER):
        assert place(kind, tmp_path / "new")[0] == 0
        assert place(kind, tmp_path / "a" / "b" / "new")[0] == 0
    (tmp_path / "file").touch()
    assert place(NEW_FILE, tmp_path / "file")[0] == 0
    assert place(NEW_FOLDER, tmp_path)[0] == 0


def test_a_place_that_cannot_be_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    code, said = place(NEW_FILE, tmp_path / "file" / "a" / "new.json")
    assert (code, said.endswith(f"cannot be made: '{tmp_path / 'file'}' is a file.")) == (2, True)
    assert place(NEW_FILE, tmp_path)[0] == 2
    assert place(NEW_FOLDER, tmp_path / "file")[0] == 2
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    code, said = place(NEW_FOLDER, tmp_path / "new")
    assert (code, said.endswith(f"'{tmp_path}' cannot be written to.")) == (2, True)


def test_json_is_one_document_of_utf_8_with_numbers_of_numpy_and_keys_of_any_kind(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    print_json({"名": "茶", 3: np.float64(0.5), "list": np.arange(2), "none": None})
    out = capfdbinary.readouterr().out
    assert json.loads(out.decode("utf-8")) == {"名": "茶", "3": 0.5, "list": [0, 1], "none": None}
    assert "茶".encode() in out


def test_engine_options_have_defaults_that_any_machine_can_do() -> None:
    @click.command()
    @engine_options
    def command(workers: int, engine: str) -> None:
        click.echo(f"{workers} {engine}")

    assert CliRunner().invoke(command, []).output == "2 local\n"
    assert CliRunner().invoke(command, ["--workers", "5", "--engine", "ray"]).output == "5 ray\n"


def test_the_user_s_name_is_the_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "wang")
    assert login_name() == "wang"

    def nobody() -> str:
        raise OSError("no user database")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert login_name() == "unknown"

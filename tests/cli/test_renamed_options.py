"""Renamed options: the earlier spelling works, `--help` does not list it, both at once are an error."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mep3m.cli.shared import renamed_option
from mep3m.store.json_files import read_json
from tests.cli.runner import ran
from tests.cli.test_flow import write_table

#: command, option, its earlier spelling
RENAMED = [
    ("ingest", "--image-root", "--images"),
    ("ingest", "--platform", "--source"),
    ("train", "--platform", "--shop"),
    ("evaluate", "--platform", "--shop"),
    ("assign", "--platform", "--shop"),
    ("assign", "--min-confidence", "--threshold"),
    ("split", "--platform", "--shop"),
    ("split", "--test-share", "--share"),
    ("split", "--test-platforms", "--test-shops"),
    ("align apply", "--left-platform", "--left-source"),
    ("align apply", "--right-platform", "--right-source"),
]


@pytest.mark.parametrize(("command", "option", "old"), RENAMED)
def test_help_lists_the_option_and_not_its_earlier_spelling(command: str, option: str, old: str) -> None:
    words = ran(*command.split(), "--help").out.split()
    assert option in words
    assert old not in words


@pytest.mark.parametrize(("command", "option", "old"), RENAMED)
def test_both_spellings_at_once_are_an_error(command: str, option: str, old: str) -> None:
    needed = {
        "ingest": ["x", "--store", "s"],
        "split": ["x", "--out", "o"],
        "assign": ["x", "y", "--out", "o"],
    }
    needed |= {"train": ["x", "--out", "o"], "evaluate": ["x", "--data", "y"], "align apply": ["x"]}
    found = ran(*command.split(), *needed[command], option, "0.5", old, "0.5")
    assert found.code == 2
    assert f"{old} is an earlier name of {option}; give {option} alone" in found.err


@pytest.mark.parametrize(
    ("words", "value"),
    [([], 0.2), (["--new", "0.3"], 0.3), (["--old", "0.4"], 0.4), (["--older=0.5"], 0.5)],
)
def test_the_value_is_that_of_whichever_spelling_was_given(words: list[str], value: float) -> None:
    @click.command()
    @renamed_option("--new", old=("--old", "--older"), default=0.2, show_default=True, help="A number.")
    def command(new: float) -> None:
        click.echo(new)

    assert CliRunner().invoke(command, words).output.strip() == str(value)


def test_a_wrong_value_under_the_earlier_spelling_is_refused_like_any_other() -> None:
    found = ran("assign", "r", "t", "--out", "o", "--threshold", "high")
    assert found.code == 2
    assert "Invalid value for '--min-confidence': 'high' is not a valid float" in found.err


def test_commands_of_an_earlier_version_do_what_they_did(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.csv", 60)
    for name, share in (("old", "--share"), ("new", "--test-share")):
        assert ran("split", table, "--title", "name", share, "0.3", "--out", tmp_path / name).code == 0
    assert read_json(tmp_path / "old") == read_json(tmp_path / "new")
    for kind, which in (("shop", "--test-shops"), ("platform", "--test-platforms")):
        found = ran(
            "split", table, "--title", "name", "--kind", kind, which, "items", "--out", tmp_path / "p"
        )
        assert "the platform split of" in found.err  # of one platform there is nothing left to train on

"""With --json, every command prints one JSON document and nothing else on standard output.

The examples of the help are run with it, in the folder of `test_help_examples`.
"""

import json
from pathlib import Path

import click
import pytest

from tests.cli.runner import ran
from tests.cli.test_help_examples import NOT_RUN, commands, examples, whole, words_in

__all__ = ["whole"]  # the fixture
#: examples that ask a person, so that there is no machine to read the answer
ASKS = ("--ask", "--line")
NAMED = {command.name or "" for command in commands() if any(o.name == "as_json" for o in command.params)}


def command_of(example: str) -> str:
    """Return the name of the command of an example, below its group."""
    words = example.split()
    if words[1] == "guarantee" and words[2] not in ("check", "plan"):
        return "make"  # a group whose first word may be a run
    return words[2] if words[1] in ("align", "guarantee", "keys", "watch") else words[1]


READ = [
    example
    for example in examples()
    if command_of(example) in NAMED and example not in NOT_RUN and not any(word in example for word in ASKS)
]


def test_every_command_that_does_something_can_be_read_by_a_machine() -> None:
    without = {command.name for command in commands() if not isinstance(command, click.Group)} - NAMED
    assert without == {"serve"}  # it answers over HTTP
    assert {command_of(example) for example in READ} >= NAMED - {"demo", "export-onnx", "record"}


@pytest.mark.parametrize("example", READ)
def test_standard_output_is_one_document(
    whole: Path, tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_in(tmp_path / "place", whole, example, monkeypatch)
    found = ran(*words, *(() if "--json" in words else ("--json",)))
    assert found.code in (0, 1), found
    if "--sql" in words:  # rows of a query, one a line
        assert all(isinstance(json.loads(row), dict) for row in found.out.splitlines())
        return
    assert isinstance(found.json, dict)
    assert "NaN" not in found.out
    assert "Infinity" not in found.out

"""With --json, every command prints one JSON document and nothing else on standard output.

The examples of the help are run with it, in the folder of `test_help_examples`.
"""

import json
from pathlib import Path

import click
import pytest

from tests.cli.runner import ran
from tests.cli.test_help_examples import NOT_RUN, command_of, examples, named, typed_at, whole, words_in

__all__ = ["whole"]  # the fixture
#: examples that ask a person, so that there is no machine to read the answer
ASKS = ("--ask", "--line")
NAMED = {name for name, command in named().items() if any(o.name == "as_json" for o in command.params)}


READ = [
    example
    for example in examples()
    if command_of(example) in NAMED and example not in NOT_RUN and not any(word in example for word in ASKS)
]


def test_every_command_that_does_something_can_be_read_by_a_machine() -> None:
    without = {name for name, command in named().items() if not isinstance(command, click.Group)} - NAMED
    assert without == {"serve", "desk open"}  # they answer over HTTP
    assert {command_of(example) for example in READ} >= NAMED - {
        "demo",
        "checkout demo",
        "export-onnx",
        "watch record",
        "desk promise",
    }


@pytest.mark.parametrize("example", READ)
def test_standard_output_is_one_document(
    whole: Path, tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_in(tmp_path / "place", whole, example, monkeypatch)
    found = ran(*words, *(() if "--json" in words else ("--json",)), text=typed_at(example))
    assert found.code in (0, 1), found
    if "--sql" in words:  # rows of a query, one a line
        assert all(isinstance(json.loads(row), dict) for row in found.out.splitlines())
        return
    assert isinstance(found.json, dict)
    assert "NaN" not in found.out
    assert "Infinity" not in found.out

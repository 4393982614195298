"""Files of answers as people bring them: cut, joined, edited, written by something else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mep3m.desk.intake.incoming import read_answers
from mep3m.desk.intake.take import Arrival, Draw, take
from mep3m.desk.reviewing.reviewing import opened_reviewing
from mep3m.errors import FormatError, UsageError
from tests.cli.runner import ran
from tests.desk.filled import UNSURE, Filled, items

WRONG: list[tuple[str, Any]] = [
    ("id", 5),
    ("id", None),
    ("platform", ["a"]),
    ("title", {"a": 1}),
    ("decision", 3),
    ("top", 7),
    ("top", [{"path": "手机"}]),
    ("top", [{"probability": 1.0}]),
    ("prediction_set", "手机"),
    ("prediction_set", [5]),
    ("kept", True),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_of_another_kind_is_named_with_its_line(filled: Filled, name: str, value: Any) -> None:
    answers = filled.answers(filled.table(UNSURE[:3]))
    lines = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    lines[1][name] = value
    answers.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    with pytest.raises(FormatError, match=r"new.jsonl, line 2 is no answer of 'mep3m assign' .*" + name):
        Arrival.of_answers(answers, filled.run, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=40), JSON.map(lambda one: json.dumps(one).encode())))
def test_no_line_of_any_bytes_passes_for_an_answer(filled: Filled, tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(line)
    if line:
        with pytest.raises(FormatError, match=r"odd.jsonl, line 1 is no answer"):
            list(read_answers(path, filled.run))
    else:
        assert list(read_answers(path, filled.run)) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 400))
def test_a_file_that_was_cut_is_refused_or_ends_with_a_whole_answer(filled: Filled, cut: int) -> None:
    answers = filled.folder.parent / "new.jsonl"
    if not answers.exists():
        filled.answers(filled.table(UNSURE[:3]))
    whole = answers.read_bytes()
    cut_file = answers.with_name("cut.jsonl")
    cut_file.write_bytes(whole[:-cut])
    if cut == 1 or whole[:-cut].endswith(b"\n"):
        assert len(list(read_answers(cut_file, filled.run))) == whole[:-cut].count(b"\n") + (cut == 1)
        return
    with pytest.raises(FormatError, match=r"cut.jsonl, line \d is no answer"):
        list(read_answers(cut_file, filled.run))


def test_one_product_twice_in_a_file_is_refused_and_nothing_is_taken(filled: Filled) -> None:
    answers = filled.answers(filled.table(UNSURE[:3]))
    answers.write_bytes(answers.read_bytes() * 2)
    with opened_reviewing(filled.folder) as reviewing:
        batch = Arrival.of_answers(answers, filled.run, None)
        with pytest.raises(UsageError, match=r"'N0' occurs twice in new.jsonl"):
            take(reviewing, batch, Draw(share=0), filled.run.classifier.tree, None)
        assert items(reviewing) == []


def test_one_product_twice_is_said_on_the_command_line(filled: Filled) -> None:
    answers = filled.answers(filled.table(UNSURE[:3]))
    answers.write_bytes(answers.read_bytes() * 2)
    told = ran("desk", "take", filled.folder, answers)
    assert (told.code, told.out) == (2, "")
    assert "'N0' occurs twice" in told.err


def test_a_file_without_answers_takes_nothing_and_says_so(filled: Filled) -> None:
    (filled.folder.parent / "none.jsonl").touch()
    told = ran("desk", "take", filled.folder, filled.folder.parent / "none.jsonl", "--json")
    assert (told.json["came"], told.json["review"], told.json["audit"]) == (0, 0, 0)

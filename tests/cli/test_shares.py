"""`nan` is neither below 0 nor above 1, and in no range: it filed everything where it was a threshold."""

from pathlib import Path

import click
import pytest

from mep3m.cli.shared import Share
from tests.cli.runner import ran
from tests.cli.test_help_examples import named

RANGES = [
    (f"{words} {option.opts[0]}", option)
    for words, command in named().items()
    for option in command.params
    if isinstance(option, click.Option) and isinstance(option.type, click.FloatRange)
]


@pytest.mark.parametrize(("name", "option"), RANGES, ids=[name for name, _ in RANGES])
@pytest.mark.parametrize("word", ["nan", "NaN", "-nan", "inf", "-inf"])
def test_no_range_of_any_command_takes_it(name: str, option: click.Option, word: str) -> None:
    with pytest.raises(click.BadParameter, match=r"range"):
        option.type.convert(word, option, None)


@pytest.mark.parametrize(("name", "option"), RANGES, ids=[name for name, _ in RANGES])
def test_every_range_ends_where_it_says(name: str, option: click.Option) -> None:
    assert isinstance(option.type, click.FloatRange)
    for end, beyond in ((option.type.min, -0.01), (option.type.max, 0.01)):
        if end is not None:
            with pytest.raises(click.BadParameter, match=r"range"):
                option.type.convert(str(end + beyond), option, None)


def test_there_are_such_options() -> None:
    assert {"assign --min-confidence", "watch draw --share", "pretrain --minutes"} <= {
        name for name, _ in RANGES
    }


@pytest.mark.parametrize(("word", "value"), [("0", 0.0), ("1", 1.0), ("1e-3", 0.001)])
def test_a_share_is_read(word: str, value: float) -> None:
    assert Share().convert(word, None, None) == value
    if value in (0, 1):
        with pytest.raises(click.BadParameter):
            Share(min_open=True, max_open=True).convert(word, None, None)


@pytest.mark.parametrize("option", ["--min-confidence", "--target-precision", "--none-share"])
def test_assign_files_nothing_under_it(run_folder: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "new.tsv").write_text("title\n红富士苹果\n", encoding="utf-8")
    out = tmp_path / "o.jsonl"
    done = ran("assign", run_folder, tmp_path / "new.tsv", "--title", "title", option, "nan", "--out", out)
    assert done.code == 2
    assert "nan is no number in the range" in done.err
    assert not out.exists()

"""Files of answers are read again as they were written, of either kind."""

from pathlib import Path

import pytest

from mep3m.assignment.output import AnswerForm
from mep3m.assignment.watching.log import Key
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.recipes.filing.answered import KINDS, read_answers, require_some
from tests.assignment.test_output import ANSWERS


@pytest.mark.parametrize("platforms", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_come_back(tmp_path: Path, kind: str, platforms: bool) -> None:
    out = tmp_path / f"o{kind}"
    form = AnswerForm.of(out, 2, True, platforms)
    form.write_part(ANSWERS, tmp_path / f"part{form.part_suffix}")
    form.join([tmp_path / f"part{form.part_suffix}"], out)
    for found, one in zip(read_answers(out), ANSWERS, strict=True):
        told = platforms or kind == ".jsonl"
        assert found.key == Key(one.id, one.platform if told else None)
        assert (found.title, found.path, found.names) == (one.title, one.path, one.names)
        assert (found.decision, found.promise) == (one.decision, one.promise)
        assert found.picture == (None if one.picture is None else (90, 0.5))
        assert found.probability == (one.top[0]["probability"] if one.top else None)


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("gone.jsonl", None, NotFoundError, "'mep3m assign' writes it"),
        ("o.csv", "id\n1\n", UsageError, r"end it in \.jsonl or \.parquet"),
        ("o.jsonl", "not json\n", FormatError, "holds no answers"),
        ("o.jsonl", "[1]\n", FormatError, "holds no answers"),
        ("o.jsonl", '{"id": "1", "top": []}\n', FormatError, "holds no answers"),
        ("o.parquet", "PAR1", FormatError, "holds no answers"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, name: str, content: str | None, error: type, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=said):
        list(read_answers(tmp_path / name))


def test_no_file_is_no_list() -> None:
    with pytest.raises(UsageError, match="name at least one file"):
        require_some([])

"""The paper's rule and SSSOM as others write it, from the outside: files in, files out."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from mep3m.alignment.review.sssom import read_sssom
from mep3m.cli import cli

LEFT = "id\tpath\ttitles\n1\t手机\t苹果 手机 128G\n2\t电脑\t笔记本 电脑 轻薄\n"
RIGHT = "id\tpath\ttitles\n1\t手机\t苹果 手机 256G\n2\t电脑\t显示器 27寸\n"
HEAD = "subject_id\tpredicate_id\tpredicate_modifier\tobject_id\tsubject_source\tobject_source\n"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["align", *map(str, arguments)])


def propose(folder: Path, *options: str) -> list[str]:
    """Propose by the paper's rule, and return the words of each proposal."""
    (folder / "a.tsv").write_text(LEFT, encoding="utf-8")
    (folder / "b.tsv").write_text(RIGHT, encoding="utf-8")
    tables = ("--left", folder / "a.tsv", "--right", folder / "b.tsv", "--out", folder / "p.tsv")
    made = call("propose", *tables, "--method", "paper", *options)
    assert made.exit_code == 0, made.output
    return [row.proposal.words for row in read_sssom(folder / "p.tsv")]


def test_the_mean_of_identical_names_includes_those_at_0(tmp_path: Path) -> None:
    words = propose(tmp_path)
    assert words
    assert all("> 0.333, mean of 2 identically named pairs" in text for text in words)


def test_binary_drops_words_of_one_character_as_simtext_does(tmp_path: Path) -> None:
    assert all("> 0.333" in text for text in propose(tmp_path, "--set", "paper.content.binary=true"))


def others(folder: Path, *rows: str, head: str = "") -> Path:
    path = folder / "others.sssom.tsv"
    path.write_text(head + HEAD + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


ROWS = (
    "手机\tskos:exactMatch\tNot\t数码\ta\tb",
    "手机\tskos:exactMatch\t\t手机\ta\tb",
    "手机\tskos:closeMatch\t\t电话\ta\tb",
    "手机\tskos:relatedMatch\t\t配件\ta\tb",
)


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]])  # sssom-py sorts a file
def test_a_set_of_another_tool_is_reviewed_scored_and_exported(tmp_path: Path, rows: tuple[str, ...]) -> None:
    file = others(tmp_path, *rows)
    told = orjson.loads(call("review", file, "--json").stdout)
    assert told["progress"] == {"accept": 0, "reject": 1, "unsure": 0, "open": 3}
    gold = tmp_path / "gold.tsv"
    gold.write_text("left_id\tright_id\n手机\t手机\n手机\t数码\n", encoding="utf-8")
    scores = orjson.loads(call("score", file, "--gold", gold, "--json").stdout)
    assert (scores["proposed"], scores["correct"], scores["overlaps"]["proposed"]) == (1, 1, 1)
    line = next(row["line"] for row in told["open"] if "exact" in row["link"])
    assert call("review", file, "--accept", line, "--reviewer", "li").exit_code == 0
    assert call("export", file, "--out", tmp_path / "out.tsv").exit_code == 0
    text = (tmp_path / "out.tsv").read_text(encoding="utf-8")
    assert text.count("skos:exactMatch") == 2
    assert text.count("\tNot\t") == 1
    assert "urn:" not in text
    assert orjson.loads(call("review", tmp_path / "out.tsv", "--json").stdout)["progress"]["reject"] == 1


def test_a_rejection_here_is_a_denial_for_others(tmp_path: Path) -> None:
    file = others(tmp_path, *ROWS)
    call("review", file, "--reject", "3", "--reviewer", "li")
    assert "skos:exactMatch\tNot\t手机" in file.read_text(encoding="utf-8")


def test_an_overlap_is_confirmed_or_corrected(tmp_path: Path) -> None:
    file = others(tmp_path, *ROWS)
    assert call("review", file, "--accept", "5", "--reviewer", "li").exit_code == 0
    call("export", file, "--out", tmp_path / "out.tsv")
    assert "skos:relatedMatch" in (tmp_path / "out.tsv").read_text(encoding="utf-8")
    assert call("review", file, "--accept", "5", "--relation", "broader").exit_code == 0
    assert "skos:narrowMatch" in file.read_text(encoding="utf-8")
    assert call("review", file, "--accept", "3", "--relation", "overlaps").exit_code == 0
    assert file.read_text(encoding="utf-8").count("skos:relatedMatch") == 1


def test_what_the_metadata_says_once_counts_for_every_row(tmp_path: Path) -> None:
    head = "#subject_source: jd\n#object_source: suning\n"
    file = tmp_path / "once.tsv"
    file.write_text(head + "subject_id\tpredicate_id\tobject_id\n1\tskos:exactMatch\t2\n", encoding="utf-8")
    (row,) = orjson.loads(call("review", file, "--json").stdout)["open"]
    assert row["link"] == "jd '1' exact suning '2'"

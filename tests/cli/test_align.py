"""`mep3m align propose` and `score` from the outside: files in, files out, exit codes."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from mep3m.cli import cli

LEFT = (
    "id\tpath\ttitles\n1\t数码 > 手机\t苹果手机 || 华为手机\n"
    "2\t数码 > 手机壳\t硅胶手机壳\n3\t宠物 > 狗粮\t狗粮幼犬\n"
)
RIGHT = "id\tpath\n8\t手机数码 > 手机\n9\t宠物用品 > 狗粮\n7\t手机数码 > 手机壳/套\n"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["align", *(str(one) for one in arguments)])


def propose(files: dict[str, Path], *options: object) -> Result:
    tables = ("--left", files["left"], "--right", files["right"])
    return call("propose", *tables, "--out", files["left"].with_name("links.sssom.tsv"), *options)


def write(folder: Path, **texts: str) -> dict[str, Path]:
    paths = {name: folder / f"{name}.tsv" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize("method", ["evidence", "paper"])
def test_propose_then_score(tmp_path: Path, method: str) -> None:
    gold = "left_id\tright_id\trelation\n1\t8\texact\n3\t9\texact\n2\t7\texact\n"
    files = write(tmp_path, left=LEFT, right=RIGHT, gold=gold)
    made = propose(files, "--method", method, "--json")
    assert made.exit_code == 0, made.output
    assert orjson.loads(made.stdout)["accepted"] >= 2
    scored = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], "--json")
    assert scored.exit_code == 0, scored.output
    scores = orjson.loads(scored.stdout)
    assert scores["gold_pairs"] == 3
    assert scores["recall"] >= 2 / 3
    assert {"precision", "recall", "f1", "average_precision", "coverage", "decisions", "errors"} <= set(
        scores
    )


def test_bad_rows_are_listed_with_their_lines_and_the_rest_is_aligned(tmp_path: Path) -> None:
    files = write(tmp_path, left=LEFT + "4\t数码 > \n1\t家电 > 手机\n", right=RIGHT)
    result = propose(files)
    assert result.exit_code == 1
    assert "line 5: the path '数码 >' has an empty name" in result.output
    assert "line 6: the id '1' stands in two places: line 2" in result.output
    assert (tmp_path / "links.sssom.tsv").exists()


def test_gold_with_unknown_ids_is_listed(tmp_path: Path) -> None:
    files = write(tmp_path, left=LEFT, right=RIGHT, gold="left_id\tright_id\n1\t8\n55\t9\n")
    propose(files)
    tables = ("--left", files["left"], "--right", files["right"])
    result = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], *tables)
    assert result.exit_code == 1
    assert "line 3: left_id '55' is not in the table" in result.output
    assert "precision" in result.output


def test_gold_is_checked_against_the_tables_that_the_proposals_name(tmp_path: Path) -> None:
    gold = "left_id\tright_id\n1\t8\n55\t9\n3\t77\n"
    files = write(tmp_path, left=LEFT, right=RIGHT, gold=gold)
    propose(files)
    links = tmp_path / "links.sssom.tsv"
    result = call("score", links, "--gold", files["gold"], "--json")
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in orjson.loads(result.stdout)["gold_unknown"]] == [
        "line 3",
        "line 4",
    ]
    assert orjson.loads(result.stdout)["gold_pairs"] == 1
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    files["left"].rename(moved / "left.tsv")
    result = call("score", links, "--gold", files["gold"])
    assert "left.tsv is not a file any more: give --left" in result.stderr
    assert "line 4: right_id '77'" in result.stderr
    assert "line 3" not in result.stderr
    result = call("score", links, "--gold", files["gold"], "--left", moved / "left.tsv")
    assert "line 3: left_id '55' is not in the table" in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--method", "guess", "method = 'guess'"),
        ("--within-first-level", "maybe", "within_first_level = 'maybe'"),
    ],
)
def test_wrong_use_names_what_is_allowed(tmp_path: Path, option: str, value: str, message: str) -> None:
    files = write(tmp_path, left=LEFT, right=RIGHT)
    result = propose(files, option, value)
    assert result.exit_code != 0
    assert message in str(result.exception)


def accepted(files: dict[str, Path], *options: object) -> int:
    made = propose(files, "--method", "paper", "--json", *options)
    assert made.exit_code == 0, made.output
    return int(orjson.loads(made.stdout)["accepted"])


def test_the_rules_settings_are_set_by_name(tmp_path: Path) -> None:
    """One pair of identical names whose titles share single characters, but neither words nor pairs."""
    left = "id\tpath\ttitles\n1\tA > 茶杯\t山水火木 || 山水火木\n2\tA > 狗粮\t金土日月\n"
    right = "id\tpath\ttitles\n8\tB > 茶杯\t木火水山\n9\tB > 狗粮\t大中小人\n"
    files = write(tmp_path, left=left, right=right)
    assert accepted(files) == 2
    strict = ("--set", "paper.identical_names=false", "--set", "paper.content_threshold=0.9")
    assert accepted(files, *strict) == 0
    assert accepted(files, *strict, "--set", "paper.content.tokens=characters") == 1
    assert accepted(files, *strict, "--set", "paper.content.tokens=ngrams") == 0
    assert accepted(files, "--set", "paper.content.binary=true") == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("paper.content.tokens=chars", "'words', 'characters' or 'ngrams'"),
        ("paper.contents.tokens=words", "did you mean 'content'?"),
        ("paper.content", "write NAME=VALUE"),
        ("paper.label_threshold=2", "less than or equal to 1"),
        ("paper=1", "paper = '1' is not allowed"),
    ],
)
def test_a_wrong_setting_says_what_to_write(tmp_path: Path, given: str, message: str) -> None:
    files = write(tmp_path, left=LEFT, right=RIGHT)
    result = propose(files, "--set", given)
    assert message in str(result.exception)
    assert not (tmp_path / "links.sssom.tsv").exists()


def test_nothing_that_people_wrote_is_replaced(tmp_path: Path) -> None:
    """--out onto an input, a note, a review with decisions: refused; onto proposals that nobody saw: done."""
    files = write(tmp_path, left=LEFT, right=RIGHT, note="buy milk\n")
    links = tmp_path / "links.sssom.tsv"
    tables = ("--left", files["left"], "--right", files["right"], "--method", "paper")
    for taken in (files["left"], files["note"]):
        before = taken.read_bytes()
        result = call("propose", *tables, "--out", taken)
        assert "is no table of proposals; name another file" in str(result.exception)
        assert taken.read_bytes() == before
    assert call("propose", *tables, "--out", links).exit_code == 0
    assert call("propose", *tables, "--out", links).exit_code == 0
    assert call("review", links, "--accept", "10", "--reviewer", "li").exit_code == 0
    before = links.read_bytes()
    others = (
        ("propose", *tables, "--out", links),
        ("review", links, "--blind", links),
        ("export", links, "--out", links),
        ("migrate", links, links),
    )
    for arguments in others:
        assert call(*arguments).exception is not None, arguments
        assert links.read_bytes() == before
    refused = str(call("propose", *tables, "--out", links).exception)
    assert "1 decisions of people" in refused
    assert "align migrate" in refused


def test_quotes_that_a_spreadsheet_adds_are_taken_off(tmp_path: Path) -> None:
    left = 'id\tpath\n1\t"Food > Tea, black"\n2\t"Home > 12"" pans"\n3\tHome > 12" bowls\n'
    files = write(tmp_path, left=left, right='id\tpath\n8\tFood > Tea, black\n9\tHome > 12" pans\n')
    assert propose(files, "--method", "paper").exit_code == 0
    rows = (tmp_path / "links.sssom.tsv").read_text(encoding="utf-8")
    assert "1\tFood > Tea, black\tskos:exactMatch\t8\tFood > Tea, black\t1.000000" in rows
    assert '"Home > 12"" pans"\tskos:exactMatch\t9\t"Home > 12"" pans"\t1.000000' in rows


COUNTED = {
    "left": "id\tpath\tcount\n1\t数码 > 手机\t30\n2\t数码 > 手机壳\t10\n3\t宠物 > 狗粮\t5\n",
    "right": "id\tpath\tcount\n8\t手机数码 > 手机\t20\n9\t宠物用品 > 狗粮\t4\n7\t手机数码 > 茶\t1\n",
    "gold": "left_id\tright_id\trelation\n1\t8\texact\n3\t9\texact\n2\t9\toverlaps\n",
}


def test_rows_are_scored_from_the_tables_for_anyones_gold(tmp_path: Path) -> None:
    files = write(tmp_path, **COUNTED)
    assert propose(files).exit_code == 0
    plain = orjson.loads(
        call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], "--json").stdout
    )
    scored = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], "--rows", "--json")
    assert scored.exit_code == 0, scored.output
    told = orjson.loads(scored.stdout)
    placed = told.pop("placed")
    assert told == plain
    assert told["overlaps"]["gold"] == 1
    assert (placed["rows"]["n"], placed["rows"]["joinable"]) == (70, 59)
    assert (placed["categories"]["n"], placed["categories"]["joinable"]) == (6, 4)
    assert placed["rows"]["right_place"] == placed["categories"]["right_place"] == 1.0
    text = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], "--rows").output
    assert "rows in a right place 1.0000 (of 70)" in text


def test_a_decision_counts_where_rows_are_scored_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    files = write(tmp_path, **COUNTED)
    propose(files)
    links = tmp_path / "links.sssom.tsv"
    with links.open("a", encoding="utf-8") as file:
        ends = "2\t数码 > 手机壳\tskos:broadMatch\t7\t手机数码 > 茶"
        file.write(f"{ends}\t\t\t\tleft\tright\tli\t\t\t\t\t\taccept\t\t\n")
    placed = orjson.loads(call("score", links, "--gold", files["gold"], "--rows", "--json").stdout)["placed"]
    assert placed["rows"]["right_place"] == 60 / 70
    assert [row["category"] for row in placed["wrong_place"]] == ["left '数码 > 手机壳'"]
    assert "right '手机数码 > 茶'" in placed["wrong_place"][0]["others"]


def test_without_counts_every_category_is_one_row(tmp_path: Path) -> None:
    files = write(tmp_path, left=LEFT.replace("\ttitles", "\tnote"), right=RIGHT, gold=COUNTED["gold"])
    propose(files)
    told = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], "--rows", "--json")
    placed = orjson.loads(told.stdout)["placed"]
    assert placed["rows"] == placed["categories"]
    assert placed["rows"]["n"] == 6


@pytest.mark.parametrize("option", ["--first-level", "--project"])
def test_how_to_merge_is_asked_only_with_rows(tmp_path: Path, option: str) -> None:
    files = write(tmp_path, **COUNTED)
    propose(files)
    told = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], option, files["left"])
    assert "use them with --rows" in str(told.exception)


def test_a_category_above_those_of_the_tables_may_stand_in_a_gold(tmp_path: Path) -> None:
    """Where there are titles, the method links the categories above, too; their ids are their paths."""
    files = write(tmp_path, **{**COUNTED, "gold": "left_id\tright_id\n1\t8\n数码\t手机数码\n数码产品\t8\n"})
    propose(files)
    told = call("score", tmp_path / "links.sssom.tsv", "--gold", files["gold"], "--json")
    scores = orjson.loads(told.stdout)
    assert scores["gold_pairs"] == 2
    assert [text.split(":")[0] for text in scores["gold_unknown"]] == ["line 4"]

"""The commands of a review, run as a person runs them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.cli import cli, main
from mep3m.errors import Mep3mError, NotFoundError, TaxonomyError, UsageError
from mep3m.store import Store
from tests.alignment.shops import decide, products, proposals


def run(*args: object, **values: Any) -> Result:
    result = CliRunner().invoke(cli, ["align", *map(str, args)], standalone_mode=False, **values)
    if result.exception is not None and not isinstance(result.exception, Mep3mError):
        raise result.exception
    return result


def code(result: Result) -> int:
    return int(result.return_value or 0)


def as_json(*args: object) -> Any:
    return json.loads(run(*args, "--json").stdout)


@pytest.fixture
def review(tmp_path: Path) -> Path:
    return proposals(tmp_path / "links.tsv")


def test_review_decides_by_line_and_undo_takes_it_back(review: Path) -> None:
    before = review.read_bytes()
    assert as_json("review", review)["progress"] == {"accept": 0, "reject": 0, "unsure": 0, "open": 5}
    run("review", review, "--accept", "8-10", "--reject", "12", "--unsure", "11", "--reviewer", "li")
    assert as_json("review", review)["progress"] == {"accept": 3, "reject": 1, "unsure": 1, "open": 0}
    run("review", review, "--clear", "11")
    assert [row["line"] for row in as_json("review", review)["open"]] == [11]
    run("undo", review)
    assert "5 row(s)" in run("undo", review).stdout
    assert review.read_bytes() == before
    assert isinstance(run("undo", review).exception, UsageError)


def test_redo_repeats_what_undo_took_back(review: Path) -> None:
    run("review", review, "--accept", "8-10", "--reviewer", "li")
    decided = review.read_bytes()
    run("undo", review, "--by", "wang")
    assert as_json("redo", review, "--by", "wang")["redone"].startswith(
        "redone: 3 row(s) decided command line at"
    )
    assert review.read_bytes() == decided
    assert FileReviewLog(review).history()[-1].signature.by == "wang"
    run("undo", review)
    run("review", review, "--accept", "11")
    assert "nothing was undone since the last decision" in str(run("redo", review).exception)


def test_an_answer_that_comes_after_somebody_elses_is_not_recorded(
    review: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> str:
        decide(FileReviewLog(review), {0: {"mep3m_decision": "reject"}}, by="wang")
        return "a"

    monkeypatch.setattr("click.prompt", asked)
    result = run("review", review, "--line", "8", "--reviewer", "li")
    assert "not recorded: line 8" in result.stderr
    assert "it is now reject by wang" in result.stderr
    assert "1 reject" in result.stdout


def test_a_new_name_and_another_relation(review: Path) -> None:
    run("review", review, "--accept", "8", "--name-zh", "电视机", "--name-en", "TV", "--relation", "narrower")
    text = review.read_text(encoding="utf-8")
    assert "skos:broadMatch" in text
    assert "电视机\tTV" in text
    for wrong in (
        ["--name-zh", "x"],
        ["--accept", "8,9", "--name-zh", "x"],
        ["--accept", "8", "--reject", "8"],
    ):
        assert isinstance(run("review", review, *wrong).exception, UsageError)
    assert isinstance(run("review", review, "--accept", "3").exception, UsageError)


def test_asking_keeps_each_answer(review: Path) -> None:
    result = run(
        "review", review, "--ask", "--reviewer", "li", input="a\nr\ns\nn\n移动电源\nPower banks\nq\n"
    )
    assert "[1/5] line 11" in result.stdout
    counts = as_json("review", review)["progress"]
    assert (counts["accept"], counts["reject"], counts["open"]) == (2, 1, 2)
    assert "移动电源\tPower banks" in review.read_text(encoding="utf-8")
    run("review", review, "--line", "12", input="u\n")
    assert as_json("review", review)["progress"]["unsure"] == 1


def test_contradictions_are_shown_at_once(review: Path) -> None:
    text = review.read_text(encoding="utf-8").rstrip("\n").split("\n")
    review.write_text("\n".join([*text, text[7]]) + "\n", encoding="utf-8")
    result = run("review", review, "--accept", "8", "--reject", "13")
    assert code(result) == 1
    assert "lines 8, 13: the same link is accepted and rejected" in result.stderr


def test_a_blind_copy_and_back(review: Path, tmp_path: Path) -> None:
    copy = tmp_path / "blind.tsv"
    run("review", review, "--blind", copy, "--seed", "3")
    run("review", copy, "--accept", "9", "--reviewer", "wang")
    assert as_json("review", review, "--take", copy)["changed"] == 1


def test_propose_edit_apply_undo(review: Path, two_shops: Path, tmp_path: Path) -> None:
    out = tmp_path / "merged"
    given = ["apply", review, "--store", two_shops, "--first-level", tmp_path / "first.toml"]
    run("review", review, "--accept", "8-11", "--reviewer", "li")
    dry = as_json(*given, "--dry-run")
    assert not out.exists()
    result = run(*given, "--out", out, "--workers", "1", "--html", tmp_path / "impact.html")
    assert code(result) == 1
    assert "categories without a place: 1 (1 rows)" in result.stdout
    assert "<table>" in (tmp_path / "impact.html").read_text(encoding="utf-8")
    assert Store.open(out).taxonomy.version == dry["taxonomy"]
    assert as_json(*given, "--out", out)["after"] == []
    assert len(dry["joined"]) == 4
    run("undo", out)
    assert not out.exists()
    assert Store.open(two_shops).rows == 35


def test_apply_says_what_is_missing_or_wrong(review: Path, two_shops: Path, tmp_path: Path) -> None:
    assert "--store" in str(run("apply", review, "--out", tmp_path / "x").exception)
    assert "--dry-run" in str(run("apply", review, "--store", two_shops).exception)
    assert "another folder" in str(run("apply", review, "--store", two_shops, "--out", two_shops).exception)
    wrong = run("apply", review, "--store", two_shops, "--dry-run", "--unmapped", "drop")
    assert "unmapped" in str(wrong.exception)
    run("review", review, "--accept", "8,12")
    result = run("apply", review, "--store", two_shops, "--out", tmp_path / "m")
    assert isinstance(result.exception, TaxonomyError)
    assert "lines 8, 12: would join" in str(result.exception)
    assert not (tmp_path / "m").exists()


def test_apply_to_tables_alone(review: Path, tmp_path: Path) -> None:
    for name in "ab":
        rows = sorted({row.source_path for row in products() if row.source == name})
        lines = [f"{' > '.join(path)}\t{' > '.join(path)}\t3" for path in rows]
        (tmp_path / f"{name}.tsv").write_text("id\tpath\tcount\n" + "\n".join(lines) + "\n", encoding="utf-8")
    run("review", review, "--accept", "8-11")
    tables = ["--left", tmp_path / "a.tsv", "--right", tmp_path / "b.tsv"]
    report = as_json(
        "apply", review, *tables, "--left-source", "a", "--right-source", "b", "--out", tmp_path / "tree"
    )
    assert report["rows"] == 30
    assert (tmp_path / "tree" / "taxonomy.json").exists()
    again = as_json(
        "apply", review, *tables, "--left-source", "a", "--right-source", "b",
        "--out", tmp_path / "tree2", "--previous", tmp_path / "tree",
    )  # fmt: skip
    assert again["taxonomy"] == report["taxonomy"]
    assert isinstance(
        run("apply", review, *tables, "--dry-run", "--previous", review.parent).exception, NotFoundError
    )


def test_edits_follow_and_diff(review: Path, two_shops: Path, tmp_path: Path) -> None:
    merged, edits = tmp_path / "merged", tmp_path / "tree.edits.jsonl"
    run("review", review, "--accept", "8-11")
    report = as_json(
        "apply", review, "--store", two_shops, "--first-level", tmp_path / "first.toml", "--out", merged
    )
    tv = next(group["id"] for group in report["joined"] if "电视" in group["name"])
    phone = next(group["id"] for group in report["joined"] if group["name"] == "手机")
    run("edit", merged, "--edits", edits, "--rename", tv, "电视机", "TV sets", "--by", "li")
    run("edit", merged, "--edits", edits, "--archive", phone, "--reason", "sold off")
    run("edit", merged, "--edits", edits, "--move", tv, "phones")
    result = run("undo", edits)
    assert "moved below phones" in result.stdout
    followed = tmp_path / "followed"
    result = run("remap", merged, "--edits", edits, "--out", followed)
    assert (code(result), Store.open(followed).rejects().num_rows) == (1, 11)
    text = run("diff", merged, followed, "--edits", edits).stdout
    assert f"renamed  {tv}" in text
    assert f"archived {phone}" in text
    (tmp_path / "run").mkdir()
    tree = json.dumps({"tree": [["phones"], ["phones", phone]]})
    (tmp_path / "run" / "classifier.json").write_text(tree)
    result = run("diff", merged, followed, "--edits", edits, "--model", tmp_path / "run")
    assert code(result) == 1
    assert f"model    {phone}  gone: {phone} was archived: sold off" in result.stdout
    assert "exactly one" in str(run("edit", merged, "--edits", edits).exception)
    assert isinstance(run("diff", merged, review).exception, Mep3mError)


def test_migrate_lists_what_to_look_at_again(review: Path, tmp_path: Path) -> None:
    new = proposals(tmp_path / "new.tsv")
    run("review", review, "--accept", "8-10")
    new.write_text(
        new.read_text(encoding="utf-8").replace("家电 > 空调\t家电 > 空调", "家电 > 空调\t空调"),
        encoding="utf-8",
    )
    result = run("migrate", review, new, "--out", tmp_path / "now.tsv")
    assert code(result) == 1
    assert "2 decisions kept, 1 not" in result.stdout
    assert as_json("review", tmp_path / "now.tsv")["progress"]["accept"] == 2


def test_a_store_is_proposed_reviewed_and_applied(two_shops: Path, tmp_path: Path) -> None:
    links, first = tmp_path / "p.tsv", tmp_path / "first.toml"
    made = as_json(
        "propose", "--store", two_shops, "--first-level", first, "--method", "paper", "--out", links
    )
    assert (made["a"], made["b"]) == (5, 5)
    report = as_json("apply", links, "--store", two_shops, "--first-level", first, "--unreviewed", "accept",
                     "--accept-above", "0", "--dry-run")  # fmt: skip
    assert report["decisions"]["accept"] == 0
    assert len(report["joined"]) == made["accepted"] > 0
    for wrong in ([], ["--store", two_shops, "--left", links], ["--left", links]):
        assert "or --store DIR" in str(run("propose", *wrong, "--out", links).exception)


def test_what_was_refused_reaches_the_shell_as_exit_code_1(
    review: Path, two_shops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["apply", review, "--store", two_shops, "--first-level", tmp_path / "first.toml", "--dry-run"]
    monkeypatch.setattr("sys.argv", ["mep3m", "align", *map(str, given)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1


@pytest.mark.parametrize(("old", "new"), [("carry", "migrate"), ("follow", "remap")])
def test_the_names_of_an_earlier_version_still_work(old: str, new: str) -> None:
    earlier, today = run(old, "--help"), run(new, "--help")
    assert earlier.exit_code == today.exit_code == 0
    assert earlier.output.splitlines()[2:] == today.output.splitlines()[2:]
    assert f"  {old} " not in run("--help").output

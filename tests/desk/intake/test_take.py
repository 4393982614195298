"""What comes in is taken once, and the audit is drawn by chance alone."""

import json
import shutil
from pathlib import Path

import pytest

from mep3m.desk.intake.incoming import fingerprint_of
from mep3m.desk.intake.take import Arrival, Draw, take
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.store.store import Store
from tests.cli.runner import ran
from tests.desk.filled import SURE, UNSURE, Filled, items


def rows(reviewing: Reviewing, queue: str) -> list[str]:
    found = reviewing.database.read.execute(
        "SELECT own_id FROM items WHERE queue = ? ORDER BY cluster", (queue,)
    )
    return [row["own_id"] for row in found]


def test_what_is_not_filed_comes_to_review(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        told = filled.take(reviewing, UNSURE + SURE)
        assert told["came"] == told["new"] == len(UNSURE + SURE)
        assert told["review"] == len(items(reviewing)) >= len(UNSURE)
        assert told["audit"] == 0


def test_the_same_file_twice_adds_nothing(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE, Draw(share=0.3))
        before = rows(reviewing, "review"), rows(reviewing, "audit")
        again = filled.take(reviewing, UNSURE, Draw(share=0.9, seed=5))
        assert again["repeated"]
        assert before == (rows(reviewing, "review"), rows(reviewing, "audit"))


def test_products_that_came_before_are_not_drawn_again(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE, Draw(share=0.3))
        audit = rows(reviewing, "audit")
        table = filled.table([*UNSURE, "苹果 新"], "more.tsv")
        batch = Arrival.of_answers(filled.answers(table, "more.jsonl"), filled.run, table)
        told = take(reviewing, batch, Draw(share=1.0), filled.run.classifier.tree, None)
        assert told["new"] == 1
        assert rows(reviewing, "audit") == [*audit, f"N{len(UNSURE)}"]


def test_the_sample_is_by_chance_and_not_by_the_answer_or_the_order(filled: Filled, tmp_path: Path) -> None:
    titles = [f"{title} {n}" for title in (*UNSURE, *SURE) for n in range(8)]
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, titles, Draw(share=0.4, two=0), least=0.6)
        drawn = set(rows(reviewing, "audit"))
        answered = reviewing.database.read.execute("SELECT answer FROM items WHERE queue = 'audit'")
        decisions = {'"filed"' in row["answer"] for row in answered}
    assert decisions == {True, False}
    assert 0.25 * len(titles) < len(drawn) < 0.55 * len(titles)
    other = Path(
        shutil.copytree(filled.run.folder, tmp_path / "other", ignore=shutil.ignore_patterns("desk"))
    )
    lines = (tmp_path / "new0.tsv").read_text(encoding="utf-8").splitlines()
    table = filled.table([], "turned.tsv")
    table.path.write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    with opened_reviewing(other) as reviewing:
        batch = Arrival.of_answers(filled.answers(table, "turned.jsonl"), filled.run, table)
        take(reviewing, batch, Draw(share=0.4, two=0), filled.run.classifier.tree, None)
        assert set(rows(reviewing, "audit")) == drawn


def test_one_of_a_duplicate_group_is_drawn_and_the_others_are_asked_of_nobody(filled: Filled) -> None:
    titles = ["苹果 手机 壳!"] * 5 + ["苹果手机壳"] * 5
    with opened_reviewing(filled.folder) as reviewing:
        told = filled.take(reviewing, titles, Draw(share=1.0))
        assert (told["audit"], told["review"], told["duplicates"]) == (1, 0, 9)


def test_what_people_have_labelled_is_no_case_of_the_audit(filled: Filled) -> None:
    """Such an answer is that of the label, and says nothing of the model."""
    table = filled.table(UNSURE)
    answers = filled.answers(table, least=0.0)
    lines = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines):
        assert (line["decision"], line["kept"]) == ("filed", None)
        line["kept"] = ("given", "reviewed", None)[number % 3]
    answers.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    with opened_reviewing(filled.folder) as reviewing:
        batch = Arrival.of_answers(answers, filled.run, table)
        told = take(reviewing, batch, Draw(share=1.0), filled.run.classifier.tree, None)
        assert told["audit"] == sum(line["kept"] is None for line in lines)
        assert sorted(rows(reviewing, "audit")) == sorted(
            line["id"] for line in lines if line["kept"] is None
        )


def test_a_number_is_drawn(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        assert filled.take(reviewing, UNSURE, Draw(number=7))["audit"] == 7


def test_a_table_without_ids_is_told_apart(filled: Filled) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        for n, titles in enumerate((UNSURE[:5], UNSURE[5:10])):
            path = filled.folder.parent / f"bare{n}.tsv"
            path.write_text("title\n" + "\n".join(titles) + "\n", encoding="utf-8")
            table = filled.table([], "x.tsv")
            table = type(table)(path, {"title": "title"})
            batch = Arrival.of_answers(filled.answers(table, f"bare{n}.jsonl"), filled.run, table)
            if n:
                with pytest.raises(UsageError, match=r"without ids counts its rows: .*--id"):
                    take(reviewing, batch, Draw(share=0), filled.run.classifier.tree, None)
            else:
                take(reviewing, batch, Draw(share=0), filled.run.classifier.tree, None)
        assert len(items(reviewing)) == 5


def test_answers_of_another_model_are_refused(filled: Filled) -> None:
    table = filled.table(UNSURE)
    answers = filled.answers(table)
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace(filled.run.version, "0" * 16), encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 1: model 0000.* and the run here .* let this run answer"):
        Arrival.of_answers(answers, filled.run, table)


def test_answers_of_another_table_are_refused(filled: Filled) -> None:
    answers = filled.answers(filled.table(UNSURE))
    with pytest.raises(UsageError, match=r"answers for 'N0' .* has '香蕉' under this id"):
        Arrival.of_answers(answers, filled.run, filled.table(["香蕉"], "other.tsv"))
    with pytest.raises(UsageError, match="has no such product"):
        Arrival.of_answers(answers, filled.run, filled.table(["香蕉"], "other.tsv", first=100))


def test_what_is_no_file_of_answers_is_named(filled: Filled, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        fingerprint_of(tmp_path / "gone.jsonl")
    for name, text in (("list.jsonl", "[1]\n"), ("text.jsonl", "no json\n"), ("half.jsonl", '{"id": "1"}\n')):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(FormatError, match=f"{name}, line 1 is no answer"):
            Arrival.of_answers(path, filled.run, None)


def test_titles_are_enough_without_a_table(filled: Filled) -> None:
    answers = filled.answers(filled.table(UNSURE))
    with opened_reviewing(filled.folder) as reviewing:
        batch = Arrival.of_answers(answers, filled.run, None)
        assert take(reviewing, batch, Draw(share=0), filled.run.classifier.tree, None)["review"] == len(
            UNSURE
        )


@pytest.mark.parametrize("given", [True, False])
def test_answers_for_the_store_of_a_build_come_with_its_pictures_and_names(build: Path, given: bool) -> None:
    answers = build / "filed.jsonl"
    assert (
        ran("assign", build / "model", build / "5-align", "--out", answers, "--min-confidence", 0.99).code
        == 0
    )
    named = ("--table", build / "5-align") if given else ()
    assert ran("desk", "take", build, answers, *named, "--share", 0).code == 0
    with opened_reviewing(build) as reviewing:
        found = reviewing.database.read.execute("SELECT picture FROM items").fetchall()
        assert found
        assert any(row["picture"] for row in found)
    told = [json.loads(line) for line in answers.read_text().splitlines()]
    unsure = [one for one in told if (one["reason"] or "").startswith("no category below")]
    assert unsure
    for one in unsure:
        assert f"below '{one['names'][-1]}'" in one["reason"]


def test_answers_for_another_table_than_the_store_are_taken_as_they_are(build: Path, tmp_path: Path) -> None:
    table = tmp_path / "new.tsv"
    table.write_text("id\ttitle\nX1\t一件没有见过的东西\n")
    answers = tmp_path / "filed.jsonl"
    asked = ("--id", "id", "--title", "title", "--min-confidence", 0.99)
    assert ran("assign", build / "model", table, *asked, "--out", answers).code == 0
    assert ran("desk", "take", build, answers, "--share", 0).code == 0
    with opened_reviewing(build) as reviewing:
        assert rows(reviewing, "review") == ["X1"]


def test_products_of_a_build_without_a_label_are_reviewed(build: Path) -> None:
    with opened_reviewing(build) as reviewing:
        store = Store.open(build / "1-ingest")
        batch = Arrival.of_unlabelled(store, None)
        from mep3m.label_tree.tree import LabelTree

        tree = LabelTree.from_taxonomy(Store.open(build / "5-align").taxonomy)
        told = take(reviewing, batch, Draw(), tree, None)
        assert told["audit"] == 0
        assert told["review"] == told["came"]

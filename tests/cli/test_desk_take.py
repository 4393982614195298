"""From answers to reviewed rows on the command line: three commands, and what each says."""

import os
from pathlib import Path

import pytest

from tests.cli.runner import ran

NEW = "sku\ttitle\n" + "".join(f"N{n}\t苹果 手机 {n}\n" for n in range(10))


@pytest.fixture
def place(run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import shutil

    shutil.copytree(run_folder, tmp_path / "run")
    (tmp_path / "new.tsv").write_text(NEW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    told = ran("assign", "run", "new.tsv", "--id", "sku", "--out", "new.jsonl", "--min-confidence", "1")
    assert told.code == 0, told
    return tmp_path


def test_take_review_export_train(place: Path) -> None:
    taken = ran(
        "desk", "take", "run", "new.jsonl", "--table", "new.tsv", "--id", "sku", "--number", "2", "--two", "0"
    )
    assert taken.out == "10 of 10 products are new: 8 to review, 2 drawn for the audit\n"
    again = ran("desk", "take", "run", "new.jsonl", "--table", "new.tsv", "--id", "sku", "--number", "2")
    assert again.out == "these answers were taken in before; nothing was added\n"
    sheet = ran("review", "export", "run", "todo.xlsx", "--json")
    assert sheet.json == {"rows": 8, "out": "todo.xlsx"}
    rows = "".join(f"N{n},手机\n" for n in range(10))
    (place / "anna.csv").write_text(f"id,category\n{rows}", encoding="utf-8")
    imported = ran("review", "import", "run", "anna.csv", "--json")
    assert imported.code == 1  # the two that are audited are not asked about here
    assert imported.json["recorded"] == {"anna": 8}
    assert len(imported.json["refused"]) == 2
    (place / "items.tsv").write_text(
        "title\tl1\tl2\n" + "".join(f"好苹果 {n}\t食品\t苹果\n荣耀手机 {n}\t数码\t手机\n" for n in range(12)),
        encoding="utf-8",
    )
    exported = ran("desk", "export", "run", "--with", "items.tsv", "--to", "more.tsv")
    assert exported.out == "8 reviewed products: more.tsv\n"
    trained = ran(
        "train", "more.tsv", "--title", "title", "--labels", "l1,l2", "--modality", "text", "--out", "run2"
    )
    assert trained.code == 0, trained


def test_titles_alone_can_be_taken(place: Path) -> None:
    told = ran("desk", "take", "run", "new.jsonl", "--share", "0", "--json")
    assert told.json == {"came": 10, "new": 10, "audit": 0, "review": 10, "duplicates": 0, "repeated": False}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("run", "new.jsonl", "--share", "0.5", "--number", "3"), "give one of them"),
        (("run", "gone.jsonl"), "gone.jsonl does not exist"),
        (("run", "new.tsv"), "end it in .jsonl"),
        (("run",), "holds no store"),
        (("run", "new.jsonl", "--controls", "new.tsv"), "l1"),
        (("gone", "new.jsonl"), "gone"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_taken(place: Path, words: tuple[str, ...], why: str) -> None:
    told = ran("desk", "take", *words)
    assert told.code in (1, 2)
    assert why in told.err
    assert "Traceback" not in told.err


def test_nothing_decided_is_nothing_exported(place: Path) -> None:
    ran("desk", "take", "run", "new.jsonl")
    assert "nothing is agreed on yet" in ran("desk", "export", "run", "--to", "out.tsv").err
    assert "no audited row counts yet" in ran("desk", "promise", "run", "--out", "p.json").err
    assert ran("review", "import", "run", "a.csv", "b.csv", "--person", "li").code == 2


def test_controls_that_cannot_be_read_leave_the_answers_for_the_next_try(place: Path) -> None:
    (place / "known.tsv").write_text("sku\ttitle\tl1\tl2\nK1\t冰箱\t家电\t冰箱\n", encoding="utf-8")
    words = ("desk", "take", "run", "new.jsonl", "--id", "sku", "--labels", "l1,l2", "--share", "0")
    refused = ran(*words, "--controls", "known.tsv")
    assert (refused.code, refused.out) == (2, "")
    assert "no row of known.tsv has a label of the tree" in refused.err
    (place / "known.tsv").write_text("sku\ttitle\tl1\tl2\nK1\t苹果 手机\t数码\t手机\n", encoding="utf-8")
    taken = ran(*words, "--controls", "known.tsv")
    assert taken.out.splitlines() == [
        "10 of 10 products are new: 10 to review, 0 drawn for the audit",
        "1 control item is mixed into the review",
    ]


def test_a_sheet_that_cannot_be_read_leaves_the_others_for_the_next_try(place: Path) -> None:
    ran("desk", "take", "run", "new.jsonl", "--share", "0")
    (place / "anna.csv").write_text("id,category\nN0,手机\nN1,nonsense\n", encoding="utf-8")
    (place / "ben.csv").write_text("sku,what\nN0,手机\n", encoding="utf-8")
    refused = ran("review", "import", "run", "anna.csv", "ben.csv")
    assert (refused.code, refused.out) == (1, "")
    assert "ben.csv has no column 'id'" in refused.err
    (place / "ben.csv").write_text("id,category\nN0,none of these\n", encoding="utf-8")
    taken = ran("review", "import", "run", "anna.csv", "ben.csv")
    assert taken.out.splitlines() == ["anna: 1 new decision", "ben: 1 new decision"]
    assert "anna.csv, B3: 'nonsense' is no category" in taken.err
    assert "anna says 数码 > 手机, ben says none of these" in taken.err


def test_controls_that_no_category_holds_are_counted_and_said(place: Path) -> None:
    rows = "K1\t苹果 手机\t数码\t手机\nK2\t冰箱\t家电\t冰箱\nK3\t洗衣机\t家电\t洗衣机\nK4\t无\t\t\n"
    (place / "known.tsv").write_text("sku\ttitle\tl1\tl2\n" + rows, encoding="utf-8")
    words = ("desk", "take", "run", "new.jsonl", "--id", "sku", "--labels", "l1,l2", "--share", "0")
    taken = ran(*words, "--controls", "known.tsv")
    assert "1 control item is mixed into the review" in taken.out
    assert "2 rows have a label that is none of the run's tree (first: '家电 > 冰箱')" in taken.err
    assert "1 row has no label" in taken.err
    told = ran(*words, "--controls", "known.tsv", "--json").json
    assert (told["controls_outside"], told["controls_unlabelled"]) == (2, 1)


def test_answers_from_a_pipe_are_refused(place: Path) -> None:
    os.mkfifo(place / "pipe.jsonl")
    for name in ("pipe.jsonl", "run"):
        told = ran("desk", "take", "run", name)
        assert told.code == 2
        assert "write the answers into a .jsonl file" in told.err


@pytest.mark.parametrize("name", ["todo.csv", "todo.tsv", "todo.xlsx"])
def test_what_was_exported_is_imported_filled_in(place: Path, name: str) -> None:
    ran("desk", "take", "run", "new.jsonl", "--share", "0")
    told = ran("review", "export", "run", name, "--limit", "1")
    assert told.out.startswith(f"1 product waits: {name}; ")
    if name != "todo.xlsx":
        text = (place / name).read_text(encoding="utf-8").rstrip("\r\n")
        (place / name).write_text(text + "手机\n", encoding="utf-8")
        imported = ran("review", "import", "run", name)
        assert imported.out == "todo: 1 new decision\n"


def test_a_sheet_of_another_kind_is_refused(place: Path) -> None:
    ran("desk", "take", "run", "new.jsonl", "--share", "0")
    assert ".csv" in ran("review", "export", "run", "todo.ods").err

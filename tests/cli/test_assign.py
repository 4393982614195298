"""`mep3m assign`: the user's own ids, the kind of file that the name says, pictures, exit codes."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

import mep3m
from tests.cli.runner import Ran, ran
from tests.cli.test_flow import write_table
from tests.ingest.shop import picture

#: no --id: what is filed names its own
COLUMNS = ("--title", "title", "--labels", "dept,kind")
SURE = ("--min-confidence", "0.6")
EVIL = ['=HYPERLINK("http://x","tea")', "+tea leaf", "@tea leaf", "-5"]
HEADER = ["id", "title", "level_1", "level_2", "confidence", "decision", "reason", "suggestion"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assign")
    table = write_table(folder / "items.csv", 60)
    table.write_text(table.read_text().replace("sku,name", "id,title"))
    assert ran("train", table, *COLUMNS, "--out", folder / "run", "--set", "epochs=9").code == 0
    return folder / "run"


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on images alone."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("eyes")
    rows = [f"{n},{n % 4}.png,{'tea' if n % 2 else 'rice'}" for n in range(24)]
    (folder / "items.csv").write_text("id,photo,kind\n" + "\n".join(rows) + "\n")
    for n in range(4):
        (folder / f"{n}.png").write_bytes(picture(n))
    named = (
        "--id",
        "id",
        "--image",
        "photo",
        "--labels",
        "kind",
        "--modality",
        "image",
        "--model",
        "small-cnn",
    )
    sets = [word for name in ("pixels=32", "epochs=1", "backbone=test_resnet") for word in ("--set", name)]
    done = ran("train", folder / "items.csv", *named, *sets, "--out", folder / "run")
    assert done.code == 0, done.err
    return folder / "run"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def filed(run: Path, content: str, name: str, *more: object) -> tuple[Ran, list[dict[str, object]]]:
    table = run.parent / name
    table.write_text(content, encoding="utf-8")
    done = ran("assign", run, table, "--out", run.parent / "out.jsonl", *more)
    return done, lines(run.parent / "out.jsonl")


def test_ids_are_the_users_own(run: Path) -> None:
    done, found = filed(run, "id,title\n1,tea leaf\nn:2,tea leaf\n", "n.csv", "--id", "id")
    assert (done.code, [one["id"] for one in found]) == (0, ["1", "n:2"])
    assert [one["platform"] for one in found] == [None, None]


def test_without_ids_the_number_of_the_row_counts_refused_rows_too(run: Path) -> None:
    content = 'title,size\ntea leaf,1\nonly one\n"tea\nleaf",3\ntea leaf,4\n'
    done, found = filed(run, content, "n.csv", "--title", "title")
    assert (done.code, [one["id"] for one in found]) == (1, ["1", "3", "4"])


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        ("title,size\ntea leaf,1\n,\ntea leaf,3\n", ["1", "3"]),
        ("title,size\n,\n, \ntea leaf,3\n\ntea leaf,4\n", ["3", "4"]),  # a blank line is no row
        ('title,size\n"tea\n\nleaf",1\n"",""\ntea leaf,3\nonly\ntea leaf,5\n', ["1", "3", "5"]),
        ("title\ntea leaf\n\ntea leaf\n", ["1", "2"]),
    ],
)
def test_rows_of_empty_cells_count_too(run: Path, content: str, numbers: list[str]) -> None:
    _, found = filed(run, content, "n.csv", "--title", "title")
    assert [one["id"] for one in found] == numbers
    _, found = filed(run, content.replace(",", "\t"), "n.tsv", "--title", "title")
    if '"' not in content:
        assert [one["id"] for one in found] == numbers


def test_an_empty_id_among_others_is_no_number(run: Path) -> None:
    _, found = filed(run, "id,title\n2,tea leaf\n,tea leaf\n", "n.csv", "--id", "id")
    assert [one["id"] for one in found] == ["2", "row 2"]


def test_a_platform_stands_beside_the_id(run: Path) -> None:
    content = "id,shop,title\n1,jd,tea leaf\n1,tmall,tea leaf\n"
    _, found = filed(run, content, "n.csv", "--id", "id", "--platform", "shop")
    assert [(one["platform"], one["id"]) for one in found] == [("jd", "1"), ("tmall", "1")]
    ran(
        "assign", run, run.parent / "n.csv", "--id", "id", "--platform", "shop", "--out", run.parent / "o.csv"
    )
    assert (run.parent / "o.csv").read_text().startswith("id,platform,title,level_1")


def test_each_line_says_the_decision_and_why(run: Path) -> None:
    _, (tea, nothing, odd) = filed(run, "id,title\n1,tea leaf\n2,!!!\n3,zzz\n", "n.csv", "--id", "id", *SURE)
    assert (tea["decision"], tea["review"], tea["reason"]) == ("filed", False, None)
    assert (nothing["decision"], nothing["path"], nothing["top"]) == ("review", [], [])
    assert nothing["reason"] == "nothing to read: the title has no letter or digit"
    assert odd["decision"] == "review"
    done = ran("assign", run, run.parent / "n.csv", "--id", "id", "--out", run.parent / "o.jsonl", "--json",
        *SURE)  # fmt: skip
    assert (done.json["filed"], done.json["review"]) == (1, 2)


def test_the_name_says_what_is_written(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "n.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "title"], ["007", "tea leaf"], *([t, t] for t in EVIL)])
    for kind in ("jsonl", "csv", "xlsx", "parquet"):
        assert ran("assign", run, table, "--id", "id", "--out", tmp_path / f"o.{kind}", *SURE).code == 0
    with (tmp_path / "o.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == HEADER
    assert rows[0][:4] == ["007", "tea leaf", "food", "tea"]
    assert (rows[0][5], rows[0][6]) == ("filed", "")
    assert 0.6 < float(rows[0][4]) <= 1
    assert [row[1] for row in rows[1:]] == ["'" + EVIL[0], "'" + EVIL[1], "'" + EVIL[2], "-5"]
    sheet = load_workbook(tmp_path / "o.xlsx").active
    assert sheet is not None
    head, *body = sheet.iter_rows()
    assert [cell.value for cell in head] == HEADER
    assert [row[0].value for row in body] == ["007", *EVIL]
    assert {cell.data_type for row in body for cell in row[:2]} == {"s"}
    assert isinstance(body[0][4].value, float)
    parquet = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["id"] for row in parquet] == ["007", *EVIL]
    jsonl = lines(tmp_path / "o.jsonl")
    assert [row["id"] for row in jsonl] == ["007", *EVIL]
    assert [row["decision"] for row in jsonl] == [row["decision"] for row in parquet] == [r[5] for r in rows]


@pytest.mark.parametrize("name", ["o.json", "o.xls", "o", "o.csv.gz"])
def test_another_name_is_refused_before_any_work(run: Path, tmp_path: Path, name: str) -> None:
    done = ran("assign", run, tmp_path / "gone.csv", "--out", tmp_path / name)
    assert done.code == 2
    assert "end it in .jsonl, .csv, .xlsx or .parquet" in done.err
    assert list(tmp_path.iterdir()) == []


def test_answers_to_rows_of_a_store_have_ids_for_classes(tmp_path: Path) -> None:
    world = mep3m.simulate(tmp_path / "world", products=60, images=False, seed=5)
    built = mep3m.build(world.project, tmp_path / "built", workers=1)
    done = ran("assign", tmp_path / "built/model", built.store.folder, "--out", tmp_path / "o.parquet")
    assert done.code == 0, done.err
    table = pq.read_table(tmp_path / "o.parquet")
    assert table.column_names[:3] == ["id", "platform", "title"]
    assert "category" in table.column_names
    rows = [row for row in table.to_pylist() if row["level_1"]]
    assert all(row["category"] != row["level_1"] for row in rows)
    own = {product.source_id for product in built.load()}
    assert {row["id"] for row in table.to_pylist()} >= own


def test_a_picture_and_a_folder_of_pictures(eyes: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "in/b.png", "in/.hidden.png"):
        (tmp_path / name).write_bytes(picture(1))
    assert ran("assign", eyes, tmp_path, "--out", tmp_path / "o.jsonl").code == 0
    assert [one["id"] for one in lines(tmp_path / "o.jsonl")] == ["a.png", "in/b.png"]
    assert ran("assign", eyes, tmp_path / "a.png", "--out", tmp_path / "one.csv").code == 0
    assert (tmp_path / "one.csv").read_text().splitlines()[1].startswith("a.png,")
    assert len(mep3m.load_run(eyes).predict(tmp_path)) == 2
    (tmp_path / "in/b.png").write_bytes(b"no")
    (tmp_path / "c.heic").write_bytes(b"x")
    done = ran("assign", eyes, tmp_path, "--out", tmp_path / "o.jsonl")
    assert done.code == 1
    assert "1 rows of" in done.err
    assert "convert it to JPEG or PNG" in done.err
    assert [one["decision"] for one in lines(tmp_path / "o.jsonl")][1] == "review"


def test_pictures_for_a_model_of_titles_are_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    for data in (tmp_path, tmp_path / "a.png"):
        done = ran("assign", run, data, "--out", tmp_path / "o.jsonl")
        assert done.code == 2
        assert "this model reads the title, not the image: give the title of the product" in done.err


def test_an_unreadable_image_is_1_wherever_help_says_so(eyes: Path, tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(picture(0))
    (tmp_path / "1.png").write_bytes(b"<html>")
    rows = [f"{n},{n % 2}.png,{'tea' if n % 2 else 'rice'}" for n in range(8)]
    (tmp_path / "n.csv").write_text("id,photo,kind\n" + "\n".join(rows) + "\n")
    table = (tmp_path / "n.csv", "--image-root", tmp_path)
    assert ran("assign", eyes, *table, "--out", tmp_path / "o.jsonl").code == 1
    assert ran("evaluate", eyes, "--data", *table).code == 1


def test_a_run_that_is_not_there_is_2_as_a_table_is(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "n.csv"
    table.write_text("title\ntea leaf\n")
    gone = tmp_path / "gone"
    for words in (
        ("assign", gone, table, "--out", tmp_path / "o.jsonl"),
        ("evaluate", gone, "--data", table),
        ("serve", gone, "--port", "0"),
        ("export-onnx", gone, tmp_path / "m.onnx"),
        ("assign", run, tmp_path / "gone.csv", "--out", tmp_path / "o.jsonl"),
    ):
        done = ran(*words)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert "does not exist" in done.err


def test_the_encoding_is_named_where_it_is_not_sure(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "n.csv"
    rows = [f"{n},台灣高山烏龍茶 禮盒裝 {n},food,tea" for n in range(20)]
    table.write_text("id,title,dept,kind\n" + "\n".join(rows) + "\n", encoding="big5")
    data = ("--id", "id", "--title", "title")
    for words in (
        ("assign", run, table, *data, "--out", tmp_path / "o.jsonl"),
        ("evaluate", run, "--data", table, *data),
        ("split", table, "--title", "title", "--out", tmp_path / "s.json"),
    ):
        assert ran(*words).code == 1
        assert ran(*words, "--encoding", "big5").code == 0


def test_a_target_takes_a_threshold_from_the_held_out_rows_and_says_what_it_is(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.csv", 400)
    named = ("--title", "name", "--labels", "dept,kind")
    assert ran("train", table, *named, "--out", tmp_path / "run").code == 0
    done = ran("assign", tmp_path / "run", table, "--out", tmp_path / "o.jsonl", "--target-precision", "0.8")
    assert done.code == 0, done.err
    assert "is an estimate, not a promise" in done.err
    threshold = float(done.err.split("threshold ")[1].split(":")[0])
    assert threshold >= 0.5
    filed = [one for one in lines(tmp_path / "o.jsonl") if one["decision"] == "filed"]
    assert all(one["confidence"][-1] >= threshold for one in filed)  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target-precision", "0.9", "--min-confidence", "0.5"), "give one of them"),
        (("--target-precision", "1"), "is not in the range"),
        (("--target-precision", "0.9"), "at no threshold that files 30 rows or more"),
    ],
)
def test_a_target_that_cannot_be_had_is_refused(run: Path, words: tuple[str, ...], said: str) -> None:
    (run.parent / "n.csv").write_text("id,title\n1,tea leaf\n")
    done = ran("assign", run, run.parent / "n.csv", *words, "--out", run.parent / "none.jsonl")
    assert done.code == 2
    assert said in done.err
    assert not (run.parent / "none.jsonl").exists()


def test_why_is_in_lines_and_in_tables(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "n.csv"
    table.write_text("id,title\n1,tea leaf\n2,!!!\n")
    for kind in ("jsonl", "csv", "parquet"):
        done = ran("assign", run, table, "--id", "id", "--why", *SURE, "--out", tmp_path / f"o.{kind}")
        assert done.code == 0, done.err
    told, nothing = lines(tmp_path / "o.jsonl")
    assert told["why"]["words"][0]["text"] in ("tea", "leaf")  # type: ignore[index]
    assert nothing["why"] is None
    assert (tmp_path / "o.csv").read_text().splitlines()[0] == ",".join([*HEADER, "why"])
    assert "%" in pq.read_table(tmp_path / "o.parquet")["why"][0].as_py()

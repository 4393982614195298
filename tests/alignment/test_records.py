"""Reading a platform's categories: what is read, what is refused, with which line."""

from pathlib import Path

import pytest

from mep3m.alignment.from_store import sides_from_products
from mep3m.alignment.records import Entry, Side, read_side, same_path
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.product import Product, to_table


def write(folder: Path, text: str, name: str = "a.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_paths_titles_and_english_paths(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "\ufeffid\tpath\ttitles\tname_en\tfirst_level\n"
        "1\t手机\t\tPhones\t\n"
        "2\t手机 > 手机壳\t苹果壳 || 华为壳\tCases\t数码\r\n",
    )
    side, rejects = read_side(path)
    assert rejects == []
    assert side.name == "a"
    case = side["2"]
    assert case.path == ("手机", "手机壳")
    assert case.path_en == ("Phones", "Cases")
    assert case.titles == ("苹果壳", "华为壳")
    assert (case.count, case.first_level, case.line) == (2, "数码", 3)
    assert (case.name, case.name_en, case.label) == ("手机壳", "Cases", "手机 > 手机壳")


def test_a_name_may_hold_the_mark_that_separates(tmp_path: Path) -> None:
    side, _ = read_side(write(tmp_path, "id\tpath\n1\t电视 > 屏幕>60寸\n"))
    assert side["1"].path == ("电视", "屏幕>60寸")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("\tA", "id is empty"),
        ("2\t", "empty name"),
        ("2\tA > ", "empty name"),
        ("2\tA >  > B", "empty name"),
        ("1\tA > B", "two places: line 2"),
        ("1\tA", "stands in line 2"),
        ("2\tB\t-3", "not a whole number"),
        ("2\tB\t²", "'²' is not a whole number"),
        ("2\tB\t" + "9" * 5_000, "not a whole number of up to 15 digits"),
        ("2\tB\t3\tx", "4 cells"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    side, rejects = read_side(write(tmp_path, f"id\tpath\tcount\n1\tA\n{row}\n3\tC\n"))
    assert [entry.id for entry in side] == ["1", "3"]
    assert [reject.line for reject in rejects] == [3]
    assert reason in rejects[0].reason


def test_two_ids_with_one_path_are_both_kept(tmp_path: Path) -> None:
    side, rejects = read_side(write(tmp_path, "id\tpath\n1\tA > B\n2\tA > B\n"))
    assert len(side) == 2
    assert rejects == []


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("id\tname\n1\tA\n", NotFoundError, "no column 'path'"),
        ("id\tpath\n\t\n", FormatError, "no category"),
        ("id\tpath\n1\t\n", FormatError, "line 2"),
    ],
)
def test_a_bad_table_stops(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_side(write(tmp_path, text))


TABLE = "id\tpath\tname_en\n1\t数码 > 手机 > 折叠屏\tFoldables\n2\t食品 > 茶叶\t\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n\t\t\n\n"])
def test_what_spreadsheets_save_reads_the_same(tmp_path: Path, encoding: str, end: str, last: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes((TABLE.strip("\n") + last).replace("\n", end).encode(encoding))
    side, refused = read_side(path)
    assert [(entry.id, entry.path, entry.name_en, entry.line) for entry in side] == [
        ("1", ("数码", "手机", "折叠屏"), "Foldables", 2),
        ("2", ("食品", "茶叶"), None, 3),
    ]
    assert refused == []


@pytest.mark.parametrize(
    "data",
    ["id\tpath\n1\tMöbel > Stühle\n".encode("latin-1"), "id\tpath\n1\t手机".encode()[:-1], b"PK\x03\x04"],
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(data)
    with pytest.raises(FormatError, match="UTF-8"):
        read_side(path)
    with pytest.raises(NotFoundError, match="not a file"):
        read_side(tmp_path / "none.tsv")


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="'path' twice"):
        read_side(write(tmp_path, "id\tpath\tpath\n1\tA\tB\n"))


def test_one_path_under_two_ids_is_named_and_both_are_kept(tmp_path: Path) -> None:
    side, rejects = read_side(write(tmp_path, "id\tpath\n1\tA > B\n2\tA\n3\tA  > B\n4\tA > B\n"))
    assert (len(side), rejects) == (4, [])
    assert [note.split(";")[0] for note in same_path(side)] == [
        "line 4: the path 'A > B' stands in line 2 too, with the id '1'",
        "line 5: the path 'A > B' stands in line 2 too, with the id '1'",
    ]


@pytest.mark.parametrize("text", ["", "\n", " \t\n"])
def test_a_table_without_a_header_says_what_it_must_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(FormatError, match="no header line; it must name: id, path"):
        read_side(write(tmp_path, text))


def test_products_without_categories_are_no_platforms() -> None:
    rows = to_table([product(1, "shop1", ()), product(2, "shop2", ())])
    with pytest.raises(UsageError, match="none: no row has a category path"):
        sides_from_products([rows])


def test_ids_of_a_side_are_unique() -> None:
    with pytest.raises(UsageError, match="'1' occurs twice"):
        Side("a", (Entry("1", ("A",)), Entry("1", ("B",))))
    with pytest.raises(NotFoundError, match="no category '2'"):
        Side("a", (Entry("1", ("A",)),))["2"]


def product(number: int, source: str, path: tuple[str, ...], **more: str) -> Product:
    return Product(f"p{number}", source, str(number), path, title=f"title {number}", **more)  # type: ignore[arg-type]


def test_sides_from_products_keeps_counts_and_the_first_titles() -> None:
    rows = [product(n, "shop1", ("A", "B"), ocr="text") for n in range(5)]
    rows += [
        product(9, "shop2", ("C",)),
        product(10, "shop2", ("D",), dropped="bad"),
        product(11, "shop2", ()),
    ]
    left, right = sides_from_products([to_table(rows[:3]), to_table(rows[3:])], titles_kept=2)
    assert (left.name, right.name) == ("shop1", "shop2")
    only = left["A > B"]
    assert (only.path, only.count, only.titles, only.ocr) == (
        ("A", "B"), 5, ("title 0", "title 1"), ("text", "text"),
    )  # fmt: skip
    assert [entry.id for entry in right] == ["C"]


def test_one_platform_is_not_enough() -> None:
    with pytest.raises(UsageError, match="two sources or more; found those of shop1"):
        sides_from_products([to_table([product(1, "shop1", ("A",))])])


@pytest.mark.parametrize(
    "text",
    [
        'id,path,titles\n1,家电 > 电视,a || b\n2,"Home > Beds, large",\n',
        "id;path;titles\n1;家电 > 电视;a || b\n2;Home > Beds, large;\n",
        'id\tpath\ttitles\n1\t家电 > 电视\ta || b\n2\t"Home > Beds, large"\t\n',
    ],
)
def test_a_table_of_categories_may_have_commas_or_semicolons(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    side, rejects = read_side(tmp_path / "a.csv")
    assert [entry.path for entry in side] == [("家电", "电视"), ("Home", "Beds, large")]
    assert (side["1"].titles, rejects) == (("a", "b"), [])

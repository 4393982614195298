"""Encodings: sure or refused, on real names of products in seven encodings, short files and mixtures."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.errors import FormatError
from mep3m.settings.sources import Columns, TableSettings
from mep3m.sources.encodings import count_kinds, decode_text, doubtful, is_chinese, suggestion
from mep3m.sources.lines import detect_encoding
from mep3m.sources.tables import TableSource, read_products
from tests.sources.texts import FOREIGN, SIMPLIFIED, TRADITIONAL, is_utf8

COLUMNS = Columns(id="id", title="title")
NAMES = [encoding for encoding, _ in FOREIGN]


def table(folder: Path, titles: list[bytes]) -> Path:
    path = folder / "shop.tsv"
    path.write_bytes(b"id\ttitle\n" + b"".join(b"%d\t%s\n" % (i, title) for i, title in enumerate(titles)))
    return path


@pytest.mark.parametrize(("encoding", "texts"), FOREIGN, ids=NAMES)
@pytest.mark.parametrize("count", [3, 4, 10, 30])
def test_another_encoding_is_an_error_that_names_it(
    tmp_path: Path, encoding: str, texts: list[str], count: int
) -> None:
    for start in range(0, 30 - count + 1, 3):
        titles = [text.encode(encoding) for text in texts[start : start + count]]
        if sum(not title.isascii() for title in titles) < 3:
            continue
        with pytest.raises(FormatError, match="--encoding") as caught:
            read_products(table(tmp_path, titles), COLUMNS)
        if count > 4:
            assert f"as {encoding}: '" in str(caught.value)
    products, rejects = read_products(
        table(tmp_path, [text.encode(encoding) for text in texts]), COLUMNS, encoding=encoding
    )
    assert (products["title"].to_pylist(), rejects) == (texts, [])


@pytest.mark.parametrize(
    ("encoding", "texts", "others"),
    [
        ("cp1253", ["Πράσινο τσάι", "Ελαιόλαδο παρθένο", "Τραπέζι ξύλινο", "Παιδικά παπούτσια"], 0),
        ("cp1255", ["תה ירוק בשקיקים", "שולחן עץ לפינת אוכל", "נעלי ספורט לילדים", "מגבת כותנה"], 2),
        ("cp1256", ["شاي أخضر أكياس", "طاولة خشبية للطعام", "حذاء رياضي للأطفال", "لحم بقري"], 0),
        ("cp874", ["ชาเขียวชนิดซอง", "โต๊ะไม้", "รองเท้ากีฬาเด็ก", "ผ้าเช็ดตัว"], 0),
        ("cp1254", ["Yeşil çay poşet", "Ahşap masa", "Çocuk ayakkabısı spor", "Sığır eti"], 2),
        ("cp1250", ["Ręcznik bawełniany żółty", "Łóżko dębowe", "Książka", "Mięso świeże"], 0),
    ],
    ids=["Greek", "Hebrew", "Arabic", "Thai", "Turkish", "Polish"],
)
def test_all_encodings_that_fit_are_shown_with_what_they_read(
    encoding: str, texts: list[str], others: int
) -> None:
    said = suggestion([text.encode(encoding) for text in texts])
    assert f"as {encoding}: '{texts[0]}'" in said
    assert said.count(" or as ") <= others


@pytest.mark.parametrize(
    "line", [bytes(range(128, 256)), bytes(range(255, 127, -1)), bytes(range(129, 256, 7)) * 9]
)
def test_nothing_is_suggested_where_nothing_fits(line: bytes) -> None:
    assert suggestion([line, line]) == ""


@pytest.mark.parametrize("texts", [SIMPLIFIED, TRADITIONAL], ids=["simplified", "traditional"])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_gb18030_needs_no_option(tmp_path: Path, texts: list[str], count: int) -> None:
    for start in range(0, 30, count):
        some = texts[start : start + count]
        products, rejects = read_products(table(tmp_path, [text.encode("gb18030") for text in some]), COLUMNS)
        assert (products["title"].to_pylist(), rejects) == (some, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["shop.csv", "shop.tsv", "shop.jsonl"])
def test_unicode_with_and_without_a_mark_is_read(tmp_path: Path, encoding: str, name: str) -> None:
    rows = {
        "shop.csv": 'id,title\n1,"红茶\n绿茶"\n2,Möbel\n',
        "shop.tsv": "id\ttitle\n1\t红茶\n2\tMöbel\n",
        "shop.jsonl": '{"id": 1, "title": "红茶"}\n{"id": 2, "title": "Möbel"}\n',
    }[name]
    (tmp_path / name).write_bytes(rows.encode(encoding))
    products, rejects = read_products(tmp_path / name, COLUMNS)
    assert rejects == []
    assert products["title"].to_pylist() == ["红茶\n绿茶" if name == "shop.csv" else "红茶", "Möbel"]
    source = TableSource(tmp_path / name, TableSettings(columns=COLUMNS))
    assert source.encoding_read == encoding.replace("-sig", "")


def test_a_setting_that_the_byte_order_mark_contradicts_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes("id,title\n1,红茶\n".encode("utf-8-sig"))
    with pytest.raises(FormatError, match="byte order mark of UTF-8, but the encoding set is 'big5'; leave"):
        read_products(tmp_path / "shop.csv", COLUMNS, encoding="big5")
    assert read_products(tmp_path / "shop.csv", COLUMNS, encoding="utf8")[0].num_rows == 1


def test_half_a_character_at_the_end_of_utf_16_refuses_its_line(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes("id,title\n1,红茶\n2,绿茶\n".encode("utf-16")[:-3])
    products, rejects = read_products(tmp_path / "shop.csv", COLUMNS)
    assert products["title"].to_pylist() == ["红茶"]
    assert [reject.line for reject in rejects] == [3]


SIMPLIFIED_LETTERS = sorted(set("".join(SIMPLIFIED)) - set(" "))


def is_everyday(character: str) -> bool:
    return bool(count_kinds([character])[0, 1])


def test_short_names_that_are_both_are_told_apart_by_what_they_say(tmp_path: Path) -> None:
    both = [one for one in SIMPLIFIED_LETTERS if is_utf8(one.encode("gb18030")) and is_everyday(one)]
    assert len(both) > 5  # each is one letter of another alphabet in UTF-8
    assert detect_encoding(table(tmp_path, [one.encode("gb18030") for one in both])) == "gb18030"
    path = table(tmp_path, ["Привет".encode(), "Ελλάδα".encode(), "שלום".encode()])
    assert detect_encoding(path) == "utf-8"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([(text, "gb18030") for text in SIMPLIFIED]),
            st.sampled_from([(text, "utf-8") for text in SIMPLIFIED]),
            *(st.sampled_from([(text, encoding) for text in texts]) for encoding, texts in FOREIGN),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_mixture_comes_out_right_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[str, str]]
) -> None:
    path = table(tmp_path_factory.mktemp("m"), [text.encode(encoding) for text, encoding in pieces])
    try:
        products, rejects = read_products(path, COLUMNS)
    except FormatError:
        return
    assert products.num_rows + len(rejects) == len(pieces)
    came = [(row["title"], pieces[row["line"] - 2]) for row in products.to_pylist()]
    assert all(title == text or (text, encoding) in HARD for title, (text, encoding) in came)


#: short names whose bytes are everyday Chinese ones; they pass beside Chinese lines only
HARD = {
    (text, encoding)
    for encoding, texts in FOREIGN
    for text in texts
    if (read := text.encode(encoding).decode("gb18030", "replace")).isprintable()
    and "\ufffd" not in read
    and not doubtful(read)[0]
}


def test_few_foreign_lines_pass_for_chinese_beside_chinese_ones() -> None:
    assert len(HARD) <= 7
    assert not any(is_chinese([text.encode(encoding)]) for text, encoding in HARD)


def test_chinese_lines_are_not_doubted() -> None:
    assert not doubtful("\n".join(SIMPLIFIED)).any()
    assert not doubtful("\n".join(TRADITIONAL)).any()
    assert count_kinds(["红茶 x", "", "の"]).tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert count_kinds([]).shape == (0, 3)


def test_small_texts_are_utf_8_or_utf_16_with_a_mark() -> None:
    assert {decode_text("茶".encode(name)) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")} == {"茶"}
    with pytest.raises(UnicodeDecodeError):
        decode_text("茶".encode("gb18030"))

"""The check of the hand-written truth, on small made files; and the truth itself, on the real data."""

from pathlib import Path

import pytest
from bench.truth import check
from bench.truth.check import GROUPS, HERE, SHOPS, Shop, Truth, mistakes, read_truth, summary

ITEMS = {
    "left.tsv": "shop\tl1\tl2\na\t衣服\t裙子\na\t衣服\t裤子\na\t衣服\t裤子\nz\t食品\t茶\n",
    "right.tsv": "l1\n服装\n服装\n手机\n\n",
}
RELATIONS = [("衣服", "exact", "服装")]
CATEGORIES = {
    ("a", "衣服"): (3, "b: 服装"),
    ("a", "衣服 > 裙子"): (1, "b: 服装"),
    ("a", "衣服 > 裤子"): (2, "b: 服装"),
    ("b", "服装"): (2, "a: 衣服"),
    ("b", "手机"): (1, "-"),
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop of two levels in a file of several platforms, and one of one level."""
    for name, text in ITEMS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setitem(SHOPS, "a", Shop("left.tsv", ("l1", "l2"), "shop"))
    monkeypatch.setitem(SHOPS, "b", Shop("right.tsv", ("l1",)))
    monkeypatch.setitem(GROUPS, "made", ("a", "b"))
    return tmp_path


def write(
    folder: Path,
    relations: list[tuple[str, str, str]] = RELATIONS,
    categories: dict[tuple[str, str], tuple[int, str]] = CATEGORIES,
    again: int = 0,
) -> Truth:
    """Write both tables and read them; the last `again` categories stand twice."""
    lines = ["\t".join(check.RELATION_COLUMNS)]
    lines += [f"made\ta\t{left}\t{name}\tb\t{right}\twhy\tagree" for left, name, right in relations]
    (folder / "relations.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["\t".join(check.CATEGORY_COLUMNS)]
    lines += [
        f"made\t{platform}\t{path}\t{rows}\t{allowed}\twhy\tagree"
        for (platform, path), (rows, allowed) in categories.items()
    ]
    lines += lines[len(lines) - again :]
    (folder / "categories.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (truth,) = read_truth(folder)
    return truth


def test_a_right_truth_has_no_mistake(data: Path) -> None:
    truth = write(data)
    assert mistakes(truth, data) == []
    assert mistakes(truth, None) == []
    assert truth.allowed(("a", "衣服 > 裤子")) == {("b", "服装")}
    assert "5 categories of 2 platforms, 6 rows; 1 exact, 0 narrower" in summary(truth)
    assert "1 of 4 categories with rows (1 rows) belong below none" in summary(truth)


def test_a_container_brings_what_is_above_it(data: Path) -> None:
    truth = write(data, [("衣服 > 裙子", "broader", "手机")])
    assert truth.allowed(("b", "手机")) == {("a", "衣服 > 裙子"), ("a", "衣服")}


@pytest.mark.parametrize(
    ("relations", "told"),
    [
        ([*RELATIONS, ("衣服", "narrower", "服装")], "have 2 relations"),
        ([("衣服", "same", "服装")], "write one of exact"),
        ([("帽子", "exact", "服装")], "a: 帽子 has a relation but no line"),
        ([*RELATIONS, ("衣服 > 裙子", "overlaps", "服装")], "others say that one contains the other"),
        ([*RELATIONS, ("衣服 > 裙子", "broader", "服装")], "others say that they are exact"),
        ([*RELATIONS, ("衣服 > 裙子", "exact", "服装")], "would be exact, though of one platform"),
        (
            [("衣服", "broader", "手机"), ("衣服 > 裙子", "broader", "手机")],
            "b: 手机 in a: 衣服 follows from 衣服 > 裙子",
        ),
        ([], "allowed lacks [] and has ['b: 服装'] too many"),
    ],
)
def test_relations_that_cannot_stand_are_told(
    data: Path, relations: list[tuple[str, str, str]], told: str
) -> None:
    assert any(told in line for line in mistakes(write(data, relations), None))


def test_levels_of_one_chain_may_be_exact_with_the_same_category(data: Path) -> None:
    (data / "left.tsv").write_text("shop\tl1\tl2\na\t手机\t手机通讯\n", encoding="utf-8")
    categories = {
        ("a", "手机"): (1, "b: 手机"),
        ("a", "手机 > 手机通讯"): (1, "b: 手机"),
        ("b", "服装"): (2, "-"),
        ("b", "手机"): (1, "a: 手机 || a: 手机 > 手机通讯"),
    }
    chain = [("手机", "exact", "手机"), ("手机 > 手机通讯", "exact", "手机")]
    assert mistakes(write(data, chain, categories), data) == []


def test_the_data_decides_which_categories_and_rows_there_are(data: Path) -> None:
    categories = {key: value for key, value in CATEGORIES.items() if key != ("b", "手机")}
    categories["a", "衣服 > 裤子"] = (5, "b: 服装")
    categories["b", "书"] = (1, "-")
    told = "\n".join(mistakes(write(data, categories=categories), data))
    assert "b: 手机: 1 rows in the data, no line in categories.tsv" in told
    assert "b: 书: 0 rows in the data, 1 in categories.tsv" in told
    assert "a: 衣服 > 裤子: 2 rows in the data, 5 in categories.tsv" in told


def test_a_category_is_written_once_and_its_parents_too(data: Path) -> None:
    assert "b: 手机 has 2 lines in categories.tsv; keep one" in mistakes(write(data, again=1), None)
    categories = {("a", "衣服 > 裙子"): (1, "-"), ("c", "书"): (1, "-")}
    told = "\n".join(mistakes(write(data, [], categories), None))
    assert "a: 衣服 > 裙子: the category above it has no line" in told
    assert "c: 书: made has a, b" in told


def test_tables_of_another_shape_are_refused(data: Path) -> None:
    write(data)
    (data / "relations.tsv").write_text("group\tleft\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"relations\.tsv: the header is"):
        read_truth(data)
    (data / "relations.tsv").write_text("\t".join(check.RELATION_COLUMNS) + "\nmade\ta\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"relations\.tsv:2: 2 cells or an empty one; write 8"):
        read_truth(data)


def test_a_group_that_nobody_knows_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(data)
    monkeypatch.delitem(GROUPS, "made")
    with pytest.raises(ValueError, match=r"groups \['made'\]; there are zh4, zh6"):
        read_truth(data)


def test_the_command_counts_mistakes(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data)
    monkeypatch.setattr(check, "HERE", data)
    assert check.main([str(data)]) == 0
    assert "0 mistakes" in capsys.readouterr().out
    write(data, [])
    assert check.main([str(data / "nowhere")]) == 1
    printed = capsys.readouterr().out
    assert "nowhere is not there" in printed
    assert "4 mistakes" in printed


def test_the_written_truth_is_consistent() -> None:
    for truth in read_truth(HERE):
        assert mistakes(truth, None) == [], truth.group


def test_the_written_truth_covers_the_real_data(real_data: Path) -> None:
    truths = read_truth(HERE)
    assert [truth.group for truth in truths] == list(GROUPS)
    for truth in truths:
        assert mistakes(truth, real_data) == [], truth.group

"""Reviews, maps and golds that people edited badly: lines are named, nothing is applied by halves."""

from pathlib import Path

import pytest

from tests.alignment.shops import proposals
from tests.cli.runner import Ran, ran

HEAD = "subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tsubject_source\tobject_source\t"
HEAD += "mep3m_decision\tmep3m_new_name_zh\n"


def row(
    left: str, right: str, predicate: str = "exactMatch", decision: str = "accept", name: str = ""
) -> str:
    """Return one line of a review of the shops a and b; its ids are paths."""
    return f"{left}\t{left}\tskos:{predicate}\t{right}\t{right}\ta\tb\t{decision}\t{name}\n"


@pytest.fixture
def shops(two_shops: Path) -> Path:
    """Return the folder of the store `shops` and its first.toml."""
    return two_shops.parent


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def apply(folder: Path, text: str, *more: str) -> Ran:
    (folder / "links.tsv").write_text(text, encoding="utf-8")
    before = content(folder)
    found = ran(
        "align", "apply", folder / "links.tsv", "--store", folder / "shops", "--out", folder / "out", *more
    )
    if found.code != 0 and "error:" in found.err:
        after = content(folder)
        log = str(folder / "links.tsv.log.jsonl")  # what was decided by hand is noted, applied or not
        assert {path: data for path, data in after.items() if path != log} == before
        assert not (folder / "out").exists()
    assert "Traceback" not in found.err
    return found


TV, AIR, PHONE = "家电 > 电视", "家电 > 空调", "手机 > 手机"


@pytest.mark.parametrize(
    ("rows", "messages"),
    [
        (row("家电 > 电视机", "电器 > 平板电视").replace("\t家电 > 电视机", "\t电视", 1),
         ["line 2: a has no category '家电 > 电视机' (did you mean '家电 > 电视'?)"]),
        (row(TV, "电器 > 平板电视").replace("\ta\tb\t", "\ta\tc\t"),
         ["line 2: unknown platform 'c'", "allowed: a, b"]),
        (row(TV, "电器 > 平板电视") + row(TV, "电器 > 平板电视", decision="reject"),
         ["lines 2, 3: the same link is accepted and rejected"]),
        (row(TV, "电器 > 平板电视") + row(TV, "电器 > 平板电视", "broadMatch"),
         ["lines 2, 3: the same two categories are accepted as 'exact' and as 'narrower'"]),
        (row(TV, "电器 > 平板电视") + row(AIR, "电器 > 平板电视"),
         ["lines 2, 3: would join two categories of one platform"]),
        (row(TV, "电器 > 平板电视", name="电视") + row(TV, "电器 > 平板电视", name="电视机"),
         ["gets two Chinese names, '电视' (line 2) and '电视机' (line 3)"]),
        (row("家电", "电器 > 空调", "broadMatch") + row("家电 > 空调", "电器 > 空调"), ["make a cycle"]),
        (row(TV, TV).replace("\ta\tb\t", "\ta\ta\t"), ["line 2: a category is linked with itself"]),
        (row(TV, "电器 > 平板电视", "closeMach"),
         ["line 2: predicate_id 'skos:closeMach' is not allowed", "skos:exactMatch, skos:broadMatch"]),
        (row(TV, "电器 > 平板电视", decision="acept"),
         ["line 2: mep3m_decision 'acept'", "did you mean 'accept'?"]),
        (row(TV, ""), ["line 2: object_id is empty"]),
        (row(TV, "电器 > 平板电视").rstrip("\n") + "\tmore\n", ["line 2: 10 cells, but the header has 9"]),
        (row(TV, "电器 > 平板电视") + row(AIR, "电器 > 空调").replace("家电", '"家电', 1),
         ['line 3: a quote (") is opened and not closed']),
    ],
)  # fmt: skip
def test_a_review_that_cannot_be_applied_is_named_by_line(
    shops: Path, rows: str, messages: list[str]
) -> None:
    found = apply(shops, HEAD + rows)
    assert found.code == 1
    for message in messages:
        assert message in found.err


def test_two_parents_are_named(shops: Path) -> None:
    rows = row(TV, "数码", "broadMatch") + row(TV, "电器 > 空调", "broadMatch")
    found = apply(shops, HEAD + rows)
    assert "lines 2, 3: puts one category below two that do not lie in one line" in found.err


def test_a_link_out_of_the_class_of_the_map_is_named(shops: Path) -> None:
    found = apply(shops, HEAD + row(PHONE, "电器 > 平板电视"), "--first-level", str(shops / "first.toml"))
    assert found.code == 1
    assert "'手机数码' of the first-level map, but the link puts it into '家用电器'" in found.err


def test_every_problem_is_listed_at_once(shops: Path) -> None:
    rows = row(TV, "电器 > 平板电视") + row(AIR, "电器 > 平板电视") + row(PHONE, "数码 > 手几")
    found = apply(shops, HEAD + rows.replace("数码 > 手几\t数码 > 手几", "数码 > 手几\t手机"))
    assert "nothing was applied; 2 problem(s)" in found.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "\ufeff" + text.replace("\n", "\r\n"), 1),
        (lambda text: text.replace("skos:exactMatch", "SKOS:exactmatch"), 1),
        (lambda text: "".join(f"{line}\t\t\n" for line in text.splitlines()), 1),
        (lambda text: text.replace("\t", ","), 1),
        (lambda text: "".join('"' + line.replace("\t", '"\t"') + '"\n' for line in text.splitlines()), 1),
    ],
    ids=["bom-crlf", "case", "trailing-tabs", "commas", "quoted"],
)
def test_what_a_spreadsheet_makes_of_a_good_review_is_applied(shops: Path, change: object, said: int) -> None:
    found = apply(shops, change(HEAD + row(TV, "电器 > 平板电视")), "--json")  # type: ignore[operator]
    assert found.code == 0, found.err
    assert len(found.json["joined"]) == said


@pytest.mark.parametrize(
    ("gold", "code", "message"),
    [
        (
            "left_id\tright_id\n家电 > 电视\t电器 > 没有\n手机 > 手机\t数码 > 手机\n",
            1,
            "line 2: right_id '电器 > 没有'",
        ),
        ("left_id\tright_id\n没有\t没有\n", 1, "no gold pair that can be used"),
        ("left_id\tright_id\trelation\n家电 > 电视\t电器 > 平板电视\tsame\n", 1, "line 2: relation 'same'"),
        ("left\tright\n1\t2\n", 2, "no column 'left_id'"),
    ],
)
def test_a_gold_with_mistakes_is_named_by_line(shops: Path, gold: str, code: int, message: str) -> None:
    (shops / "gold.tsv").write_text(gold, encoding="utf-8")
    links = proposals(shops / "p.tsv")
    links.write_text(f"#mep3m_store: shops\n{links.read_text(encoding='utf-8')}", encoding="utf-8")
    found = ran("align", "score", links, "--gold", shops / "gold.tsv")
    assert found.code == code
    assert message in found.err


def test_scores_say_what_a_person_has_to_do(shops: Path) -> None:
    """Three links accepted by the method; the gold has two of them, and one that was never a candidate."""
    gold = "left_id\tright_id\n家电 > 电视\t电器 > 平板电视\n手机 > 手机\t数码 > 手机\n"
    gold += "手机 > 充电宝\t电器 > 空调\n"
    (shops / "gold.tsv").write_text(gold, encoding="utf-8")
    found = ran("align", "score", proposals(shops / "p.tsv"), "--gold", shops / "gold.tsv")
    assert found.code == 0
    for line in (
        "precision 0.6667  recall 0.6667  f1 0.6667",
        "average precision",
        "gold pairs found at precision 0.95",
        "decisions to reach 99 % precision: 2",
        "wrong   家电 > 空调  |  电器 > 空调  (names alike)",
        "missed  手机 > 充电宝  |  电器 > 空调  (never a candidate)",
    ):
        assert line in found.out

"""After a build: `where.tsv`, the self-test, rows without a label; on three tiny shops."""

import random
from pathlib import Path

import pytest

from mep3m.alignment.merging.places import COLUMNS
from mep3m.alignment.records import Proposal
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.table import read_rows
from mep3m.engine import make_engine
from mep3m.evaluation.self_test import Elsewhere, SelfTest
from mep3m.recipes.build import Built, build
from mep3m.recipes.where import contradiction, flag_review
from mep3m.settings.project import Project
from mep3m.taxonomy import Category, Taxonomy

WORDS = {
    "茶叶": ["绿茶", "红茶", "龙井", "普洱", "茶礼盒"],
    "大米": ["香米", "糯米", "东北米", "泰国米", "米袋"],
    "女鞋": ["跑鞋", "皮鞋", "凉鞋", "运动鞋", "高跟"],
    "帽子": ["草帽", "棒球帽", "毛线帽", "礼帽", "帽檐"],
}
FIRST = {"茶叶": "食品", "大米": "食品", "女鞋": "服饰", "帽子": "服饰"}


def shop(folder: Path, name: str, extra: tuple[tuple[str, str, str], ...] = ()) -> dict[str, object]:
    """Write a shop of four categories, and return its entry in the project."""
    draw = random.Random(name)
    rows = [
        (" ".join(draw.sample(words, 2)) + f" {draw.randrange(99)}克", FIRST[kind], kind)
        for kind, words in WORDS.items()
        for _ in range(15)
    ]
    text = "\n".join("\t".join(row) for row in (("title", "l1", "l2"), *rows, *extra))
    (folder / f"{name}.tsv").write_text(text + "\n", encoding="utf-8")
    columns = {"title": "title", "labels": ["l1", "l2"]}
    return {"name": name, "path": f"{name}.tsv", "columns": columns}


def project(folder: Path, *sources: dict[str, object], **settings: object) -> Project:
    quick = {"ocr": {"backend": "none"}, "train": {"options": {"epochs": 2}}}
    return Project.parse({"name": "p", "sources": list(sources), **quick, **settings}, "t")


def run(folder: Path, wanted: Project) -> Built:
    return build(wanted, folder, folder / "out", make_engine())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("shops")
    return run(folder, project(folder, *(shop(folder, name) for name in ("a", "b", "c"))))


def test_every_category_of_every_platform_has_a_row(built: Built) -> None:
    rows = [row for _, row in read_rows(built.folder / "where.tsv", COLUMNS)]
    assert {(row["platform"], row["path"]) for row in rows} == {
        (name, f"{FIRST[kind]} > {kind}") for name in "abc" for kind in WORDS
    }
    counts = [int(row["rows"]) for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == sum(row.dropped is None for row in built.dataset.products())
    for row in rows:
        assert row["placed"]
        assert row["why"]
        titles = row["samples"].split(" || ")
        assert 1 <= len(titles) <= 5
        assert all(word in "".join(WORDS[row["path"].split(" > ")[1]]) for word in titles[0].split()[:2])
    assert built.where.file == built.folder / "where.tsv"


def test_the_place_is_where_the_rows_are(built: Built) -> None:
    tree = built.dataset.taxonomy
    named = {
        (row.source, row.source_path): tuple(tree[str(label.category)].name for label in row.labels)
        for row in built.dataset.products()
    }
    assert {place.node: place.placed for place in built.where.places} == named


def test_the_report_has_the_table_and_the_self_test(built: Built) -> None:
    text = built.report.read_text(encoding="utf-8")
    assert "<h2>Where your categories went</h2>" in text
    assert "<h2>The merge tests itself</h2>" in text
    assert f"Links that wait for a person: {len(built.where.waiting)}" in text
    assert built.where.places[0].samples[0] in text


def test_a_wrong_decision_of_a_person_is_flagged_by_the_self_test(tmp_path: Path) -> None:
    """The person says that the tea of one shop lies within the shoes of another; the others know better."""
    wanted = project(tmp_path, *(shop(tmp_path, name) for name in ("a", "b", "c")))
    run(tmp_path, wanted)
    review = tmp_path / "out" / "review.sssom.tsv"
    sheet, decisions = read_review(review)
    for cells, row in zip(sheet.rows, decisions, strict=True):
        names = {(end.source, end.id) for end in (row.left, row.right)}
        mine = names & {("c", "食品 > 茶叶"), ("c", "食品")}
        if row.relation == "exact" and not mine:
            same = row.left.id == row.right.id
            cells["mep3m_decision"] = "accept" if same else "reject"
        else:
            cells["mep3m_decision"] = "reject"
    example = dict(sheet.rows[0])
    sheet.rows.append(
        example
        | {"subject_id": "食品 > 茶叶", "subject_label": "食品 > 茶叶", "subject_source": "c"}
        | {"object_id": "服饰 > 女鞋", "object_label": "服饰 > 女鞋", "object_source": "a"}
        | {"predicate_id": "skos:broadMatch", "mep3m_decision": "accept", "reviewer_label": "li"}
    )
    sheet.write(review)
    again = run(tmp_path, wanted)
    tea = next(place for place in again.where.places if place.node == ("c", ("食品", "茶叶")))
    assert tea.placed == ("服饰", "女鞋", "茶叶")
    assert tea.why.startswith("lies within ")
    assert "decided by" in tea.why
    assert "a model that has not seen this platform files most of these rows under '食品" in tea.why
    assert "files most of these rows under" in (tmp_path / "out" / "where.tsv").read_text(encoding="utf-8")
    assert again.where.self_test is not None
    count = len(again.where.self_test.elsewhere)
    assert f"Filed elsewhere by the others: {count}" in again.report.read_text(encoding="utf-8")


def test_the_self_test_is_switched_off_without_aligning_anew(built: Built, tmp_path: Path) -> None:
    wanted = project(tmp_path, *(shop(tmp_path, name) for name in ("a", "b")))
    first = run(tmp_path, wanted)
    assert first.where.self_test is not None
    stamp = (first.dataset.folder / "manifest.json").stat().st_mtime_ns
    off = run(tmp_path, project(tmp_path, *wanted_sources(wanted), merge={"self_test": False}))
    assert off.where.self_test is None
    assert (off.dataset.folder / "manifest.json").stat().st_mtime_ns == stamp
    assert "The merge tests itself" not in off.report.read_text(encoding="utf-8")


def wanted_sources(wanted: Project) -> list[dict[str, object]]:
    return [source.model_dump(exclude_unset=True) for source in wanted.sources]


def test_rows_without_a_label_are_named(tmp_path: Path) -> None:
    first_level = [{"name_zh": "食品", "from": {"a": ["食品"], "b": ["食品"]}}]
    wanted = project(tmp_path, shop(tmp_path, "a"), shop(tmp_path, "b"), first_level=first_level)
    made = run(tmp_path, wanted)
    lost = {place.node for place in made.where.places if place.relation == "unmapped"}
    assert lost == set(made.where.unlabelled) != set()
    assert {path[0] for _, path in lost} == {"服饰"}
    assert set(made.where.unlabelled.values()) == {15}


def test_a_platform_alone_has_its_own_tree_and_no_self_test(tmp_path: Path) -> None:
    made = run(tmp_path, project(tmp_path, shop(tmp_path, "a")))
    assert made.where.self_test is None
    assert made.where.waiting == ()
    assert {place.why for place in made.where.places} == {"its own place: there is no other platform"}
    assert {place.placed for place in made.where.places} == {(FIRST[kind], kind) for kind in WORDS}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.75, "files most of these rows under '食品 > 茶'"),
        (0.4, "files most of these rows elsewhere, 40% of all under '食品 > 茶'"),
    ],
)
def test_a_contradiction_in_words(share: float, words: str) -> None:
    tree = Taxonomy((Category("1", "食品"), Category("11", "茶", parent="1")))
    told = contradiction(Elsewhere("a", ("x",), ("1", "11"), share), tree)
    assert told == f"a model that has not seen this platform {words}"


def test_the_review_says_what_the_self_test_holds_against_a_link(tmp_path: Path) -> None:
    rows = [
        Proposal("食品", "吃的", "narrower", 0.9, True, {}, "", "食品", "吃的", "a", "b"),
        Proposal("食品", "喝的", "broader", 0.9, True, {}, "", "食品", "喝的", "a", "b"),
        Proposal("食品", "喝的", "exact", 0.1, False, {}, "", "食品", "喝的", "a", "b"),
    ]
    review = tmp_path / "review.sssom.tsv"
    write_sssom(review, rows)
    tree = Taxonomy((Category("1", "家电"),))
    found = (Elsewhere("a", ("食品", "茶叶"), ("1",), 0.9), Elsewhere("a", ("食品", "大米"), ("1",), 0.2))
    flag_review(review, SelfTest((), found), tree)
    flags = [row["mep3m_self_test"] for row in read_review(review)[0].rows]
    assert flags[0].startswith("a '食品 > 茶叶': a model that has not seen this platform files most")
    assert flags[0].endswith("(and 1 more of its categories)")
    assert flags[1:] == ["", ""]  # that link moves b's category, and nobody has accepted the last
    state = review.stat().st_mtime_ns
    flag_review(review, SelfTest((), found), tree)
    assert review.stat().st_mtime_ns == state
    flag_review(review, SelfTest((), ()), tree)
    assert not any(row["mep3m_self_test"] for row in read_review(review)[0].rows)

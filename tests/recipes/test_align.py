"""The alignment step of a build: what it proposes, what it keeps of decisions, when it runs again."""

from pathlib import Path
from typing import Any

import pytest

from mep3m.alignment.merging.first_level import from_entries
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.engine import make_engine
from mep3m.product import Product, to_table
from mep3m.recipes.align import REVIEW, align_store, proposals_of, shops
from mep3m.settings.project import Project
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.json_files import read_json

#: where the aligned store is; the review lies beside it
PLACE = "out/aligned"
#: two shops; what one files under 数码 the other files under 手机 and 相机
PATHS = {
    "a": [("数码", "手机"), ("数码", "相机", "单反"), ("食品", "茶叶")],
    "b": [("手机", "手机"), ("相机", "单反"), ("美食", "茶叶")],
}
#: of 36 rows the default precision lets none be expected in a wrong place
SURE = {"merge": {"precision": 0.9}}
WORDS = {"手机": "全网通 双卡 5G 手机", "单反": "单反 相机 套机 镜头", "茶叶": "明前 龙井 茶叶 礼盒"}
FIRST_LEVEL = [
    {"name_zh": "数码", "name_en": "Digital", "from": {"a": ["数码"], "b": ["手机"]}},
    {"name_zh": "食品", "name_en": "Food", "from": {"a": ["食品"], "b": ["美食"]}},
    {"name_zh": "摄影", "name_en": "Photo", "from": {"a": ["数码 > 相机"], "b": ["相机"]}},
]


def project(**sections: Any) -> Project:
    sources = [{"name": name, "path": f"{name}.csv"} for name in PATHS]
    return Project.parse({"name": "p", "sources": sources, "first_level": FIRST_LEVEL, **sections}, "test")


def rows(only: str = "ab") -> list[Product]:
    found = []
    for shop in only:
        for path in PATHS[shop]:
            for n in range(6):
                key = f"{shop}:{path[-1]}{n}"
                found.append(Product(key, shop, key, path, title=f"{WORDS[path[-1]]} {n}"))
    return found


def store(folder: Path, products: list[Product], **settings: Any) -> Store:
    writer = StoreWriter.begin(folder, Plan("ocr", settings, ("p",)), replace=True)
    writer.write(0, to_table(products))
    return writer.finish()


def linked(proposals: list[Any]) -> set[tuple[str, str]]:
    return {(one.left_id, one.right_id) for one in proposals if one.accept}


def test_an_entry_below_the_first_level_takes_nothing_from_the_one_above_it(tmp_path: Path) -> None:
    """数码 > 相机 is another class than 数码, whose other categories are still compared with b's 手机."""
    wanted = project()
    first_level = from_entries(wanted.first_level, Path("mep3m.toml"))
    _, found = proposals_of(wanted, store(tmp_path / "s", rows()), first_level)
    assert ("数码 > 手机", "手机 > 手机") in linked(found)
    assert ("数码 > 相机 > 单反", "相机 > 单反") in linked(found)
    pairs = {(one.left_id, one.right_id) for one in found}
    assert ("数码 > 手机", "相机 > 单反") not in pairs  # the classes keep them apart
    assert not any("茶叶" in left and not right.startswith("美食") for left, right in pairs)


def test_dropped_products_say_nothing_about_categories(tmp_path: Path) -> None:
    from dataclasses import replace

    kept = [replace(row, dropped="x") if row.source_path[-1] == "茶叶" else row for row in rows()]
    _, found = proposals_of(project(), store(tmp_path / "s", kept), None)
    assert not any("茶叶" in one.left_id or "茶叶" in one.right_id for one in found)


def test_one_shop_alone_has_nothing_to_be_aligned_with(tmp_path: Path) -> None:
    alone = store(tmp_path / "s", rows("a"))
    assert shops(alone) == {"a"}
    assert proposals_of(project(), alone, None) == ([], [])
    found = align_store(project(), tmp_path, alone, tmp_path / PLACE, make_engine())
    assert found.rows == 18
    assert read_review(tmp_path / "out" / REVIEW)[1] == []


@pytest.fixture
def aligned(tmp_path: Path) -> Store:
    return align_store(
        project(**SURE), tmp_path, store(tmp_path / "s", rows()), tmp_path / PLACE, make_engine()
    )


def decide(folder: Path, left: str, verdict: str) -> None:
    """Write a person's word into the review, as an editor would."""
    sheet, decisions = read_review(folder / REVIEW)
    place = next(n for n, one in enumerate(decisions) if one.left.id == left and one.by_method)
    sheet.rows[place]["mep3m_decision"] = verdict
    sheet.write(folder / REVIEW)


def test_both_shops_products_of_a_link_have_one_category(aligned: Store) -> None:
    labels = {row.id: row.category(2) for row in aligned.products()}
    assert labels["a:手机0"] == labels["b:手机0"] is not None
    tops = {row.id: row.category(1) for row in aligned.products()}
    assert (tops["a:手机0"], tops["a:单反0"], tops["a:茶叶0"]) == ("digital", "photo", "food")


def test_a_rejected_link_parts_its_categories_again(aligned: Store, tmp_path: Path) -> None:
    decide(tmp_path / "out", "数码 > 手机", "reject")
    again = align_store(
        project(**SURE), tmp_path, Store.open(tmp_path / "s"), tmp_path / PLACE, make_engine()
    )
    labels = {row.id: row.category(2) for row in again.products()}
    assert labels["a:手机0"] != labels["b:手机0"]
    assert again.fingerprint != aligned.fingerprint
    (batch,) = FileReviewLog(tmp_path / "out" / REVIEW).history()
    assert (batch.signature.how, len(batch.changes)) == ("by hand", 1)


def test_without_a_change_nothing_is_proposed_or_written_again(
    aligned: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mep3m.recipes.align.propose", lambda *_: pytest.fail("proposed again"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    again = align_store(
        project(**SURE), tmp_path, Store.open(tmp_path / "s"), tmp_path / PLACE, make_engine()
    )
    assert again.fingerprint == aligned.fingerprint
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.parametrize("change", ["products", "settings", "map"])
def test_what_people_decided_is_migrated_to_new_proposals(
    aligned: Store, tmp_path: Path, change: str
) -> None:
    decide(tmp_path / "out", "数码 > 手机", "reject")
    parent, wanted = Store.open(tmp_path / "s"), project()
    if change == "products":
        more = [*rows(), Product("a:新", "a", "新", ("食品", "茶叶"), title="新茶 龙井")]
        parent = store(tmp_path / "s", more, newer=True)
    elif change == "settings":
        wanted = project(align={"evidence": {"kept": 1}})
    else:
        wanted = project(first_level=[*FIRST_LEVEL[:2], {**FIRST_LEVEL[2], "name_en": "Cameras"}])
    before = read_json(tmp_path / "out" / "review.made-from.json")
    again = align_store(wanted, tmp_path, parent, tmp_path / PLACE, make_engine())
    assert read_json(tmp_path / "out" / "review.made-from.json") != before
    decisions = read_review(tmp_path / "out" / REVIEW)[1]
    assert [one.verdict for one in decisions if one.left.id == "数码 > 手机" and one.by_method] == ["reject"]
    log = FileReviewLog(tmp_path / "out" / REVIEW)
    assert log.read("2026-11-29T10:00:00").taken_in == 0  # the build has recorded all of it
    assert log.history()[0].signature.how == "by hand"
    labels = {row.id: row.category(2) for row in again.products()}
    assert labels["a:手机0"] != labels["b:手机0"]


def test_a_review_that_was_lost_is_proposed_anew(aligned: Store, tmp_path: Path) -> None:
    (tmp_path / "out" / REVIEW).unlink()
    again = align_store(
        project(**SURE), tmp_path, Store.open(tmp_path / "s"), tmp_path / PLACE, make_engine()
    )
    assert (tmp_path / "out" / REVIEW).exists()
    assert again.fingerprint == aligned.fingerprint

"""The evidence method on small catalogues that every reader can judge."""

import numpy as np
import pytest

from mep3m.alignment.learned.decide import SUPPORT, supported
from mep3m.alignment.learned.features import KINDS, PairEvidence, mirrored
from mep3m.alignment.learned.products import HALF_TRUSTED
from mep3m.alignment.learned.proposer import propose_evidence
from mep3m.alignment.names.compare import trees
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.settings.align import AlignSettings, EvidenceSettings


def side(name: str, *paths: str, titles: dict[str, tuple[str, ...]] | None = None) -> Side:
    return Side(name, tuple(Entry(p, tuple(p.split(">")), titles=(titles or {}).get(p, ())) for p in paths))


LEFT = side(
    "a", "数码>手机", "数码>手机壳", "家电>电视", "家居>电视柜", "服饰>男装/衬衫", "服饰>女装",
    "宠物>猫粮", "宠物>狗粮",
)  # fmt: skip
RIGHT = side(
    "b", "手机数码>手机", "手机数码>手机配件>手机壳/保护套", "家用电器>平板电视", "家具>电视柜", "服装>男装",
    "服装>女装", "宠物用品>猫主粮", "宠物用品>狗粮", "图书>小说",
)  # fmt: skip


def accepted(proposals: list[Proposal]) -> set[tuple[str, str]]:
    return {(one.left_id.split(">")[-1], one.right_id.split(">")[-1]) for one in proposals if one.accept}


def test_names_alone_find_the_links_and_merge_no_trap() -> None:
    found = accepted(propose_evidence(LEFT, RIGHT, EvidenceSettings()))
    assert {("手机", "手机"), ("电视柜", "电视柜"), ("女装", "女装"), ("狗粮", "狗粮")} <= found
    traps = {
        ("手机", "手机壳/保护套"),
        ("手机壳", "手机"),
        ("电视", "电视柜"),
        ("猫粮", "狗粮"),
        ("女装", "男装"),
    }
    assert not found & traps


def test_every_proposal_has_a_probability_and_its_evidence() -> None:
    proposals = propose_evidence(LEFT, RIGHT, EvidenceSettings())
    assert all(
        0 <= one.probability <= 1 and one.words and one.left_label and one.right_label for one in proposals
    )
    same = next(one for one in proposals if one.left_id == "宠物>狗粮" and one.accept)
    assert same.relation == "exact"
    assert "same name" in same.words
    assert same.evidence["ratio"] == 1
    assert same.evidence["p_exact"] > same.evidence["p_narrower"]


def test_each_category_has_at_most_one_equal() -> None:
    exact = [
        one
        for one in propose_evidence(LEFT, RIGHT, EvidenceSettings())
        if one.accept and one.relation == "exact"
    ]
    assert len({one.left_id for one in exact}) == len({one.right_id for one in exact}) == len(exact)


def test_turning_the_sides_around_finds_the_same_links() -> None:
    there = accepted(propose_evidence(LEFT, RIGHT, EvidenceSettings()))
    back = accepted(propose_evidence(RIGHT, LEFT, EvidenceSettings()))
    assert {(b, a) for a, b in back} == there


def test_unrelated_catalogues_have_no_links() -> None:
    other = side("c", "药品>止咳糖浆", "药品>维生素", "五金>螺丝")
    assert accepted(propose_evidence(LEFT, other, EvidenceSettings())) == set()


def test_the_order_of_rows_changes_nothing() -> None:
    turned = Side("b", tuple(reversed(RIGHT.entries)))
    first = {
        (p.left_id, p.right_id, p.accept) for p in propose_evidence(LEFT, RIGHT, EvidenceSettings(kept=0))
    }
    again = {
        (p.left_id, p.right_id, p.accept) for p in propose_evidence(LEFT, turned, EvidenceSettings(kept=0))
    }
    assert first == again


def test_titles_separate_what_names_confuse() -> None:
    """Two right categories of one name: the products tell which one is meant."""
    left = side("a", "x>配件", titles={"x>配件": ("苹果手机充电器 快充", "手机数据线 加长")})
    titles = {"p>配件": ("自行车铃铛", "山地车车灯"), "q>配件": ("手机充电器 原装快充", "安卓数据线 加长")}
    right = side("b", "p>配件", "q>配件", titles=titles)
    best = max(propose_evidence(left, right, EvidenceSettings()), key=lambda one: one.probability)
    assert best.right_id == "q>配件"


def test_without_many_to_one_no_link_is_narrower_or_broader() -> None:
    proposals = propose_evidence(LEFT, RIGHT, EvidenceSettings(many_to_one=False))
    assert {one.relation for one in proposals} == {"exact"}


def test_kept_limits_what_a_person_sees() -> None:
    only = propose_evidence(LEFT, RIGHT, EvidenceSettings(kept=0))
    assert all(one.accept for one in only)


def test_a_first_level_map_restricts_the_pairs() -> None:
    levels = {("a", "宠物"): "pets", ("b", "宠物用品"): "pets", ("a", "数码"): "x", ("b", "图书"): "x"}
    found = propose([LEFT, RIGHT], AlignSettings(), levels)
    assert found
    assert {one.left_id.split(">")[0] for one in found if one.accept} == {"宠物"}


def test_english_names_link_what_chinese_cannot() -> None:
    left = Side(
        "a",
        (Entry("1", ("数码", "手机"), ("Digital", "Phones")), Entry("2", ("家", "灯"), ("Home", "Lamps"))),
    )
    right = Side("b", (Entry("8", ("Home", "Lamp")), Entry("9", ("Electronics", "Phone"))))
    found = {(p.left_id, p.right_id) for p in propose_evidence(left, right, EvidenceSettings()) if p.accept}
    assert found == {("1", "9"), ("2", "8")}


def test_an_empty_side_has_no_proposals() -> None:
    assert propose_evidence(LEFT, Side("b", ()), EvidenceSettings()) == []


def test_features_are_complete_and_turn_around() -> None:
    texts = {"x>手机": ("手机 快充",)}
    a = side("a", "x>手机", titles=texts)
    b = side("b", "x>手机", "y>手机壳", titles=texts | {"y>手机壳": ("防摔 皮套",)})
    evidence = PairEvidence(*trees(a, b), EvidenceSettings())
    rows, columns = evidence.candidates()
    features = evidence.features(rows, columns)
    assert {*features} == {name for kind, names in KINDS.items() if kind != "structure" for name in names}
    back = PairEvidence(*trees(b, a), EvidenceSettings()).features(columns, rows)
    for name, values in mirrored(back).items():
        assert values.tolist() == pytest.approx(features[name].tolist(), nan_ok=True), name
    one_title = 1 / (1 + HALF_TRUSTED)
    assert features["votes_l"].tolist() == pytest.approx([0.4 * one_title, 0], rel=1e-4), (
        ".7, where .5 is chance"
    )
    assert np.isnan(features["votes_r"]).all(), "the left shop has one category"
    assert features["content"][0] == pytest.approx(one_title, rel=1e-4)
    assert np.expm1(features["support"]).tolist() == pytest.approx([1, 1])
    assert np.isnan(features["ocr"]).all()


@pytest.mark.parametrize(("few", "more"), [(1, 2), (1, 40), (5, 30), (39, 40)])
def test_the_same_titles_say_more_the_more_there_are_but_only_on_both_sides(few: int, more: int) -> None:
    def content(ours: int, theirs: int) -> float:
        sides = [
            Side(name, (Entry("1", (name,), titles=("红 茶",) * count),))
            for name, count in (("a", ours), ("b", theirs))
        ]
        features = PairEvidence(*trees(*sides), EvidenceSettings()).features(np.array([0]), np.array([0]))
        return float(features["content"][0])

    assert content(few, more) == pytest.approx(content(few, few))
    assert content(few, few) <= content(more, more) + 1e-6 < 1


def nameless(
    support: float, ratio: float = 0.0, *, inside: bool = False, **told_so: float
) -> dict[str, np.ndarray]:
    """The features of a pair whose names are so alike, or go on from one another with another head."""
    told = {"ratio": ratio, "segment": ratio, "support": np.log1p(support)}
    told |= {"inside_l": float(inside), "inside_r": 0.0, "head": 0.0, "content": 1.0}
    told |= {
        "means_l": 0.0,
        "means_r": 1.0,
        "clash": 0.0,
        "kind_l": 0.0,
        "kind_r": 0.0,
        "apart": 0.0,
    } | told_so
    return {name: np.array([value], np.float32) for name, value in told.items()}


@pytest.mark.parametrize(
    ("features", "left"),
    [
        (nameless(SUPPORT), 0.5),
        (nameless(SUPPORT, ratio=0.5), 2 / 3),
        (nameless(1000 * SUPPORT), 1),
        (nameless(1, ratio=0.8), 1),
        (nameless(1, ratio=0.8, inside=True), 1 / (1 + 0.7 * SUPPORT)),
        (nameless(1, means_l=1.0), 1),
        (nameless(SUPPORT, ratio=0.8, clash=1.0), 0.5),
        (nameless(1, kind_r=1.0), 1),
        (nameless(SUPPORT, ratio=0.8, apart=1.0), 0.5),
        (nameless(0), 0.0123),
        (nameless(np.nan), 1),
    ],
)
def test_names_that_differ_need_support_by_products(features: dict[str, np.ndarray], left: float) -> None:
    assert supported(features).tolist() == pytest.approx([left], abs=0.01)


def test_a_shop_that_sells_one_thing_is_not_where_everything_belongs() -> None:
    """Every title's nearest one is a television where there is nothing else: that proves nothing."""
    sorts = {
        "医药 > 燕窝": "印尼 燕盏 {}克 滋补",
        "女装 > 连衣裙": "夏季 碎花 长裙 {}码",
        "美妆 > 口红": "哑光 唇膏 {}号 正红",
    }
    left = Side(
        "a",
        tuple(
            Entry(path, tuple(path.split(" > ")), titles=tuple(words.format(n) for n in range(30)))
            for path, words in sorts.items()
        ),
    )
    screens = tuple(f"创维 {n}英寸 液晶 平板 电视" for n in range(30))
    right = Side("b", (Entry("电视", ("家用电器", "平板电视"), titles=screens),))
    assert not accepted(propose_evidence(left, right, EvidenceSettings()))


def test_one_shared_title_word_links_no_strangers() -> None:
    left = side(
        "a", "家居>杯具", "数码>手机", titles={"家居>杯具": ("家用 简约",), "数码>手机": ("快充 正品",)}
    )
    right = side(
        "b",
        "家居>电视柜",
        "数码>充电器",
        titles={"家居>电视柜": ("家用 简约",), "数码>充电器": ("快充 正品",)},
    )
    assert not accepted(propose_evidence(left, right, EvidenceSettings()))


def test_pictures_and_sizes_are_compared_where_known() -> None:
    one = Side(
        "a", (Entry("1", ("x",), image=(1.0, 0.0), count=10), Entry("2", ("y",), image=(0.0, 1.0), count=30))
    )
    two = Side("b", (Entry("1", ("z",), image=(1.0, 0.0), count=100), Entry("2", ("w",))))
    features = PairEvidence(*trees(one, two), EvidenceSettings()).features(np.array([0, 0]), np.array([0, 1]))
    assert np.isnan(features["picture"][1])
    assert np.isnan(features["size"][1])
    assert features["size"][0] == pytest.approx(np.log(4))


FINE = side(
    "a", "食品", "食品>茶", "食品>茶>绿茶", "食品>茶>红茶", "食品>茶>红茶>祁门", "食品>酒", "服饰>女装"
)
COARSE = side("b", "食品", "食品>茶", "食品>酒", "女装")


def test_what_lies_below_a_linked_category_is_narrower() -> None:
    proposals = propose_evidence(FINE, COARSE, EvidenceSettings(inherit="always"))
    below = {one.left_id: one for one in proposals if one.accept and one.relation == "narrower"}
    assert set(below) == {"食品>茶>绿茶", "食品>茶>红茶", "食品>茶>红茶>祁门"}
    assert {one.right_id for one in below.values()} == {"食品>茶"}


def test_the_same_holds_for_the_right_side_as_broader() -> None:
    proposals = propose_evidence(COARSE, FINE, EvidenceSettings(inherit="always"))
    below = {one.right_id for one in proposals if one.accept and one.relation == "broader"}
    assert below == {"食品>茶>绿茶", "食品>茶>红茶", "食品>茶>红茶>祁门"}


def test_inheriting_can_be_switched_off_and_few_do_not_inherit() -> None:
    found = propose_evidence(FINE, COARSE, EvidenceSettings(inherit="never"))
    assert not any("no link of its own" in one.words for one in found)
    paths = [f"食品>{name}" for name in ("酒", "米", "油", "盐", "糖", "醋", "面", "豆")]
    few = propose_evidence(side("a", *paths, "食品>酒>白酒"), side("b", *paths), EvidenceSettings())
    assert not any("no link of its own" in one.words for one in few)


def test_platforms_without_a_common_class_have_no_proposals() -> None:
    left = side("a", "数码>手机", titles={"数码>手机": ("华为手机", "小米手机")})
    right = side("b", "图书>小说", titles={"图书>小说": ("长篇小说", "短篇小说")})
    classes = {("a", "数码"): "digital", ("b", "图书"): "books"}
    assert propose([left, right], AlignSettings(), classes) == []


def test_shops_of_two_languages_meet_by_what_their_names_mean() -> None:
    left = side("a", "宠物", "宠物>狗粮", "宠物>猫粮", "手机", "手机>手机壳", "手机>充电器")
    right = side(
        "b", "Pets", "Pets>Dog Food", "Pets>Cat Food", "Phones", "Phones>Phone Cases", "Phones>Chargers"
    )
    found = {
        (one.left_id, one.right_id): one
        for one in propose_evidence(left, right, EvidenceSettings())
        if one.accept and one.relation == "exact"
    }
    assert {("宠物>狗粮", "Pets>Dog Food"), ("宠物>猫粮", "Pets>Cat Food")} <= set(found)
    assert all(("狗" in one) == ("Dog" in other) for one, other in found)
    evidence = found["宠物>狗粮", "Pets>Dog Food"].evidence
    assert "ratio" not in evidence, "letters of two languages say nothing"

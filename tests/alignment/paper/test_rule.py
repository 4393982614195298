"""The paper's rule: both thresholds, calibration, identical names, classes, groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.paper.links import LINK, REFUSED_KEPT, best_links
from mep3m.alignment.paper.rule import groups
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.alignment.similarity import content_vectors
from mep3m.errors import UsageError
from mep3m.settings.align import AlignSettings, ContentSettings


def side(name: str, *entries: tuple[str, str]) -> Side:
    """Return a side of (path, titles) rows; ids are the paths."""
    return Side(
        name,
        tuple(
            Entry(path, tuple(path.split(">")), titles=tuple(filter(None, [titles])))
            for path, titles in entries
        ),
    )


def paper(**settings: object) -> AlignSettings:
    within = settings.pop("within_first_level", "auto")
    values = {"method": "paper", "within_first_level": within, "paper": settings}
    return AlignSettings.parse(values, "test")


LEFT = side("a", ("食品>饮料", "苹果 果汁 可乐"), ("食品>牛奶", "纯牛奶 鲜奶"), ("食品>零食", "薯片 饼干"))
RIGHT = side(
    "b", ("食品>饮料饮品", "苹果 果汁 可乐"), ("食品>牛奶", "纯牛奶 酸奶"), ("食品>零食干", "牙刷 牙膏")
)


def accepted(proposals: list[Proposal]) -> set[tuple[str, str]]:
    return {(one.left_id, one.right_id) for one in proposals if one.accept}


def test_the_threshold_is_the_mean_of_the_identical_names() -> None:
    proposals = propose([LEFT, RIGHT], paper())
    same = next(one for one in proposals if one.left_id == one.right_id == "食品>牛奶")
    assert same.evidence["content_threshold"] == pytest.approx(same.evidence["s_content"])
    assert "mean of 1 identically named" in same.words
    assert accepted(proposals) == {("食品>饮料", "食品>饮料饮品"), ("食品>牛奶", "食品>牛奶")}


def test_identical_names_whose_titles_share_no_word_count_with_their_zero() -> None:
    left = side("a", ("手机", "苹果 手机 128G"), ("电脑", "笔记本 电脑 轻薄"), ("书", "小说"), ("茶", ""))
    right = side("b", ("手机", "苹果 手机 256G"), ("电脑", "显示器 27寸"), ("茶", "绿茶"))
    first = propose([left, right], paper())[0]
    assert first.evidence["content_threshold"] == pytest.approx(1 / 3)
    assert "mean of 2 identically named" in first.words
    only = propose([side("a", ("茶", "")), side("b", ("茶", "绿茶"))], paper())
    assert only[0].evidence["content_threshold"] == 0.75


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"binary": True}, 1.0), ({"binary": False}, 0.8), ({"binary": True, "tokens": "characters"}, 2 / 3)],
)
def test_binary_counts_as_simtext_does_without_words_of_one_character(
    settings: dict[str, object], expected: float
) -> None:
    vectors = content_vectors([["手机 茶 手机"], ["手机 酒 手机"]], ContentSettings.parse(settings, "test"))
    assert (vectors[0] @ vectors[1].T).toarray().item() == pytest.approx(expected)


def test_identical_names_can_be_held_to_the_rule() -> None:
    """S_content is not above its own mean, so without the identity rule the pair is refused."""
    assert accepted(propose([LEFT, RIGHT], paper(identical_names=False))) == {("食品>饮料", "食品>饮料饮品")}


def test_a_threshold_can_be_set_by_hand_and_the_published_one_stands_in() -> None:
    assert accepted(propose([LEFT, RIGHT], paper(content_threshold=0.0, identical_names=False))) >= {
        ("食品>牛奶", "食品>牛奶")
    }
    only = propose([side("a", ("食品>饮料", "果汁")), side("b", ("食品>饮料饮品", "果汁"))], paper())
    assert only[0].evidence["content_threshold"] == 0.75


def test_names_alone_decide_where_nobody_has_titles() -> None:
    proposals = propose([side("a", ("饮料", ""), ("手机", "")), side("b", ("饮料饮品", ""))], paper())
    assert accepted(proposals) == {("饮料", "饮料饮品")}
    assert "no titles" in proposals[0].words


def test_only_pairs_of_one_first_level_class_are_compared() -> None:
    left = side("a", ("食品>茶具", ""), ("家居>杯子", ""))
    right = side("b", ("家居>茶具", ""), ("食品>杯子", ""))
    assert accepted(propose([left, right], paper())) == set()
    assert len(accepted(propose([left, right], paper(within_first_level="never")))) == 2
    crossed = {("a", "食品"): "x", ("b", "家居"): "x", ("a", "家居"): "y", ("b", "食品"): "z"}
    assert accepted(propose([left, right], paper(), crossed)) == {("食品>茶具", "家居>茶具")}


def test_platforms_of_different_first_levels_are_compared_whole() -> None:
    left, right = side("a", ("吃的>茶具", "")), side("b", ("家居>茶具", ""))
    assert len(accepted(propose([left, right], paper()))) == 1
    assert accepted(propose([left, right], paper(within_first_level="always"))) == set()


def test_three_platforms_are_compared_in_pairs_and_merged_as_groups() -> None:
    sides = [side(name, ("饮料", "")) for name in "abc"]
    proposals = propose(sides, paper())
    assert [(one.left_source, one.right_source) for one in proposals] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert groups(proposals) == [(("a", "饮料"), ("b", "饮料"), ("c", "饮料"))]


def test_groups_join_only_accepted_exact_links() -> None:
    links = [Proposal("1", "2", "exact", 1, True), Proposal("3", "4", "exact", 1, False)]
    links += [Proposal("5", "6", "narrower", 1, True), Proposal("7", "2", "exact", 1, True)]
    assert groups(links) == [(("left", "1"), ("left", "7"), ("right", "2"))]


@pytest.mark.parametrize("names", [["a"], ["a", "a"]])
def test_one_platform_or_one_name_is_not_enough(names: list[str]) -> None:
    with pytest.raises(UsageError, match="two platforms or more"):
        propose([side(name, ("x", "")) for name in names], paper())


@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), max_size=25
    ).map(sorted)
)
def test_every_accepted_pair_and_the_three_best_refused_of_each_row_are_kept(
    pairs: list[tuple[int, float, bool]],
) -> None:
    rows, rank, accepted = (np.array([pair[k] for pair in pairs]) for k in range(3))
    expected: list[int] = []
    for row in range(4):
        mine = [k for k in range(len(pairs)) if pairs[k][0] == row]
        best = sorted(mine, key=lambda k: -pairs[k][1])
        expected += [k for k in best if pairs[k][2]] + [k for k in best if not pairs[k][2]][:REFUSED_KEPT]
    links = np.zeros(len(pairs), LINK)
    links["row"], links["rank"], links["accepted"], links["column"] = rows, rank, accepted, range(len(pairs))
    assert best_links(links)["column"].tolist() == expected

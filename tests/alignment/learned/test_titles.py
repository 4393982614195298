"""Where titles lie among those of the other shop; ties are decided by content, or shared."""

import numpy as np
import pytest

from mep3m.alignment.learned.titles import VOTES, Titles, _shared_votes
from mep3m.alignment.records import Entry, Side


def shop(name: str, **titles: tuple[str, ...]) -> Side:
    return Side(name, tuple(Entry(key, (key,), titles=of) for key, of in titles.items()))


def test_votes_go_by_place_in_each_row() -> None:
    rows = np.array([0, 0, 0, 2, 2])
    votes = _shared_votes(rows, np.array([0.2, 0.9, 0.5, 0.1, 0.3]))
    assert votes.tolist() == pytest.approx([VOTES[2], VOTES[0], VOTES[1], VOTES[1], VOTES[0]])


def test_equally_near_categories_share_the_votes_of_their_places() -> None:
    first_two = (VOTES[0] + VOTES[1]) / 2
    votes = _shared_votes(np.zeros(3, np.int64), np.array([0.5, 0.5, 0.1]))
    assert votes.tolist() == pytest.approx([first_two, first_two, VOTES[2]])
    four = _shared_votes(np.zeros(4, np.int64), np.full(4, 0.5))
    assert four.tolist() == pytest.approx([sum(VOTES) / 4] * 4)


def test_no_pairs_have_no_votes() -> None:
    assert _shared_votes(np.empty(0, np.int64), np.empty(0)).tolist() == []


def test_the_order_of_categories_with_the_same_titles_changes_no_vote() -> None:
    left = shop("a", tea=("红茶 罐装",), phone=("手机 快充",))
    one = shop("b", x=("红茶 礼盒",), y=("红茶 礼盒",), z=("手机 贴膜",))
    other = shop("b", z=("手机 贴膜",), y=("红茶 礼盒",), x=("红茶 礼盒",))
    votes = Titles(left, one).votes()[0].toarray()
    again = Titles(left, other).votes()[0].toarray()
    assert votes.tolist() == again[:, ::-1].tolist()
    assert votes[0, 0] == votes[0, 1] > 0


def test_a_title_without_a_word_in_common_votes_for_nobody() -> None:
    votes = Titles(shop("a", tea=("红茶 罐装",)), shop("b", phone=("手机 快充",))).votes()
    assert votes[0].toarray().tolist() == [[0.0]]
    assert votes[1].toarray().tolist() == [[0.0]]


def test_the_same_product_sold_twice_is_found_from_both_sides() -> None:
    left = shop("a", tea=("祁门 红茶 罐装 100克",), phone=("华为 手机 128G",))
    right = shop("b", drinks=("祁门 红茶 罐装 100克", "可乐 罐装"))
    there, back = Titles(left, right).near()
    assert there.same.toarray().tolist() == [[1.0], [0.0]]
    assert back.same.toarray().tolist() == [[1.0, 0.0]]
    assert there.titles.tolist() == [1, 1]
    assert back.titles.tolist() == [2]


def test_what_lies_nowhere_near_is_at_home_nowhere() -> None:
    left = shop("a", tea=("祁门 红茶",), phone=("华为 手机",))
    there, _ = Titles(left, shop("b", tea=("祁门 红茶",))).near()
    assert there.home[0] > there.home[1] == 0

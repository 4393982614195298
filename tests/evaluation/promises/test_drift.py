"""How different new products are: nothing where they are alike, however many, and much where they are not."""

import random

import pytest

from mep3m.evaluation.promises.drift import KINDS, TOLD, Counts, counted, effects
from tests.assignment.audited import rows


def batch(count: int, seed: int, platform: str | None = "jd", sure: float = 0.8) -> Counts:
    draw = random.Random(seed)
    titles = [row[0] for row in rows(count, seed)]
    return counted(titles, [platform] * count, [min(1.0, draw.gauss(sure, 0.1)) for _ in range(count)])


REFERENCE = batch(2000, 0)


@pytest.mark.parametrize("count", [20, 100, 1000, 20_000])
def test_products_of_the_same_kind_do_not_differ_whatever_their_number(count: int) -> None:
    found = [effects(REFERENCE, batch(count, seed)) for seed in range(1, 4 if count > 5000 else 12)]
    assert max(one["effect"] for one in found) < TOLD


@pytest.mark.parametrize("count", [200, 5000])
def test_each_kind_of_difference_is_told_and_is_as_large_in_any_batch(count: int) -> None:
    other = effects(REFERENCE, batch(count, 3, platform="tmall"))
    assert other["platforms"] == pytest.approx(1, abs=0.02)
    assert other["words"] < TOLD
    assert effects(REFERENCE, batch(count, 3, sure=0.4))["probabilities"] > 0.5
    english = counted(["stainless steel teapot with lid"] * count, ["jd"] * count, [0.8] * count)
    told = effects(REFERENCE, english)
    assert told["words"] > TOLD
    assert told["effect"] == max(told[kind] for kind in KINDS)


def pictures(count: int, seed: int, side: int = 300, bright: float = 0.8) -> Counts:
    draw = random.Random(seed)
    seen = [(draw.randint(side - 50, side + 50), min(1.0, draw.gauss(bright, 0.05))) for _ in range(count)]
    return counted(["t"] * count, [None] * count, [0.8] * count, seen)


@pytest.mark.parametrize("count", [200, 5000])
def test_pictures_of_another_size_or_brightness_are_told(count: int) -> None:
    reference = pictures(2000, 0)
    same = effects(reference, pictures(count, 1))
    assert max(same.values()) < TOLD
    small, dark = (
        effects(reference, pictures(count, 1, side=100)),
        effects(reference, pictures(count, 1, bright=0.6)),
    )
    assert (small["sizes"] > 0.9, small["brightness"] < TOLD) == (True, True)
    assert (dark["brightness"] > 0.9, dark["sizes"] < TOLD) == (True, True)


def test_what_one_side_has_not_counted_is_no_difference() -> None:
    """Promises of before have no pictures, nor have models of titles."""
    old = {kind: shares for kind, shares in pictures(50, 1).items() if kind not in ("sizes", "brightness")}
    told = effects(old, pictures(50, 2, side=90))
    assert (told["sizes"], told["brightness"]) == (0, 0)
    assert effects(pictures(50, 1), counted(["t"], [None], [0.8], [None]))["sizes"] == 0


def test_nothing_is_no_difference_and_one_batch_is_itself() -> None:
    assert effects(REFERENCE, counted([], [], []))["effect"] == 0
    assert effects(REFERENCE, REFERENCE)["effect"] == 0
    assert effects(counted([None], [None], [None]), counted([None], [None], [None]))["effect"] == 0


def test_it_counts_titles_not_letters() -> None:
    told = counted(["ab", "ab" * 50], [None, None], [0.31, None])
    assert sum(told["words"].values()) == pytest.approx(2)
    assert told["probabilities"] == {"0": 1.0, "3": 1.0}
    assert told["platforms"] == {"": 2.0}

"""The audit is drawn by the seed and the ids alone, and two who take the same file take it once."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.desk.folder import DeskFolder
from mep3m.desk.intake.take import Arrival, Draw, take, take_controls
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.errors import UsageError
from tests.cli.runner import ran
from tests.desk.filled import UNSURE, Filled, items

GROUPS = st.lists(st.text(max_size=6), max_size=40)


@given(GROUPS, st.floats(0, 1), st.floats(0, 1), st.integers())
def test_a_larger_share_keeps_what_a_smaller_one_draws(
    groups: list[str], one: float, other: float, seed: int
) -> None:
    less, more = (Draw(share=share, seed=seed).groups(groups) for share in sorted((one, other)))
    assert more[: len(less)] == less
    assert Draw(share=1, seed=seed).groups(reversed(groups))[: len(more)] == more


@given(GROUPS, st.integers(0, 50), st.integers())
def test_a_number_draws_the_first_of_everything_in_the_order_of_chance(
    groups: list[str], number: int, seed: int
) -> None:
    drawn = Draw(number=number, seed=seed).groups(groups)
    assert drawn == Draw(share=1, seed=seed).groups(groups)[:number]
    assert len(drawn) == min(number, len(set(groups)))


def test_chance_is_even_and_another_one_for_another_purpose_or_seed() -> None:
    keys = [str(number) for number in range(2000)]
    draws = [
        Draw(seed=seed).chance(what, key)
        for seed, what in ((0, "audit"), (0, "two"), (1, "audit"))
        for key in keys
    ]
    assert 0 <= min(draws) < max(draws) <= 1
    assert len(set(draws)) == len(draws)
    for start in range(0, len(draws), len(keys)):
        some = draws[start : start + len(keys)]
        assert abs(sum(one < 0.25 for one in some) / len(some) - 0.25) < 0.05


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["share", "two", "controls"])
def test_a_share_is_from_nought_to_one(name: str, wrong: float) -> None:
    with pytest.raises(UsageError, match=f"{name}.*{wrong}.*from 0 to 1"):
        Draw(**{name: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["--share", "--two", "--control-share"])
def test_a_share_that_is_no_number_is_refused_on_the_command_line(filled: Filled, option: str) -> None:
    answers = filled.answers(filled.table(UNSURE[:3]))
    told = ran("desk", "take", filled.folder, answers, option, "nan")
    assert told.code == 2
    assert f"'{option}': nan is no number in the range 0<=x<=" in told.err
    with opened_reviewing(filled.folder) as reviewing:
        assert items(reviewing) == []


def test_two_who_take_one_file_at_once_take_it_once(filled: Filled) -> None:
    answers = filled.answers(filled.table(UNSURE))
    told: list[dict] = []

    def come() -> None:
        with opened_reviewing(filled.folder) as reviewing:
            batch = Arrival.of_answers(answers, filled.run, None)
            told.append(take(reviewing, batch, Draw(number=3), filled.run.classifier.tree, None))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one["repeated"] for one in told) == [False, True, True, True]
    with opened_reviewing(filled.folder) as reviewing:
        assert len(items(reviewing)) + len(items(reviewing, "audit")) == len(UNSURE)


def controls(filled: Filled, rows: str) -> tuple[Reviewing, int]:
    path = filled.folder.parent / "known.tsv"
    path.write_text("sku\ttitle\tl1\tl2\n" + rows, encoding="utf-8")
    table = type(filled.table([], "x.tsv"))(path, {"id": "sku", "title": "title"})
    reviewing = Reviewing.of(DeskFolder.open(filled.folder))
    return reviewing, take_controls(reviewing, filled.run, table, Draw(controls=0.5))


def test_control_items_come_once_and_a_label_of_no_category_does_not(filled: Filled) -> None:
    rows = "K1\t苹果 手机 一\t数码\t手机\nK2\t苹果 手机 二\t数码\t冰箱\nK3\t苹果 手机 三\t\t\n"
    reviewing, added = controls(filled, rows)
    assert (added.added, added.outside, added.unlabelled) == (1, 1, 1)
    assert added.example == "数码 > 冰箱"
    assert controls(filled, rows)[1].added == 0
    [row] = reviewing.database.read.execute("SELECT own_id, truth FROM items WHERE queue = 'control'")
    assert (row["own_id"], reviewing.categories.by_id[row["truth"]].shown) == ("K1", "数码 > 手机")
    assert reviewing.line.next("anna", "review", reviewing.categories) is None  # alone they are not asked
    reviewing.database.close()


def test_control_items_without_one_label_of_the_tree_are_refused(filled: Filled) -> None:
    with pytest.raises(UsageError, match=r"no row of .*known.tsv has a label of the tree"):
        controls(filled, "K1\t冰箱\t家电\t冰箱\n")

"""Kappa against a table worked out by hand, and how right people are on known truth."""

import pytest

from mep3m.desk.intake.take import Draw, take_controls
from mep3m.desk.outcome.agreement import conflicts, count_conflicts, counts, pairs, rightness
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from tests.desk.filled import UNSURE, Filled, category, items

NONE = ItemVerdict("none")


def test_kappa_is_that_of_the_table(asked_of_two: Reviewing) -> None:
    phone = ItemVerdict("category", category(asked_of_two, "数码", "手机"))
    some = items(asked_of_two)[:20]
    # 8 both 'phone', 6 both 'none', 3 and 3 apart: po = .7, pe = .55 * .55 + .45 * .45 = .505
    anna = [phone] * 8 + [NONE] * 6 + [phone] * 3 + [NONE] * 3
    ben = [phone] * 8 + [NONE] * 6 + [NONE] * 3 + [phone] * 3
    asked_of_two.log.decide(dict(zip(some, anna, strict=True)), Signed("anna", "b1"))
    assert pairs(asked_of_two) == []
    asked_of_two.log.decide(dict(zip(some, ben, strict=True)), Signed("ben", "b2"))
    [pair] = pairs(asked_of_two)
    assert (pair.people, pair.n, pair.same) == (("anna", "ben"), 20, 14)
    assert pair.kappa == pytest.approx((0.7 - 0.505) / (1 - 0.505))
    assert count_conflicts(asked_of_two) == 6
    assert counts(asked_of_two)["review"] == {"open": 4, "decided": 14, "conflict": 6}


def test_one_answer_in_all_has_no_kappa(asked_of_two: Reviewing) -> None:
    some = dict.fromkeys(items(asked_of_two), NONE)
    for person in ("anna", "ben"):
        asked_of_two.log.decide(some, Signed(person, f"b-{person}"))
    assert pairs(asked_of_two)[0].kappa is None


def test_a_conflict_says_who_said_what_until_an_admin_does(asked_of_two: Reviewing) -> None:
    first = items(asked_of_two)[0]
    phone = category(asked_of_two, "数码", "手机")
    asked_of_two.log.decide({first: NONE}, Signed("anna", "b1"))
    asked_of_two.log.decide({first: ItemVerdict("category", phone)}, Signed("ben", "b2"))
    [conflict] = conflicts(asked_of_two)
    assert [(one["person"], one["verdict"], one["category"]) for one in conflict["said"]] == [
        ("anna", "none", None),
        ("ben", "category", "数码 > 手机"),
    ]
    asked_of_two.log.decide({first: NONE}, Signed("anna", "b3", resolves=True))
    assert conflicts(asked_of_two) == []
    asked_of_two.log.undo("anna", "u1")
    assert count_conflicts(asked_of_two) == 1


def test_people_are_measured_on_control_items_alone(filled: Filled) -> None:
    table = filled.table([], "known.tsv")
    rows = "".join(f"K{n}\t苹果 手机 {n}\t数码\t手机\n" for n in range(8))
    table.path.write_text("sku\ttitle\tl1\tl2\n" + rows, encoding="utf-8")
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE)
        take_controls(reviewing, filled.run, table, Draw())
        right = ItemVerdict("category", category(reviewing, "数码", "手机"))
        known = items(reviewing, "control")
        said = dict(zip(known, [right] * 5 + [NONE, ItemVerdict("unsure"), NONE], strict=True))
        reviewing.log.decide({**said, items(reviewing)[0]: NONE}, Signed("anna", "b1"))
        [anna] = rightness(reviewing)
        assert (anna.person, anna.n, anna.right) == ("anna", 7, 5)
        assert anna.low < 5 / 7 < anna.high
        assert conflicts(reviewing) == []

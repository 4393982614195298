"""Who is asked what next."""

from mep3m.desk.intake.controls import MOST
from mep3m.desk.intake.take import Draw, take_controls
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemGroup, ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from tests.desk.filled import UNSURE, Filled, category, items

NONE = ItemVerdict("none")


def ask(reviewing: Reviewing, person: str, after: int = 0, skipped: bool = False) -> ItemGroup:
    found = reviewing.line.next(person, "review", reviewing.categories, after, skipped)
    assert found is not None
    return found


def decide(reviewing: Reviewing, person: str, group: ItemGroup, count: int = 99) -> None:
    batch = f"{person} {len(reviewing.log.history(limit=9999))}"
    said = dict.fromkeys([one.id for one in group.items][:count], NONE)
    reviewing.log.decide(said, Signed(person, batch))


def test_similar_products_come_together_with_the_most_probable_categories_first(reviewing: Reviewing) -> None:
    group = ask(reviewing, "anna")
    assert len(group.items) > 1
    first = reviewing.categories.by_id[group.choices[0]]
    assert all(first.path == tuple(one.answer["top"][0]["path"]) for one in group.items)


def test_two_people_are_asked_different_groups(reviewing: Reviewing) -> None:
    assert ask(reviewing, "anna").cluster != ask(reviewing, "ben").cluster
    assert ask(reviewing, "anna").cluster == ask(reviewing, "anna").cluster


def test_what_was_not_ticked_comes_again(reviewing: Reviewing) -> None:
    group = ask(reviewing, "anna")
    decide(reviewing, "anna", group, 1)
    again = ask(reviewing, "anna")
    assert again.cluster == group.cluster
    assert [one.id for one in again.items] == [one.id for one in group.items][1:]


def test_skipped_groups_come_again_at_the_end(reviewing: Reviewing) -> None:
    first = ask(reviewing, "anna")
    seen, after = [first.cluster], first.cluster
    while (group := ask(reviewing, "anna", after)).cluster != first.cluster:
        seen.append(group.cluster)
        after = group.cluster
    assert seen == sorted(set(seen))
    assert len(seen) > 1


def test_everything_is_asked_once_of_one_person(reviewing: Reviewing) -> None:
    while (group := reviewing.line.next("anna", "review", reviewing.categories)) is not None:
        decide(reviewing, "anna", group)
    assert reviewing.line.left("review") == 0
    assert len(reviewing.log.history(limit=9999)) == len(items(reviewing))


def test_where_two_are_asked_each_is_asked_once(asked_of_two: Reviewing) -> None:
    for person in ("anna", "ben", "carol"):
        while (group := asked_of_two.line.next(person, "review", asked_of_two.categories)) is not None:
            decide(asked_of_two, person, group)
    assert len(asked_of_two.log.history(limit=9999)) == 2 * len(UNSURE)


def test_control_items_are_mixed_in_and_look_as_all_others(filled: Filled) -> None:
    table = filled.table([], "known.tsv")
    rows = [f"K{n}\t苹果 手机 特价{n}\t数码\t手机\n" for n in range(40)]
    table.path.write_text("sku\ttitle\tl1\tl2\n" + "".join(rows), encoding="utf-8")
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, [f"{title} {n}" for title in UNSURE for n in range(9)])
        added = take_controls(reviewing, filled.run, table, Draw(controls=0.25))
        assert 0 < added.added <= min(40, MOST)
        controls = set(items(reviewing, "control"))
        asked: list[ItemGroup] = []
        for _ in range(20):
            group = ask(reviewing, "anna")
            asked.append(group)
            decide(reviewing, "anna", group)
    mixed = [group for group in asked if group.items[0].id in controls]
    assert 3 <= len(mixed) <= 6
    assert all(group.choices for group in mixed)
    assert len({group.items[0].id for group in mixed}) == len(mixed)


def test_a_skipped_control_item_does_not_stand_in_the_way(filled: Filled) -> None:
    table = filled.table([], "known.tsv")
    table.path.write_text("sku\ttitle\tl1\tl2\nK1\t苹果 手机\t数码\t手机\n", encoding="utf-8")
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE)
        take_controls(reviewing, filled.run, table, Draw(controls=0.5))
        decide(reviewing, "anna", ask(reviewing, "anna"))
        assert ask(reviewing, "anna").items[0].own_id == "K1"
        assert ask(reviewing, "anna", skipped=True).items[0].own_id != "K1"


def test_recent_categories_are_one_s_own(reviewing: Reviewing) -> None:
    first, second, *_ = items(reviewing)
    for n, (item, path) in enumerate([(first, ("食品",)), (second, ("数码", "手机"))]):
        said = ItemVerdict("category", category(reviewing, *path))
        reviewing.log.decide({item: said}, Signed("anna", f"b{n}"))
    assert reviewing.line.recent("anna", reviewing.categories, "review") == [
        category(reviewing, "数码", "手机"),
        category(reviewing, "食品"),
    ]
    assert reviewing.line.recent("ben", reviewing.categories, "review") == []

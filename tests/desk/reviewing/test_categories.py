"""Categories are found by what people write, and what may mean two of them means none."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mep3m.desk.outcome.sheet import said_by
from mep3m.desk.reviewing.categories import SHOWN, Categories, Choice, keep_categories, plain
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.taxonomy import Category, Taxonomy
from tests.desk.bare import PATHS, bare

NAME = st.text(st.sampled_from("手机壳苹果aBＣ１ "), min_size=1, max_size=5).filter(str.strip)
TREES = st.lists(st.lists(NAME, min_size=1, max_size=3).map(tuple), min_size=1, max_size=20, unique=True)


def of(paths: list[tuple[str, ...]], names: list[tuple[str, ...]] | None = None) -> Categories:
    both = zip(paths, names or paths, strict=True)
    choices = tuple(Choice(number, path, name) for number, (path, name) in enumerate(both, start=1))
    return Categories({one.id: one for one in choices}, choices)


@settings(max_examples=40, deadline=None)
@given(TREES, st.data())
def test_a_name_typed_in_any_case_and_width_is_found(
    paths: list[tuple[str, ...]], data: st.DataObject
) -> None:
    tree = of(paths)
    one = data.draw(st.sampled_from(tree.choices))
    text = data.draw(
        st.sampled_from([one.shown, one.shown.upper(), one.names[-1], f"  {one.names[-1].lower()} "])
    )
    found = tree.find(text.replace(">", " "), limit=len(paths))
    assert one in found
    assert all(word in plain(other.shown) for word in plain(text).replace(">", "").split() for other in found)


@settings(max_examples=40, deadline=None)
@given(TREES, st.text(max_size=12))
def test_a_search_never_shows_more_than_fits_or_one_twice(paths: list[tuple[str, ...]], text: str) -> None:
    found = of(paths).find(text)
    assert len(found) <= SHOWN
    assert len({one.id for one in found}) == len(found)


@settings(max_examples=40, deadline=None)
@given(TREES, st.data())
def test_a_text_means_a_category_that_nothing_else_could_mean(
    paths: list[tuple[str, ...]], data: st.DataObject
) -> None:
    tree = of(paths)
    text = data.draw(st.sampled_from([part for one in tree.choices for part in (one.shown, one.names[-1])]))
    wholes = [one for one in tree.choices if plain(one.shown) == plain(text)]
    ends = [one for one in tree.choices if plain(one.names[-1]) == plain(text)]
    meant = wholes or ends
    assert said_by(text, tree) == (ItemVerdict("category", meant[0].id) if len(meant) == 1 else None)


def test_two_categories_of_one_whole_name_are_told_apart_by_their_ids() -> None:
    tree = of([("c1", "c7"), ("c1", "c8")], [("数码", "手机")] * 2)
    assert said_by("数码 > 手机", tree) is None
    assert said_by("C8", tree) == ItemVerdict("category", 2)


@given(st.text(max_size=30))
def test_what_nobody_can_mean_is_no_verdict(text: str) -> None:
    assume(plain(text) not in {"none of these", "unsure", *(plain(part) for path in PATHS for part in path)})
    assert said_by(text, of(list(PATHS[:1]))) is None or plain(text) == plain(PATHS[0][0])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sets(st.sampled_from(PATHS)), min_size=1, max_size=4))
def test_a_tree_that_changes_keeps_the_numbers_that_decisions_have(trees: list[set[tuple[str, ...]]]) -> None:
    with bare(("a",)) as reviewing:
        numbers = {one.path: one.id for one in reviewing.categories.choices}
        for tree in trees:
            with reviewing.database.change() as change:
                keep_categories(change, sorted(tree), None)
        now = Categories.read(reviewing.database.read)
        assert {one.path for one in now.choices} == trees[-1]
        assert {one.path: one.id for one in now.by_id.values()} == numbers


def test_names_of_today_s_tree_are_shown_for_ids() -> None:
    for name in ("手机", "移动电话"):
        taxonomy = Taxonomy((Category("c1", "数码"), Category("c7", name, parent="c1")))
        with bare((), paths=[("c1", "c7"), ("c1", "c9")], taxonomy=taxonomy) as reviewing:
            assert [one.shown for one in reviewing.categories.choices] == [f"数码 > {name}", "数码 > c9"]

"""A taxonomy's versions: every edit can be undone, and whatever held an id follows it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.edits.diff import diff, model_classes, what_breaks
from mep3m.alignment.edits.edit import Edit, Record, SplitPart, make, remap_labels, replay, successor, undo
from mep3m.alignment.edits.history import read_history, read_parts, record_edit, record_undo
from mep3m.engine import make_engine
from mep3m.errors import FormatError, Mep3mError, NotFoundError, TaxonomyError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.stages.apply_edits import ApplyEdits
from mep3m.stages.base import run_stage
from mep3m.store import Plan, StoreWriter
from mep3m.store.json_files import write_json
from mep3m.taxonomy import Category, Taxonomy

TREE = Taxonomy(
    (
        Category("1", "家电", "Appliances"),
        Category("2", "数码", "Digital"),
        Category("tv", "电视", "TV", "1"),
        Category("air", "空调", None, "1"),
        Category("hang", "挂机", None, "air"),
        Category("phone", "手机", "Phones", "2"),
    )
)
PARTS = (SplitPart("lcd", "液晶", None, (("a", ("家电", "液晶")),)), SplitPart("oled", "有机", None))


def edit(taxonomy: Taxonomy, *edits: Edit) -> tuple[Taxonomy, list[Record]]:
    records = []
    for one in edits:
        taxonomy, record = make(taxonomy, one, "li", "2026-11-22")
        records.append(record)
    return taxonomy, records


def labels(*ids: str) -> tuple[Label, ...]:
    return tuple(Label(category, "mapped", "map") for category in ids)


def test_each_kind_of_edit() -> None:
    changed, _ = edit(
        TREE,
        Edit("rename", "tv", name_zh="电视机"),
        Edit("move", "phone", target="1"),
        Edit("merge", "air", target="tv"),
        Edit("archive", "2", reason="empty"),
    )
    assert (changed["tv"].name_zh, changed["tv"].name_en) == ("电视机", "TV")
    assert [node.id for node in changed.path("hang")] == ["1", "tv", "hang"]
    assert "air" not in changed
    assert changed["2"].archived
    assert changed.level("phone") == 2
    changed, _ = edit(TREE, Edit("split", "tv", parts=PARTS), Edit("move", "phone", target=""))
    assert {node.id for node in changed.children("1")} == {"air", "lcd", "oled"}
    assert changed.level("phone") == 1


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (Edit("rename", "tvv", name_zh="x"), NotFoundError, "did you mean 'tv'"),
        (Edit("rename", "tv"), UsageError, "needs a Chinese or an English name"),
        (Edit("move", "air", target="hang"), TaxonomyError, "cycle"),
        (Edit("move", "air", target="nowhere"), NotFoundError, "nowhere"),
        (Edit("merge", "air", target="hang"), UsageError, "below it"),
        (Edit("merge", "air", target="air"), UsageError, "into itself"),
        (Edit("split", "air", parts=PARTS), UsageError, "move them before"),
        (Edit("split", "tv", parts=PARTS[:1]), UsageError, "two parts"),
        (Edit("split", "tv", parts=(SplitPart("phone"), *PARTS)), UsageError, "that id exists"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(bad: Edit, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(TREE, bad, "li", "2026-11-22")


ids = st.sampled_from([category.id for category in TREE])
EDITS = st.one_of(
    st.builds(Edit, st.just("rename"), ids, name_zh=st.text(min_size=1, max_size=3)),
    st.builds(Edit, st.just("move"), ids, target=st.one_of(ids, st.just(""))),
    st.builds(Edit, st.just("merge"), ids, target=ids),
    st.builds(Edit, st.just("split"), ids, parts=st.just(PARTS)),
    st.builds(Edit, st.just("archive"), ids),
)


@settings(deadline=None)
@given(edits=st.lists(EDITS, max_size=6))
def test_edits_are_invertible_and_ids_lead_somewhere(edits: list[Edit]) -> None:
    taxonomy, states, records = TREE, [TREE], []
    for one in edits:
        try:
            taxonomy, record = make(taxonomy, one, "li", "2026-11-22")
        except Mep3mError:
            continue
        states.append(taxonomy)
        records.append(record)
    assert replay(TREE, records)[0].version == taxonomy.version
    for category in TREE:
        following, why = successor(category.id, records)
        assert (following is None and why) or following in taxonomy
        path, lost = remap_labels(labels(*(c.id for c in TREE.path(category.id))), taxonomy, records)
        assert [label.category for label in path] == (
            [c.id for c in taxonomy.path(str(path[-1].category))] if path else []
        )
        assert path or lost
    for record, state in zip(reversed(records), reversed(states[:-1]), strict=True):
        taxonomy = undo(taxonomy, record)
        assert taxonomy.to_json() == state.to_json()


def test_undo_out_of_order_is_refused() -> None:
    changed, records = edit(TREE, Edit("rename", "tv", name_zh="x"), Edit("archive", "2"))
    with pytest.raises(UsageError, match="undo the later changes first"):
        undo(changed, records[0])


def test_labels_follow_a_merge_a_move_and_a_split() -> None:
    changed, records = edit(TREE, Edit("merge", "air", target="tv"))
    path, lost = remap_labels(labels("1", "air", "hang"), changed, records)
    assert ([label.category for label in path], lost) == (["1", "tv", "hang"], "")
    assert (path[0].by, path[1].origin, path[1].by) == ("map", "reviewed", "li")
    changed, records = edit(TREE, Edit("move", "phone", target="1"))
    path, _ = remap_labels(labels("2", "phone"), changed, records)
    assert [label.category for label in path] == ["1", "phone"]
    changed, records = edit(TREE, Edit("split", "tv", parts=PARTS))
    path, lost = remap_labels(labels("1", "tv"), changed, records, ("a", ("家电", "液晶", "大")))
    assert ([label.category for label in path], lost) == (["1", "lcd"], "")
    path, lost = remap_labels(labels("1", "tv"), changed, records, ("b", ("x",)))
    assert [label.category for label in path] == ["1"]
    assert "split into lcd, oled" in lost


def test_the_history_file_keeps_edits_and_undoings(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    _, records = edit(TREE, Edit("split", "tv", parts=PARTS), Edit("merge", "air", target="1", reason="same"))
    for record in records:
        record_edit(path, record)
    assert read_history(path) == records
    assert record_undo(path, "li", "2026-11-22") == records[1]
    assert read_history(path) == records[:1]
    record_undo(path, "li", "2026-11-22")
    with pytest.raises(UsageError, match="no edit"):
        record_undo(path, "li", "2026-11-22")
    path.write_text('{"edit": 1}\n')
    with pytest.raises(FormatError, match="record 1 is not an edit"):
        read_history(path)
    path.write_text("[1]\nx\n")
    with pytest.raises(FormatError, match="line 1 is not a JSON object"):
        read_history(path)


def test_the_difference_of_two_taxonomies() -> None:
    new, records = edit(
        TREE,
        Edit("rename", "tv", name_en="Televisions"),
        Edit("move", "phone", target="1"),
        Edit("merge", "air", target="tv", reason="one shelf"),
        Edit("archive", "2"),
    )
    changes = {(change.kind, change.id): change.text for change in diff(TREE, new, records)}
    assert changes[("renamed", "tv")] == "'电视 / TV' is now '电视 / Televisions'"
    assert changes[("moved", "phone")] == "'手机' from '数码' to '家电'"
    assert changes[("removed", "air")] == "'空调' is now tv (air was merged into tv: one shelf)"
    assert ("archived", "2") in changes
    assert ("added", "air") in {(change.kind, change.id) for change in diff(new, TREE)}
    assert diff(TREE, TREE) == []


def test_a_model_follows_or_says_what_breaks(tmp_path: Path) -> None:
    write_json(
        tmp_path / "classifier.json", {"tree": [["1"], ["1", "tv"], ["1", "air"], ["数码", "手机"], ["new"]]}
    )
    classes = model_classes(tmp_path, TREE)
    assert classes == ["1", "tv", "air", "phone", "new"]
    new, records = edit(TREE, Edit("merge", "air", target="tv"), Edit("archive", "phone", reason="sold"))
    breaks = what_breaks(classes, new, records)
    assert breaks["air"][0] == "tv"
    assert breaks["phone"] == (None, "phone was archived: sold")
    assert breaks["new"] == (None, "it is not in the new taxonomy")
    assert set(breaks) == {"air", "phone", "new"}
    with pytest.raises(NotFoundError, match="not a classifier"):
        model_classes(tmp_path / "none", TREE)


def test_a_stores_labels_follow(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("1",)))
    rows = [
        Product("p1", "a", "1", ("家电", "液晶"), labels=labels("1", "tv")),
        Product("p2", "b", "1", ("电视",), labels=labels("1", "tv")),
        Product("p3", "b", "2"),
    ]
    writer.write(0, to_table(rows))
    store = writer.finish(TREE)
    new, records = edit(TREE, Edit("split", "tv", parts=PARTS))
    followed = run_stage(ApplyEdits(tuple(records)), store, tmp_path / "f", make_engine("local", 1))
    assert [row.category(2) for row in followed.products()] == ["lcd", None, None]
    assert followed.taxonomy.version == new.version
    (reject,) = followed.rejects().to_pylist()
    assert (reject["product"], reject["value"]) == ("p2", "tv")
    with pytest.raises(UsageError, match="do not fit"):
        run_stage(ApplyEdits(tuple(records)), followed, tmp_path / "g", make_engine("local", 1))


def test_the_table_of_a_split(tmp_path: Path) -> None:
    path = tmp_path / "parts.tsv"
    path.write_text("id\tname_zh\tsource\tpath\nlcd\t液晶\ta\t家电 > 液晶\nlcd\t液晶\tb\tx\noled\t有机\t\t\n")
    lcd, oled = read_parts(path)
    assert lcd.members == (("a", ("家电", "液晶")), ("b", ("x",)))
    assert (oled.name_zh, oled.members) == ("有机", ())
    path.write_text("id\tname_zh\n\tx\n")
    with pytest.raises(FormatError, match="line 2: id is empty"):
        read_parts(path)

"""Any sequence of edits of a tree, made, recorded, undone and replayed, keeps what must always hold."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mep3m.alignment.edits.diff import diff, what_breaks
from mep3m.alignment.edits.edit import Edit, Record, SplitPart, make, remap_labels, replay, successor, undo
from mep3m.alignment.edits.history import read_history, record_edit, record_undo
from mep3m.errors import Mep3mError, UsageError
from mep3m.product import Label
from mep3m.taxonomy import Category, Taxonomy, from_paths

DAY = "2026-11-22"
words = st.sampled_from(["茶", "米", "灯", "tea", "lamp"])
paths = st.lists(st.lists(words, min_size=1, max_size=3).map(tuple), min_size=1, max_size=6)


def labels_of(tree: Taxonomy, category: str) -> tuple[Label, ...]:
    return tuple(Label(node.id, "given", "shop") for node in tree.path(category))


class Editing(RuleBasedStateMachine):
    """A person who renames, moves, merges, splits, archives and takes back, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.states: list[Taxonomy] = []
        self.records: list[Record] = []

    @initialize(first=paths)
    def begin(self, first: list[tuple[str, ...]]) -> None:
        self.states = [from_paths(first)]

    @property
    def tree(self) -> Taxonomy:
        return self.states[-1]

    def edit(self, edit: Edit) -> None:
        """Make the edit, or see that a refused one says why and changes nothing."""
        before = self.tree.version
        try:
            changed, record = make(self.tree, edit, "li", DAY)
        except Mep3mError as error:
            self.refused(edit, str(error), before)
            return
        assert (record.before, record.after) == (before, changed.version)
        self.states.append(changed)
        self.records.append(record)

    def refused(self, edit: Edit, why: str, before: str) -> None:
        assert edit.id in why or (edit.target and edit.target in why)
        assert self.tree.version == before

    @rule(data=st.data(), zh=st.none() | words, en=st.none() | words)
    def rename(self, data: st.DataObject, zh: str | None, en: str | None) -> None:
        self.edit(Edit("rename", self.pick(data), name_zh=zh, name_en=en))

    @rule(data=st.data(), first=st.booleans())
    def move(self, data: st.DataObject, first: bool) -> None:
        self.edit(Edit("move", self.pick(data), target="" if first else self.pick(data)))

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        self.edit(Edit("merge", self.pick(data), target=self.pick(data)))

    @rule(data=st.data(), parts=st.integers(0, 3), keeps=st.booleans())
    def split(self, data: st.DataObject, parts: int, keeps: bool) -> None:
        category = self.pick(data)
        self.count += 1
        made = [SplitPart(f"part{self.count}-{i}", f"份{i}") for i in range(parts)]
        if keeps and made:
            made[0] = replace(made[0], id=category)
        self.edit(Edit("split", category, parts=tuple(made)))

    @rule(data=st.data())
    def archive(self, data: st.DataObject) -> None:
        self.edit(Edit("archive", self.pick(data), reason="sold out"))

    @precondition(lambda self: self.records)
    @rule()
    def take_back(self) -> None:
        found = undo(self.tree, self.records.pop())
        self.states.pop()
        assert found.to_json() == self.tree.to_json()

    @precondition(lambda self: len(self.records) > 1)
    @rule()
    def take_back_an_earlier_one(self) -> None:
        earlier = self.records[0]
        if earlier.after != self.tree.version:
            with pytest.raises(UsageError, match="undo the later changes first"):
                undo(self.tree, earlier)

    def pick(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(node.id for node in self.tree)))

    @invariant()
    def what_is_archived_is_archived_with_everything_below(self) -> None:
        if not self.states:
            return
        for node in self.tree:
            if node.parent is not None and self.tree[node.parent].archived:
                assert node.archived

    @invariant()
    def every_id_of_the_beginning_leads_somewhere_or_says_why_not(self) -> None:
        if not self.states:
            return
        for node in self.states[0]:
            following, why = successor(node.id, self.records)
            assert following is None or following in self.tree
            assert why or following == node.id

    @invariant()
    def labels_follow_to_a_path_of_the_tree(self) -> None:
        if not self.states:
            return
        for node in self.states[0]:
            before = labels_of(self.states[0], node.id)
            after, lost = remap_labels(before, self.tree, self.records)
            assert after or lost
            if after:
                found = [str(label.category) for label in after]
                assert found == [one.id for one in self.tree.path(found[-1])]

    @invariant()
    def replaying_the_records_on_the_first_tree_is_this_tree(self) -> None:
        if not self.states:
            return
        again, held, broken = replay(self.states[0], self.records)
        assert (again.version, held, broken) == (self.tree.version, self.records, [])

    @invariant()
    def the_difference_names_what_is_new_gone_and_changed(self) -> None:
        if not self.states:
            return
        old, new = self.states[0], self.tree
        changes = {(change.kind, change.id) for change in diff(old, new, self.records)}
        assert {id_ for kind, id_ in changes if kind == "added"} == {n.id for n in new} - {n.id for n in old}
        assert {id_ for kind, id_ in changes if kind == "removed"} == {n.id for n in old} - {
            n.id for n in new
        }
        both = [(node, new[node.id]) for node in old if node.id in new]
        assert {id_ for kind, id_ in changes if kind == "moved"} == {
            a.id for a, b in both if a.parent != b.parent
        }
        assert {id_ for kind, id_ in changes if kind == "archived"} == {
            a.id for a, b in both if b.archived and not a.archived
        }
        assert (not changes) == (old.version == new.version)

    @invariant()
    def a_model_of_the_beginning_breaks_only_where_an_id_is_gone(self) -> None:
        if not self.states:
            return
        for category, (now, why) in what_breaks(
            [n.id for n in self.states[0]], self.tree, self.records
        ).items():
            assert now != category
            assert why
            assert now is None or not self.tree[now].archived


Editing.TestCase.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestEditing = Editing.TestCase


SHELF = Taxonomy(
    (
        Category("1", "食品"),
        Category("tea", "茶", "Tea", "1"),
        Category("2", "旧货", archived=True),
        Category("old", "旧", parent="2", archived=True),
    )
)


@pytest.mark.parametrize(
    "edit",
    [
        Edit("move", "tea", target="2"),
        Edit("move", "tea", target="old"),
        Edit("merge", "tea", target="old"),
        Edit("merge", "1", target="2"),
    ],
    ids=lambda edit: f"{edit.kind} {edit.id} {edit.target}",
)
def test_nothing_goes_into_or_below_what_is_archived(edit: Edit) -> None:
    with pytest.raises(UsageError, match="is archived; choose a category that is in use"):
        make(SHELF, edit, "li", DAY)


def test_what_is_archived_is_not_split() -> None:
    with pytest.raises(UsageError, match=r"'old' \(旧\) is archived"):
        make(SHELF, Edit("split", "old", parts=(SplitPart("a"), SplitPart("b"))), "li", DAY)


def test_what_is_archived_may_be_renamed_moved_out_and_merged_away() -> None:
    tree, _ = make(SHELF, Edit("rename", "old", name_zh="老"), "li", DAY)
    tree, _ = make(tree, Edit("move", "old", target="1"), "li", DAY)
    assert (tree["old"].name, tree["old"].parent, tree["old"].archived) == ("老", "1", True)
    tree, record = make(tree, Edit("merge", "old", target="tea"), "li", DAY)
    assert record.follows == {"old": "tea"}


@pytest.mark.parametrize("torn", [b'{"edit": {"kind": "rena', b'{"undo": tr', b'{"a": "}'])
def test_an_edit_that_a_kill_cut_off_was_never_made(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "tree.edits.jsonl"
    _, first = make(SHELF, Edit("rename", "tea", name_zh="红茶"), "li", DAY)
    record_edit(path, first)
    path.write_bytes(path.read_bytes() + torn)
    assert read_history(path) == [first]
    _, second = make(make(SHELF, first.edit, "li", DAY)[0], Edit("archive", "tea"), "li", DAY)
    record_edit(path, second)
    assert read_history(path) == [first, second]
    assert record_undo(path, "wang", DAY) == second
    assert read_history(path) == [first]

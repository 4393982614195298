"""What must hold of proposals on any two trees, and on simulated shops of several sizes."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.learned.boosted import shipped_weights
from mep3m.alignment.learned.proposer import propose_evidence
from mep3m.alignment.records import Entry, Proposal, Side, read_side
from mep3m.settings.align import EvidenceSettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator import simulate

NAMES = (
    "手机",
    "手机壳",
    "手机配件",
    "电视",
    "电视柜",
    "男装",
    "女装",
    "茶",
    "红茶",
    "茶叶/咖啡",
    "Tea",
    "Phones",
)
TITLES = (
    "华为 手机 128G",
    "硅胶 手机壳",
    "祁门 红茶 罐装",
    "龙井 茶叶",
    "55英寸 电视",
    "实木 电视柜",
    "男士 衬衫",
)
#: pairs that nobody may link
TRAPS = (("手机", "手机壳"), ("电视", "电视柜"), ("男装", "女装"), ("猫粮", "狗粮"))
TURNED = {"exact": "exact", "narrower": "broader", "broader": "narrower"}

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple)
titles = st.lists(st.sampled_from(TITLES), max_size=3, unique=True).map(tuple)


def sides(name: str) -> st.SearchStrategy[Side]:
    # paths differ: among categories of one name and no other evidence a tie is left to their titles alone
    entries = st.lists(st.tuples(paths, titles), min_size=1, max_size=7, unique_by=lambda one: one[0])
    return entries.map(
        lambda of: Side(
            name, tuple(Entry(f"{name}{n}", path, titles=some) for n, (path, some) in enumerate(of))
        )
    )


def told(
    proposals: list[Proposal], *, turned: bool = False
) -> dict[tuple[str, str], tuple[str, float, bool]]:
    return {
        (one.right_id, one.left_id) if turned else (one.left_id, one.right_id): (
            TURNED[one.relation] if turned else one.relation,
            round(one.probability, 5),
            one.accept,
        )
        for one in proposals
        if one.accept
    }


@settings(max_examples=12, deadline=None)
@given(sides("a"), sides("b"))
def test_swapping_the_sides_gives_the_inverse_relations_with_the_same_probability(
    left: Side, right: Side
) -> None:
    there = propose_evidence(left, right, EvidenceSettings())
    back = propose_evidence(right, left, EvidenceSettings())
    assert told(there) == told(back, turned=True)


def test_of_equal_paths_the_parent_is_the_same_in_any_order() -> None:
    entries = [Entry(f"a{n}", ("手机",)) for n in range(4)]
    entries += [Entry("a4", ("手机",), titles=("华为 手机 128G",)), Entry("a5", ("手机", "手机"))]
    right = Side("b", (Entry("b0", ("手机",), titles=("华为 手机 128G",)),))
    found = [
        told(propose_evidence(Side("a", tuple(order)), right, EvidenceSettings()))
        for order in (entries, entries[::-1], entries[3:] + entries[:3])
    ]
    assert found[0] == found[1] == found[2]


@settings(max_examples=12, deadline=None)
@given(sides("a"), sides("b"), st.randoms(use_true_random=False))
def test_the_order_of_the_categories_changes_nothing(left: Side, right: Side, rng: st.DataObject) -> None:
    def shuffled(side: Side) -> Side:
        entries = list(side.entries)
        rng.shuffle(entries)  # type: ignore[attr-defined]
        return Side(side.name, tuple(entries))

    there = propose_evidence(left, right, EvidenceSettings())
    again = propose_evidence(shuffled(left), shuffled(right), EvidenceSettings())
    links, others = told(there), told(again)
    assert {pair: found[0] for pair, found in links.items()} == {p: found[0] for p, found in others.items()}
    assert all(abs(links[pair][1] - others[pair][1]) < 1e-4 for pair in links)


@settings(max_examples=12, deadline=None)
@given(sides("a"), sides("b"))
def test_what_is_accepted_agrees_with_itself(left: Side, right: Side) -> None:
    proposals = propose_evidence(left, right, EvidenceSettings())
    assert all(0 <= one.probability <= 1 for one in proposals)
    assert len({(one.left_id, one.right_id) for one in proposals}) == len(proposals)
    exact = [one for one in proposals if one.accept and one.relation == "exact"]
    assert len({one.left_id for one in exact}) == len({one.right_id for one in exact}) == len(exact)


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=6))
def test_the_calibration_keeps_the_order_of_the_scores(odds: list[float]) -> None:
    for part in ("first_exact", "first_narrower", "exact", "narrower"):
        model = getattr(shipped_weights(), part)
        assert model.scale > 0
        values = 1 / (1 + np.exp(-(model.scale * np.sort(odds) + model.shift)))
        assert (np.diff(values) >= 0).all()


@pytest.mark.parametrize(("seed", "products"), [(901, 300), (902, 1500)])
def test_no_trap_is_linked_in_simulated_shops(tmp_path: Path, seed: int, products: int) -> None:
    drawn = simulate(
        tmp_path / "world", SimulatorSettings(products=products, platforms=2, seed=seed, images=False)
    )
    shops = [read_side(drawn.categories(name), name)[0] for name in drawn.platforms]
    for left, right in combinations(shops, 2):
        found = [one for one in propose_evidence(left, right, EvidenceSettings()) if one.accept]
        assert len(found) > 10
        names = {(left[one.left_id].name, right[one.right_id].name) for one in found}
        for one, other in TRAPS:
            assert (one, other) not in names
            assert (other, one) not in names

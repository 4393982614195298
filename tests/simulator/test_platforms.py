from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.platforms import links, make_world
from mep3m.simulator.vocabulary import departments

TRAPS = (
    ("手机", "手机壳"),
    ("电视", "电视柜"),
    ("男装T恤", "女装T恤"),
    ("猫粮", "狗粮"),
    ("湿巾", "婴儿湿巾"),
)


def test_the_true_tree_is_of_the_promised_size() -> None:
    assert len(departments()) >= 8
    assert sum(len(department.kinds) for department in departments()) >= 60
    assert sum(bool(kind.thirds) for department in departments() for kind in department.kinds) >= 8
    names = {kind.name.zh for department in departments() for kind in department.kinds}
    assert all(a in names and b in names for a, b in TRAPS)
    assert all(kind.name.en for department in departments() for kind in department.kinds)


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=15, deadline=None)
def test_a_platform_files_every_leaf_it_sells_in_one_place(seed: int, platforms: int) -> None:
    world = make_world(SimulatorSettings(seed=seed, platforms=platforms))
    for platform in world.platforms:
        covered = [leaf for node in platform.nodes for leaf in node.leaves]
        assert len(covered) == len(set(covered))
        assert len({node.id for node in (*platform.nodes, *platform.thirds)}) == len(platform.nodes) + len(
            platform.thirds
        )
        assert set(platform.first_level().values()) <= {department.name.zh for department in departments()}
    assert len(world.platforms[0].node_of) == len(world.leaves)  # the first platform sells everything
    assert [bool(platform.thirds) for platform in world.platforms] == [True] + [False] * (platforms - 1)


def test_gold_links_agree_with_the_leaves_and_hold_every_relation() -> None:
    world = make_world(SimulatorSettings(seed=1, platforms=3))
    found = list(links(world.platforms[0], world.platforms[1]))
    assert {link.relation for link in found} == {"exact", "narrower", "broader"}
    for link in found:
        left, right = link.left.leaves, link.right.leaves
        assert {"exact": left == right, "narrower": left < right, "broader": left > right}[link.relation]
    exact = [link for link in found if link.relation == "exact"]
    assert any(link.left.names[-1] != link.right.names[-1] for link in exact)  # synonyms
    assert len({link.left.id for link in exact}) == len(exact)


def test_traps_are_never_linked_unless_one_shop_files_both_together() -> None:
    for seed in range(5):
        world = make_world(SimulatorSettings(seed=seed))
        pairs = {(link.left.names[-1], link.right.names[-1]) for link in links(*world.platforms)}
        assert not pairs & {pair for a, b in TRAPS[:4] for pair in ((a, b), (b, a))}

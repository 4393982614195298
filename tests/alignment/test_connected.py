"""Connected sets, held equal to networkx's."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.connected import connected_sets

nodes = st.tuples(st.sampled_from("ab"), st.tuples(st.sampled_from(["家", "电", "茶", "x"])))


@given(alone=st.lists(nodes, max_size=6), pairs=st.lists(st.tuples(nodes, nodes), max_size=8))
def test_the_sets_are_those_of_networkx_sorted(
    alone: list[tuple[str, tuple[str]]], pairs: list[tuple[tuple[str, tuple[str]], tuple[str, tuple[str]]]]
) -> None:
    graph = nx.Graph(pairs)
    graph.add_nodes_from(alone)
    sets = connected_sets(alone, pairs)
    assert sets == sorted(tuple(sorted(of)) for of in nx.connected_components(graph))


def test_nothing_has_no_sets() -> None:
    assert connected_sets([], []) == []


def test_a_chain_of_many_is_one_set() -> None:
    chain = [(("a", n), ("a", n + 1)) for n in range(5000)]
    assert connected_sets([("b", 0)], reversed(chain)) == [tuple(("a", n) for n in range(5001)), (("b", 0),)]

"""ONNX export of the linear text classifier: n-grams of titles in, probabilities of every node out.

Hashing a title into n-grams has no ONNX form, so the inputs are what `LinearClassifier.inputs` makes,
as a network's are token ids. Everything behind that is in the file: weights, calibration, the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import require
from mep3m.label_tree.probabilities import SMALLEST, families, family_runs, leaf_mask
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import TINY, LinearClassifier, NameHead, name_columns
from mep3m.store.filesystem import atomic_write

#: versions that onnxruntime has read since 2022
_OPSET, _IR_VERSION = 17, 8


@dataclass
class _Graph:
    """Nodes and constants in the order they are added; every method returns the name of a value."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, value: NDArray[Any]) -> str:
        from onnx.numpy_helper import from_array

        name = f"c{len(self.constants)}"
        self.constants.append(from_array(np.ascontiguousarray(value), name))
        return name

    def do(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx.helper import make_node

        name = output or f"v{len(self.nodes)}"
        self.nodes.append(make_node(kind, list(inputs), [name], **attributes))
        return name

    def columns(self, value: str, chosen: NDArray[Any]) -> str:
        return self.do("Gather", value, self.constant(chosen.astype(np.int64)), axis=1)


def export_linear(classifier: LinearClassifier, path: Path) -> None:
    """Write an ONNX file whose output is `predict_proba` within 1e-4: float32 sums in another order.

    Inputs: `features` (N, K) int64 and `values` (N, K) float32 of `LinearClassifier.inputs`, any N and K.
    Output: `probabilities` (N, C), in the order of the tree's nodes.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    onnx = require("onnx", "train")
    from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info

    graph = _Graph()
    scores = _scores(graph, classifier.weights, classifier.scale)
    scores = graph.do("Add", scores, graph.constant(classifier.bias[None]))
    joined = _join(graph, classifier, scores)
    if classifier.names is not None:
        joined = _mixed(graph, classifier.tree, classifier.names, joined)
    seen = _count_features(graph)
    prior = graph.constant(classifier.prior[None])
    graph.do("Where", seen, joined, prior, output="probabilities")
    kinds = {"features": onnx.TensorProto.INT64, "values": onnx.TensorProto.FLOAT}
    inputs = [
        make_tensor_value_info(name, kind, ["rows", "features_of_a_row"]) for name, kind in kinds.items()
    ]
    shape = ["rows", len(classifier.tree)]
    outputs = [make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, shape)]
    made = make_graph(graph.nodes, "mep3m linear", inputs, outputs, graph.constants)
    model = make_model(made, opset_imports=[make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    with atomic_write(path) as temporary:
        onnx.save(model, str(temporary))


def _scores(graph: _Graph, weights: NDArray[np.float32], scale: NDArray[np.float32]) -> str:
    """Scaled scores (N, C): the `weights` (V, C) of a row's features, times their values."""
    own = graph.do("Gather", graph.constant(weights), "features", axis=0)  # (N, K, C)
    values = graph.do("Unsqueeze", "values", graph.constant(np.array([1])))  # (N, 1, K)
    raw = graph.do("Squeeze", graph.do("MatMul", values, own), graph.constant(np.array([1])))
    return graph.do("Mul", raw, graph.constant(scale[None]))


def _count_features(graph: _Graph) -> str:
    """(N, 1) whether a row has a feature beside the constant one."""
    used = graph.do("Cast", graph.do("Abs", graph.do("Sign", "values")), to=7)
    count = graph.do("ReduceSum", used, graph.constant(np.array([1])), keepdims=1)
    return graph.do("Greater", count, graph.constant(np.array([1])))


def _join(graph: _Graph, classifier: LinearClassifier, scores: str) -> str:
    """Probabilities (N, C) as `models.linear.join_scores` makes them."""
    tree, hierarchy = classifier.tree, classifier.details["hierarchy"]
    if hierarchy == "flat":
        return graph.do("Concat", *_flat(graph, tree, scores, tree.depth), axis=1)
    if hierarchy == "fine-to-coarse":
        below = leaf_mask(tree, np.arange(len(tree), dtype=np.int32)).T.astype(np.float32)  # (L, C)
        leaves = graph.do("Softmax", graph.columns(scores, tree.leaves), axis=1)
        summed = graph.do("MatMul", leaves, graph.constant(below))
        return graph.do("Min", summed, graph.constant(np.ones(1, dtype=np.float32)))
    shares: list[str] = []
    place: dict[int, tuple[str, int]] = {}
    for first, last, parent in zip(*(part.tolist() for part in family_runs(tree)), strict=True):
        share = graph.do("Softmax", graph.columns(scores, np.arange(first, last)), axis=1)
        if parent >= 0:
            above, column = place[parent]
            share = graph.do("Mul", share, graph.columns(above, np.array([column])))
        place |= {node: (share, node - first) for node in range(first, last)}
        shares.append(share)
    return graph.do("Concat", *shares, axis=1)


def _flat(graph: _Graph, tree: LabelTree, scores: str, depth: int) -> list[str]:
    """A softmax over the names of each level, as a value a level; `models.linear.softmax_levels` in ONNX."""
    levels: list[str] = []
    for level in range(1, depth + 1):
        nodes = tree.nodes(level)
        columns, mine = np.unique(tree.first_of_name[nodes], return_inverse=True)
        shares = graph.do("Softmax", graph.columns(scores, columns), axis=1)
        joined = graph.columns(shares, mine)
        several = np.flatnonzero(np.bincount(mine)[mine] > 1)
        if len(several):
            parents = tree.parent[nodes][several] - tree.starts[level - 2]
            least = graph.constant(np.array([SMALLEST], dtype=np.float32))
            above = graph.do("Add", graph.columns(levels[-1], parents), least)
            same = (mine[several][:, None] == mine[several][None]).astype(np.float32)
            part = graph.do("Div", above, graph.do("MatMul", above, graph.constant(same)))
            one = graph.do("ReduceSum", shares, graph.constant(np.array([1])), keepdims=1)
            place = np.zeros(len(mine), dtype=np.int64)
            place[several] = 1 + np.arange(len(several))
            joined = graph.do("Mul", joined, graph.columns(graph.do("Concat", one, part, axis=1), place))
        levels.append(joined)
    return levels


def _coherent(graph: _Graph, tree: LabelTree, levels: list[str]) -> str:
    """The levels side by side, children scaled down to their parent; `models.tree.make_coherent` in ONNX."""
    one, tiny = (graph.constant(np.array([value], dtype=np.float32)) for value in (1.0, TINY))
    sound: list[str] = []
    for level, here in enumerate(levels, start=1):
        family = families(tree, level)
        inside = (family.members[:, None] == np.arange(len(family.parents))).astype(np.float32)
        total = graph.do("Max", graph.do("MatMul", here, graph.constant(inside)), tiny)
        limit = one if level == 1 else graph.columns(sound[-1], family.parents - tree.starts[level - 2])
        scale = graph.do("Min", graph.do("Div", limit, total), one)
        sound.append(graph.do("Mul", here, graph.columns(scale, family.members)))
    return graph.do("Concat", *sound, axis=1)


def _mixed(graph: _Graph, tree: LabelTree, names: NameHead, joined: str) -> str:
    """Probabilities (N, C) with the name-level head; `models.linear.mix_names` in ONNX."""
    scores = _scores(graph, names.weights, names.scale)
    scores = graph.columns(scores, name_columns(tree, names.depth)[1])
    opinion = _coherent(graph, tree, _flat(graph, tree, scores, names.depth))
    last = tree.nodes(names.depth)
    above = graph.do("Add", graph.columns(joined, np.arange(last.stop)), opinion)
    above = graph.do("Mul", above, graph.constant(np.array([0.5], dtype=np.float32)))
    if last.stop == len(tree):
        return above
    tiny = graph.constant(np.array([TINY], dtype=np.float32))
    before = graph.do("Max", graph.columns(joined, np.arange(last.start, last.stop)), tiny)
    ratio = graph.do("Div", graph.columns(above, np.arange(last.start, last.stop)), before)
    parents = tree.ancestors[last.stop :, names.depth - 1] - last.start
    below = graph.columns(joined, np.arange(last.stop, len(tree)))
    below = graph.do("Mul", below, graph.columns(ratio, parents))
    return graph.do("Concat", above, below, axis=1)

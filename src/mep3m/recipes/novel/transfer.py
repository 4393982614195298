"""Base training, then transfer to base and novel classes together (§7): a whole network, or its heads.

"A random initialized ResNet is firstly trained with 166 base classes only, and then transferred to classify
200 base + novel classes. The comparison [...] has the same transferring pipeline, except the ResNet is
initialized with weights pre-trained on MEP-for-RPC." A network whose encoder stays as it is has nothing to
learn on the base classes, so there the transfer is all.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from mep3m.label_tree.probabilities import make_coherent, prior
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.features import frozen_features, open_backbone
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.image import ImageEncoder
from mep3m.models.pretrained.weights import PretrainedWeights
from mep3m.recipes.novel.draw import NovelDraw
from mep3m.recipes.novel.photographed import Photographed
from mep3m.recipes.novel.start import Start
from mep3m.settings.run import RunSettings
from mep3m.store.images import Images
from mep3m.training.examples import Examples
from mep3m.training.frozen import heads_over
from mep3m.training.loop.clock import RunClock
from mep3m.training.loop.discriminant import finished
from mep3m.training.loop.whole import fit_whole
from mep3m.training.losses import class_counts, learned_codes
from mep3m.training.network import tell, train_network
from mep3m.training.task import Task


@dataclass
class Transfer:
    """Learns from rows of `table` and answers `rows` of `test`; `folder` keeps what seeds share."""

    start: Start
    table: Photographed
    test: Photographed
    rows: NDArray[np.int64]
    folder: Path

    def answers(self, draw: NovelDraw, seed: int) -> list[LabelPath]:
        """Return the class that each of `rows` is taken for, after base training and transfer."""
        tree = LabelTree.from_paths(draw.all)
        learn = self._heads if self.start.network.frozen else self._whole
        proba = learn(tree, draw, seed)
        leaves = tree.leaves
        return [tree.paths[leaf] for leaf in leaves[make_coherent(tree, proba)[:, leaves].argmax(1)]]

    def _whole(self, tree: LabelTree, draw: NovelDraw, seed: int) -> NDArray[np.float32]:
        """Train all of the network twice: on the base classes, then from there on all of them."""
        base = self.train(draw.base, draw, self.start.weights, seed, "base")
        encoder = cast(ImageEncoder, base.network.encoders["image"]).network
        learned = PretrainedWeights(encoder.state_dict(), "base training", None)
        whole = self.train(draw.all, draw, learned, seed, "base and novel")
        return whole.predict_proba(self.test.products.take(self.rows), self.test.images)

    def train(
        self,
        classes: Sequence[LabelPath],
        draw: NovelDraw,
        weights: PretrainedWeights | None,
        seed: int,
        name: str,
    ) -> NetworkClassifier:
        """Train all of a network that begins with `weights` on the drawn rows of some classes."""
        rows = draw.of(classes)
        tree = LabelTree.from_paths(classes)
        products = self.table.products.take(rows)
        codes = tree.encode([self.table.paths[row] for row in rows])
        every, none = np.arange(len(rows)), np.zeros(0, np.int64)
        task = Task(
            products, tree, codes, every, none, self.table.images, RunSettings(modality="image"), "none"
        )
        tell(f"seed {seed}, {name}: {len(rows):,} pictures of {len(classes)} classes")
        run = self.folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        training = self.start.training.model_copy(update={"seed": seed})
        if training.cache is None:
            training = training.model_copy(update={"cache": str(self.folder / "pixels")})
        return train_network(task, self.start.network, training, run, RunClock(say=tell), weights).classifier

    def _heads(self, tree: LabelTree, draw: NovelDraw, seed: int) -> NDArray[np.float32]:
        """Train heads on what the frozen network sees in the pictures."""
        start, rows = self.start, draw.of(draw.all)
        codes = tree.encode([self.table.paths[row] for row in rows])
        learned = learned_codes(codes, tree, start.network.hierarchy, start.training.loss)
        inputs = Inputs({"image": self._features(self.table.products.take(rows), self.table.images)})
        torch.manual_seed(seed)
        heads = heads_over(cast(dict[str, Stored], inputs.parts), tree, start.network)
        examples = Examples(inputs, learned, np.arange(len(rows)))
        fit_whole(heads, examples, tree, start.training, clock=RunClock(say=tell))
        shares = prior(tree, class_counts(codes, len(tree)))
        said = finished(heads, examples, tree, start.training)
        classifier = NetworkClassifier(tree, start.network, said, {}, shares)
        tests = Inputs({"image": self._features(self.test.products.take(self.rows), self.test.images)})
        return classifier.predict_read(tests, np.arange(len(self.rows))).proba

    def _features(self, products: pa.Table, images: Images) -> Stored:
        cache = Path(self.start.training.cache or self.folder / "features")
        return frozen_features(self._backbone, products, images, cache, tell)

    @cached_property
    def _backbone(self) -> NetworkClassifier:
        return open_backbone(self.start.network, self.start.weights)

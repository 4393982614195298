"""A trained classifier with classes learned later: coherent, the same when loaded, the old ones kept."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.errors import ModelError, UsageError
from mep3m.label_tree.probabilities import TOLERANCE, incoherence
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Classifier, learned_of, load
from mep3m.models.fingerprint import model_fingerprint
from mep3m.models.late_fusion import LateFusion
from mep3m.models.learned.extend import ClassRows, ExtendedPart, bare, extended, parts_of
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.product import Product, to_table
from mep3m.store.images import ContentImages
from mep3m.training import late_fusion
from tests.models.catalogue import TREE, picture, products
from tests.training.tasks import task_of

SMALL = {
    "backbone": "tf_efficientnet_lite0",
    "pixels": "32",
    "crops": "0.0",
    "mirror": "false",
    "pooling": "last",
}
#: a new leaf below a category that is there, and a new branch; blue and grey in pictures
NEW = (("food", "salt"), ("toys", "ball"))
COLOURS = {"salt": "lamp", "ball": "rice"}


def some(
    images: ContentImages, count: int, seed: int, names: tuple[str, ...] = ("salt", "ball")
) -> ClassRows:
    """Return products of new classes: darker pictures of other colours, other words."""
    rows, classes = [], []
    for n in range(count):
        name = names[n % len(names)]
        key = images.put(shade(name, seed + n))
        rows.append(
            Product(f"n{seed}-{n}", "shop", f"n{seed}-{n}", title=f"fine {name} no {n % 3}", image=key)
        )
        classes.append([path[1] for path in NEW].index(name))
    return ClassRows(to_table(rows), images, NEW, np.array(classes))


def shade(name: str, seed: int) -> bytes:
    from tests.models import catalogue

    catalogue.COLOURS.setdefault("salt", (20, 40, 180))
    catalogue.COLOURS.setdefault("ball", (90, 30, 120))
    return picture(name, seed)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Classifier], Path, ContentImages]:
    """A frozen image network, a linear text model, and their late fusion; each in its folder."""
    place = tmp_path_factory.mktemp("trained")
    table, images = products(place / "images", 36)
    fused = late_fusion.train(
        task_of(table, images, "late-fusion", SMALL, valid=6), place / "work"
    ).classifier
    assert isinstance(fused, LateFusion)
    made: dict[str, Classifier] = {"image+text": fused, **fused.parts}
    for name, classifier in made.items():
        classifier.save(place / name)
    return made, place, images


def taught(
    kind: str, trained: tuple[dict[str, Classifier], Path, ContentImages]
) -> tuple[Classifier, ClassRows]:
    made, place, images = trained
    table, _ = products(place / "images", 36)
    known = ClassRows(
        table,
        images,
        TREE.paths,
        TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])[np.arange(36) % 3, 1].astype(
            np.int64
        ),
    )
    new = some(images, 16, 100)
    parts = {name: part.knowing(known, new) for name, part in parts_of(made[kind]).items()}
    tree = LabelTree.from_paths([*TREE.paths, *NEW])
    return extended(made[kind], parts, new, tree, "ridge")[0], new


@pytest.mark.parametrize("kind", ["text", "image+text"])
def test_it_knows_old_and_new_is_coherent_and_the_same_when_loaded(
    kind: str, trained: tuple[dict[str, Classifier], Path, ContentImages], tmp_path: Path
) -> None:
    made, place, images = trained
    classifier, _ = taught(kind, trained)
    assert learned_of(classifier) == {("food", "salt"), ("toys",), ("toys", "ball")}
    table, _ = products(place / "images", 36)
    asked = pa.concat_tables([table, some(images, 12, 500).products])
    prediction = classifier.predict(asked, images)
    if kind != "image+text":  # this late fusion is flat
        assert incoherence(classifier.tree, prediction.proba) <= TOLERANCE
    tree = classifier.tree
    best = [tree.paths[one] for one in tree.leaves[prediction.proba[:, tree.leaves].argmax(1)]]
    paths = [(("food", "tea"), ("food", "rice"), ("home", "lamp"))[n % 3] for n in range(36)]
    assert np.mean([one == other for one, other in zip(best[:36], paths, strict=True)]) > 0.9
    assert np.mean([one == NEW[n % 2] for n, one in enumerate(best[36:])]) > 0.9
    classifier.save(tmp_path / "saved")
    again = load(tmp_path / "saved")
    np.testing.assert_allclose(again.predict_proba(asked, images), prediction.proba, atol=2e-5)
    assert learned_of(again) == learned_of(classifier)
    assert bare(again).tree.paths == TREE.paths
    np.testing.assert_allclose(
        bare(again).predict_proba(table, images), made[kind].predict_proba(table, images), atol=2e-5
    )
    assert isinstance(again, LateFusion) == (kind == "image+text")


def test_a_row_that_shows_no_vector_has_the_answer_of_the_trained_classifier(
    trained: tuple[dict[str, Classifier], Path, ContentImages],
) -> None:
    classifier, _ = taught("image", trained)
    nothing = to_table([Product("x", "shop", "x", title="no picture")])
    found = classifier.predict(nothing, trained[2])
    assert not found.seen[0]
    before = trained[0]["image"].predict_proba(nothing, trained[2])
    np.testing.assert_allclose(
        found.proba[0, classifier.tree.index(("home",))], before[0, TREE.index(("home",))], atol=1e-6
    )
    assert found.proba[0, classifier.tree.index(("toys",))] == 0


def test_learning_twice_keeps_what_was_learned_and_never_nests(
    trained: tuple[dict[str, Classifier], Path, ContentImages],
) -> None:
    first, new = taught("text", trained)
    path = ("toys", "kite")
    rows = to_table([Product(f"k{n}", "shop", f"k{n}", title=f"high kite no {n}") for n in range(5)])
    tree = LabelTree.from_paths([*first.tree.paths, path])
    more = ClassRows(rows, None, [path], np.zeros(5, np.int64))
    second, _ = extended(first, parts_of(first), more, tree, "ridge")
    assert isinstance(bare(second), LinearClassifier)
    assert second.predict_proba(rows)[:, tree.index(path)].min() > 0.5
    before, after = first.predict_proba(new.products), second.predict_proba(new.products)
    for row, one in enumerate(NEW[place] for place in new.classes):
        assert after[row].argmax() != tree.index(path)
        assert after[row, tree.index(one)] > 0.5 < before[row, first.tree.index(one)]


def test_columns_move_and_answers_do_not(trained: tuple[dict[str, Classifier], Path, ContentImages]) -> None:
    """A class is its path: a new one that sorts before all others changes no answer."""
    first, new = taught("text", trained)
    path = ("aaa", "first")
    rows = to_table([Product(f"z{n}", "shop", f"z{n}", title=f"zzz qqq {n}") for n in range(5)])
    tree = LabelTree.from_paths([*first.tree.paths, path])
    second, _ = extended(
        first, parts_of(first), ClassRows(rows, None, [path], np.zeros(5, np.int64)), tree, "ridge"
    )
    assert tree.index(("home", "lamp")) != first.tree.index(("home", "lamp"))
    for classifier in (first, second):
        leaves = classifier.tree.leaves
        best = leaves[classifier.predict_proba(new.products)[:, leaves].argmax(1)]
        assert [classifier.tree.paths[one] for one in best] == [NEW[place] for place in new.classes]


def test_a_class_that_shows_the_model_nothing_is_refused(
    trained: tuple[dict[str, Classifier], Path, ContentImages],
) -> None:
    classifier, _ = taught("image", trained)
    rows = to_table([Product("e", "shop", "e", title="no picture")])
    tree = LabelTree.from_paths([*classifier.tree.paths, ("toys", "kite")])
    with pytest.raises(UsageError, match=r"0 products of 'toys > kite' show the model image that it can"):
        extended(
            classifier,
            parts_of(classifier),
            ClassRows(rows, None, [("toys", "kite")], np.zeros(1, np.int64)),
            tree,
            "ridge",
        )


@pytest.mark.parametrize(
    "name", ["statistics.safetensors", "weights.safetensors", "text/encoder.json", "base"]
)
def test_a_folder_that_is_not_whole_is_an_error_that_says_so(
    name: str, trained: tuple[dict[str, Classifier], Path, ContentImages], tmp_path: Path
) -> None:
    classifier, _ = taught("text", trained)
    classifier.save(tmp_path)
    version = model_fingerprint(tmp_path)
    if name == "base":
        (tmp_path / "classifier.json").write_text(json.dumps({"kind": "extended", "format": 1}))
    else:
        (tmp_path / name).unlink()
    with pytest.raises((ModelError, UsageError)):
        load(tmp_path)
    assert len(version) == 16


def test_a_part_without_what_was_kept_is_none() -> None:
    assert ExtendedPart.of(LinearClassifier(TREE, None, *[np.zeros(1)] * 4, {})).kept is None  # type: ignore[arg-type]

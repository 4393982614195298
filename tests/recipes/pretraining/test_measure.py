"""Labels by the vote of the nearest, by hand."""

from pathlib import Path

import numpy as np
import pytest

from mep3m.dataset.dataset import Dataset
from mep3m.product import to_table
from mep3m.recipes.pretraining import measure
from mep3m.recipes.pretraining.measure import nearest, neighbour_scores, vote
from tests.models.catalogue import products
from tests.training.pretraining.test_prepare import product


class Names:
    """Encodes a product as the place of its id among eight directions; a title 'zero' is no direction."""

    def encode(self, table, images=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        from mep3m.models.networks.classifier import Encoded

        kinds = [title.split()[0] for title in table["title"].to_pylist()]
        where = {"tea": [1.0, 0.0], "rice": [0.0, 1.0], "lamp": [-1.0, 0.0], "zero": [0.0, 0.0]}
        vectors = np.array([where.get(kind, [0.7, 0.7]) for kind in kinds], np.float32)
        return Encoded(vectors, np.array([kind != "blind" for kind in kinds]), [])


def dataset(*numbers: int, **changes: object) -> Dataset:
    return Dataset.of(to_table([product(n, **changes) for n in numbers]))


def test_the_nearest_come_in_order_and_ties_by_place() -> None:
    references = np.array([[0, 1], [1, 0], [1, 0]], np.float32)
    places, cosines = nearest(np.array([[1, 0]], np.float32), references, 2)
    assert places.tolist() == [[1, 2]]
    assert cosines.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("names", "weights", "answer"),
    [
        (["a", "b", "b"], [0.9, 0.5, 0.5], "b"),
        (["a", "b", "b"], [0.9, 0.3, 0.3], "a"),
        (["a", None, "b"], [0.4, 0.9, 0.3], "a"),
        ([None, None, None], [0.9, 0.5, 0.5], None),
        (["a", "b", "c"], [-0.5, -0.5, -0.5], "a"),
    ],
)
def test_a_vote_weighs_by_cosine(names: list[str | None], weights: list[float], answer: str | None) -> None:
    assert vote(names, np.array([[0, 1, 2]]), np.array([weights], np.float32)) == [answer]


def scores(known: Dataset, asked: Dataset) -> measure.NeighbourScores | None:
    return neighbour_scores(Names(), known, asked, None, 0)  # type: ignore[arg-type]


def test_known_kinds_are_found_and_an_unseen_one_is_wrong_and_counted() -> None:
    found = scores(dataset(*range(0, 12, 3), *range(1, 12, 3)), dataset(12, 13, 14))
    assert found is not None
    first, second = found.levels
    assert (first["top1"], first["unseen"], first["frequent"]) == (1.0, 0, 1.0)
    assert second["top1"] == pytest.approx(2 / 3)
    assert second["unseen"] == 1
    assert second["frequent"] == pytest.approx(1 / 3)
    assert (found.n, found.references) == (3, 8)
    assert found.to_json()["levels"][1]["n"] == 3


def test_products_without_a_label_are_not_scored_and_those_that_show_nothing_not_asked() -> None:
    asked = Dataset.of(
        to_table([product(12), product(13, labels=()), product(15, title="blind"), product(18, title="zero")])
    )
    found = scores(dataset(0, 3, 6, 1, 4), asked)
    assert found is not None
    assert found.n == 3
    assert [level["n"] for level in found.levels] == [2, 2]


def test_nothing_to_compare_is_no_score() -> None:
    assert scores(dataset(0, 3), dataset(1, title="blind")) is None
    assert scores(dataset(0, title="blind"), dataset(1)) is None


def test_platforms_are_told_where_there_are_several_that_both_have() -> None:
    found = scores(dataset(0, 3, 6, 9), dataset(12, 15))
    assert found is not None
    assert found.platform is not None
    alone = scores(dataset(0, 6, source="a"), dataset(3, source="a"))
    assert alone is not None
    assert alone.platform is None
    other = scores(dataset(0, 3, 6, 9), dataset(3, source="new"))
    assert other is not None
    assert other.platform is None  # no reference is of that platform


def test_many_products_are_drawn_the_same_way_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "REFERENCES", 5)
    table, _ = products(tmp_path, 12)
    whole = Dataset.of(table)
    one, two = (measure._some(whole, 5, seed).ids for seed in (0, 0))
    assert one == two
    assert len(one) == 5
    assert measure._some(whole, 5, 1).ids != one

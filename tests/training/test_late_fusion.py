"""OCR text as the third part of a late fusion: it helps, it may be missing, and so may the others."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mep3m.assignment.readable import refuse_unread
from mep3m.errors import SettingsError, UsageError
from mep3m.label_tree.probabilities import prior
from mep3m.models.classifier import Classifier, load
from mep3m.models.late_fusion import LateFusion
from mep3m.training import late_fusion
from mep3m.training.linear import fit as linear
from mep3m.training.task import Trained
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of
from tests.training.test_models import FUSED, accuracy

COUNT = 60
#: an image network that is trained in no time, and n-grams that a small table has enough of
THREE = FUSED | {"epochs": 3, "ocr": "true", "text.min_ngram": 2, "ocr.min_ngram": 2}


def catalogue(folder: Path) -> tuple[pa.Table, Any]:
    """Return the tiny catalogue with a text on two images of three."""
    table, images = products(folder, COUNT)
    said = [
        f"buy {row['labels'][-1]['category']} now" if n % 3 else None
        for n, row in enumerate(table.to_pylist())
    ]
    return without(table, "ocr", said), images


def without(table: pa.Table, column: str, values: list[str | None] | None = None) -> pa.Table:
    place = table.schema.get_field_index(column)
    given = pa.array(values or [None] * table.num_rows, table.schema.field(column).type)
    return table.set_column(place, table.schema.field(column), given)


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> tuple[pa.Table, Any, Trained, Path]:
    folder = tmp_path_factory.mktemp("three")
    table, images = catalogue(folder / "images")
    trained = late_fusion.train(task_of(table, images, "late-fusion", THREE, valid=15), folder / "run")
    trained.classifier.save(folder / "run")
    return table, images, trained, folder / "run"


def test_three_parts_each_with_a_weight_a_level(fused: tuple[pa.Table, Any, Trained, Path]) -> None:
    _, _, trained, run = fused
    assert np.array(trained.log["weights"]).shape == (2, 3)
    assert set(trained.classifier.reads) == {"image", "title", "ocr"}
    assert (run / "ocr" / "classifier.json").exists()
    assert set(trained.timings) == {"image", "text", "ocr"}


@pytest.mark.parametrize(
    "missing", [*combinations(("title", "image", "ocr"), 1), *combinations(("title", "image", "ocr"), 2)]
)
def test_what_is_left_decides(missing: tuple[str, ...], fused: tuple[pa.Table, Any, Trained, Path]) -> None:
    table, images, trained, run = fused
    for column in missing:
        table = without(table, column)
    model = load(run)
    found = model.predict(table, images)
    np.testing.assert_array_equal(found.proba, trained.classifier.predict_proba(table, images))
    codes = task_of(table, images).codes
    assert accuracy(found.proba[found.seen], codes[found.seen]) > 0.8
    if missing == ("title", "image"):
        # a third of the images has no text: these rows show nothing and get the class frequencies
        assert found.seen.sum() == COUNT - COUNT // 3
    else:
        assert found.seen.all()


def test_a_row_with_one_part_gets_that_part_s_answer(fused: tuple[pa.Table, Any, Trained, Path]) -> None:
    table, images, trained, _ = fused
    model = trained.classifier
    assert isinstance(model, LateFusion)
    alone = without(without(table, "title"), "image")
    own = model.parts["ocr"].predict(alone, images)
    np.testing.assert_allclose(model.predict_proba(alone, images)[own.seen], own.proba[own.seen], rtol=1e-4)


def test_rows_that_lack_the_ocr_text_still_weigh_image_and_title(tmp_path: Path) -> None:
    table, images = catalogue(tmp_path / "images")
    held = [None if n >= COUNT - 15 else text for n, text in enumerate(table["ocr"].to_pylist())]
    task = task_of(without(table, "ocr", held), images, "late-fusion", THREE, valid=15)
    weights = np.array(late_fusion.train(task, tmp_path / "run").log["weights"])
    assert (weights[:, 2] == 1.0).all()
    assert (weights[:, :2] != 1.0).any()


def test_without_the_option_the_ocr_text_is_not_read(tmp_path: Path) -> None:
    table, images = catalogue(tmp_path / "images")
    options = {name: value for name, value in THREE.items() if not name.startswith("ocr")} | {"epochs": 1}
    model = late_fusion.train(
        task_of(table, images, "late-fusion", options, valid=9), tmp_path / "run"
    ).classifier
    assert "ocr" not in model.reads


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"ocr": "ture"}, SettingsError, "'ocr' is true or false, not 'ture'"),
        (
            {"ocr": "false", "ocr.min_ngram": 2},
            SettingsError,
            "'ocr.min_ngram' is of a part that is not trained: set ocr",
        ),
        ({"ocr.no_such": 2}, SettingsError, "no_such"),
        ({"ocr.ocr": "false"}, SettingsError, "nothing to read"),
    ],
)
def test_options_that_cannot_be(
    options: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    table, images = catalogue(tmp_path / "images")
    with pytest.raises(error, match=says):
        late_fusion.train(task_of(table, images, "late-fusion", THREE | options, valid=9), tmp_path / "run")


def test_no_text_on_any_image_is_said_with_what_to_do(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 12)
    with pytest.raises(UsageError, match="no row has OCR text; run 'mep3m ocr' before"):
        late_fusion.train(
            task_of(without(table, "ocr"), images, "late-fusion", THREE, valid=3), tmp_path / "run"
        )


def test_the_linear_model_reads_the_ocr_text_alone(tmp_path: Path) -> None:
    table, images = catalogue(tmp_path / "images")
    options = {"title": "false", "ocr": "true", "min_ngram": 2}
    trained = linear.train(task_of(table, images, "linear", options, valid=15), tmp_path / "run")
    model: Classifier = trained.classifier
    assert model.reads == ("ocr",)
    found = model.predict(table)
    assert found.seen.tolist() == [bool(text) for text in table["ocr"].to_pylist()]
    codes = task_of(table, images).codes
    assert accuracy(found.proba[found.seen], codes[found.seen]) > 0.9
    shares = prior(TREE, np.bincount(codes[codes >= 0], minlength=len(TREE)))
    np.testing.assert_allclose(found.proba[~found.seen], np.tile(shares, (int((~found.seen).sum()), 1)))
    with pytest.raises(UsageError, match="reads the OCR text, not the title"):
        refuse_unread(model, without(without(table, "ocr"), "image").to_pylist())


def test_without_any_title_image_and_ocr_text_are_fused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, images = catalogue(tmp_path / "images")
    options = {name: value for name, value in THREE.items() if not name.startswith("text.")}
    task = task_of(without(table, "title"), images, "late-fusion", options, valid=15)
    model = late_fusion.train(task, tmp_path / "run").classifier
    assert set(model.reads) == {"image", "ocr"}
    assert "no row has a title" in capsys.readouterr().err
    with pytest.raises(
        SettingsError, match=r"'text.min_ngram' is of a part that is not trained: no row has a"
    ):
        late_fusion.train(
            task_of(without(table, "title"), images, "late-fusion", THREE, valid=15), tmp_path / "text"
        )
    with pytest.raises(UsageError, match="no row has a title"):
        late_fusion.train(task_of(without(table, "title"), images, "late-fusion", FUSED), tmp_path / "two")


@pytest.mark.parametrize(("given", "used"), [({}, None), ({"discriminant": "0.3"}, 0.3)])
def test_beside_titles_the_heads_have_no_discriminant_unless_it_is_asked_for(
    given: dict[str, Any], used: float | None, tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images", 12)
    small = {"backbone": "tf_efficientnet_lite0", "pixels": 64, "crops": "0.89", "mirror": "false"}
    task = task_of(table, images, "late-fusion", small | {"text.min_ngram": 2} | given, valid=4)
    log = late_fusion.train(task, tmp_path / "run").log["image"]
    assert log["training"]["optimiser"] == "lbfgs"
    assert log["training"]["discriminant"] == used

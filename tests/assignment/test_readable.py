"""A row that shows a model nothing goes to review with the reason, whatever the class frequencies say."""

from pathlib import Path
from typing import Any

import pytest

from mep3m.assignment.answer import Assignment, assign
from mep3m.assignment.readable import refuse_unread
from mep3m.dataset.reading import open_products
from mep3m.errors import UsageError
from mep3m.models.classifier import Classifier, load
from mep3m.product import Product, to_table
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.store.images import FolderImages
from tests.ingest.shop import picture

MUGS = [(f"mug nr {n} with handle", "mug") for n in range(90)] + [
    (f"oak shelf {n}", "shelf") for n in range(10)
]
SMALL = {"pixels": "32", "epochs": "1", "batch": "8", "backbone": "test_resnet", "average": "none"}


def table(folder: Path) -> Path:
    """Write 100 labelled titles with a picture each; nine in ten are mugs."""
    path = folder / "items.tsv"
    rows = [f"{title}\t{kind}\t{n % 12}.png" for n, (title, kind) in enumerate(MUGS)]
    path.write_text("title\tkind\timage\n" + "\n".join(rows) + "\n", encoding="utf-8")
    for n in range(12):
        (folder / f"{n}.png").write_bytes(picture(n))
    return path


def trained(folder: Path, modality: str, model: str, **options: Any) -> Classifier:
    columns = Columns(title="title", labels=("kind",), image="image")
    settings = RunSettings(modality=modality, model=model, options=options)  # type: ignore[arg-type]
    train_run(open_products(table(folder), columns), columns, folder, settings, folder / "run")
    return load(folder / "run")


@pytest.fixture(scope="module")
def mugs(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return trained(tmp_path_factory.mktemp("mugs"), "text", "linear")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Classifier]:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("pictures")
    return folder, trained(folder, "image", "small-cnn", **SMALL)


def of_title(classifier: Classifier, title: str | None, **fields: Any) -> Assignment:
    return assign(classifier, to_table([Product("1", "n", "1", title=title, **fields)]), min_confidence=0.5)[
        0
    ]


@pytest.mark.parametrize(
    ("title", "why"),
    [
        (None, "there is no title"),
        ("", "there is no title"),
        ("   ", "there is no title"),
        ("\u200b", "no letter or digit"),
        ("\ufeff \u00a0", "no letter or digit"),
        ("!!!", "the title has no letter or digit"),
        ("。，— ★", "no letter or digit"),
        ("ЖЩЪ", "the model knows nothing in the title"),
    ],
)
def test_a_title_that_says_nothing_goes_to_review(mugs: Classifier, title: str | None, why: str) -> None:
    found = of_title(mugs, title)
    assert (found.review, found.decision, found.path, found.top) == (True, "review", (), ())
    assert found.reason is not None
    assert found.reason.startswith("nothing to read: ")
    assert why in found.reason


@pytest.mark.parametrize("title", ["mug", "mug!!!", "2", "a mug ★", "mug\u200b"])
def test_a_title_with_a_word_is_answered(mugs: Classifier, title: str) -> None:
    found = of_title(mugs, title)
    assert (found.path, found.decision, found.reason) == (("mug",), "filed", None)


def test_even_without_a_threshold_nothing_is_made_of_nothing(mugs: Classifier) -> None:
    rows = to_table([Product("1", "n", "1"), Product("2", "n", "2", title="mug")])
    nothing, mug = assign(mugs, rows, min_confidence=0)
    assert (nothing.path, nothing.decision) == ((), "review")
    assert (mug.path, mug.decision) == (("mug",), "filed")


def test_text_in_an_image_is_not_read_by_a_model_of_titles(mugs: Classifier) -> None:
    found = of_title(mugs, None, ocr="mug with handle")
    assert found.decision == "review"
    assert found.reason is not None
    assert "the model does not read the OCR text" in found.reason


def test_an_image_model_needs_an_image_that_can_be_read(pictures: tuple[Path, Classifier]) -> None:
    folder, classifier = pictures
    (folder / "broken.png").write_bytes(b"no image")
    rows = to_table(
        [
            Product("1", "n", "1", title="mug", image_ref="1.png"),
            Product("2", "n", "2", title="mug"),
            Product("3", "n", "3", title="mug", image_ref="broken.png"),
            Product("4", "n", "4", title="mug", image_ref="gone.png"),
        ]
    )
    seen, none, broken, gone = assign(classifier, rows, FolderImages(folder), min_confidence=0)
    assert (seen.decision, seen.reason) == ("filed", None)
    assert none.reason is not None
    assert "there is no image" in none.reason
    assert "the model does not read the title" in none.reason
    for one in (broken, gone):
        assert (one.decision, one.path) == ("review", ())
        assert one.unreadable is not None
        assert one.reason is not None
        assert one.unreadable in one.reason


def test_one_readable_modality_is_enough_for_both(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    classifier = trained(tmp_path, "image+text", "late-fusion", image_model="small-cnn", **SMALL)
    assert set(classifier.reads) == {"image", "title"}
    rows = to_table(
        [
            Product("1", "n", "1", title="!!!", image_ref="1.png"),
            Product("2", "n", "2", title="mug nr 5", image_ref="gone.png"),
            Product("3", "n", "3", title="!!!", image_ref="gone.png"),
        ]
    )
    pixel, title, none = assign(classifier, rows, FolderImages(tmp_path), min_confidence=0)
    assert pixel.path
    assert title.path
    assert (none.path, none.decision) == ((), "review")


def test_a_network_that_knows_no_word_of_a_title_has_read_nothing(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    classifier = trained(tmp_path, "text", "bilstm", epochs="1")
    assert of_title(classifier, "mug with handle").path or True
    found = of_title(classifier, "ЖЩЪ ЫЭ")
    assert (found.path, found.decision) == ((), "review")
    assert found.reason is not None
    assert "knows nothing in the title" in found.reason


def test_a_request_with_nothing_but_what_the_model_does_not_read_is_refused(mugs: Classifier) -> None:
    rows = [Product("1", "n", "1", ocr="mug"), Product("2", "n", "2", image_ref="upload")]
    for row in rows:
        with pytest.raises(UsageError, match=r"this model reads the title, not the (OCR text|image)"):
            refuse_unread(mugs, to_table([row]).to_pylist())
    refuse_unread(mugs, to_table([Product("1", "n", "1")]).to_pylist())  # nothing at all is a row for review
    refuse_unread(mugs, to_table([*rows, Product("3", "n", "3", title="mug")]).to_pylist())

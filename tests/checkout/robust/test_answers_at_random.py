"""Answers and scores by level, however pictures are ordered, named and mixed; what is left out is told."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.checkout.answers import CountedScenes, count_pictures
from mep3m.checkout.coco import AnnotatedPictures, ProductName, ScenePicture
from mep3m.checkout.counter import ProductCounter
from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.scenes.compose import Drawing, compose
from mep3m.checkout.scenes.draw import draw_scenes
from mep3m.checkout.score import ALL, scores_by_level
from mep3m.evaluation.checkout.boxes import Boxes
from mep3m.representations.records import Encoder
from tests.checkout.made import folder_of, picture
from tests.cli.runner import ran

NAMES = tuple(ProductName(f"p{n}", "") for n in range(3))
box = st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 3))
LEVEL_NAMES = st.lists(st.sampled_from(["hard", "easy", "till"]), min_size=5, max_size=5)


def boxes(given: list[tuple[int, int, int]]) -> Boxes:
    """Return boxes of image, product and place on a grid, none of which overlap in different places."""
    rows = sorted(given)
    places = [[40 * place + 10 * product, 0, 9, 9] for _, product, place in rows]
    return Boxes(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array(places, np.float64).reshape(-1, 4),
        np.ones(len(rows)),
    )


def pictures_of(levels: list[str]) -> AnnotatedPictures:
    shown = tuple(ScenePicture(Path(f"{n}.jpg"), f"{n}.jpg", level) for n, level in enumerate(levels))
    return AnnotatedPictures(shown, NAMES, boxes([]))


@settings(max_examples=30)
@given(
    LEVEL_NAMES, st.sets(box, max_size=8), st.sets(box, max_size=8), st.sets(st.integers(0, 4), min_size=1)
)
def test_all_is_made_of_its_levels_and_of_what_was_read(
    levels: list[str], true: set[tuple[int, int, int]], found: set[tuple[int, int, int]], read: set[int]
) -> None:
    truth, seen = boxes(list(true)), boxes([one for one in found if one[0] in read])
    answers = CountedScenes(seen, np.array(sorted(read)), ())
    scores = scores_by_level(pictures_of(levels), truth, answers, 3)
    *parts, whole = (scores[name] for name in scores)
    assert whole is scores[ALL]
    assert whole["images"] == len(read) == sum(part["images"] for part in parts)
    assert whole["instances"] == sum(one[0] in read for one in true) == sum(p["instances"] for p in parts)
    for name in ("cAcc", "ACD"):
        assert whole[name] == pytest.approx(sum(p[name] * p["images"] for p in parts) / len(read))
    order = [name for name in ("easy", "hard", "till") if name in {levels[n] for n in read}]
    assert list(scores) == [*order, ALL]


@settings(max_examples=30)
@given(LEVEL_NAMES, st.sets(box, min_size=1, max_size=8), st.data())
def test_an_error_lowers_the_scores_of_its_level_alone(
    levels: list[str], true: set[tuple[int, int, int]], data: st.DataObject
) -> None:
    """One product more, fewer, or taken for another, on one picture."""
    truth, every = boxes(list(true)), np.arange(5)
    perfect = scores_by_level(pictures_of(levels), truth, CountedScenes(truth, every, ()), 3)
    kind = data.draw(st.sampled_from(["missed", "one too many", "another"]))
    number = data.draw(st.integers(0, len(true) - 1))
    image = int(truth.image[number])
    if kind == "missed":
        found = Boxes(*(np.delete(values, number, axis=0) for values in truth))
    elif kind == "one too many":
        found = Boxes(*(np.concatenate([values, values[number : number + 1]]) for values in truth))
    else:
        product = truth.product.copy()
        product[number] = (product[number] + 1) % 3
        found = truth._replace(product=product)
    wrong = scores_by_level(pictures_of(levels), truth, CountedScenes(found, every, ()), 3)
    for name in perfect:
        if name not in (levels[image], ALL):
            assert wrong[name] == perfect[name]
            continue
        assert perfect[name]["cAcc"] == 1.0
        assert perfect[name]["mAP50"] == pytest.approx(1.0)
        assert wrong[name]["cAcc"] == pytest.approx(1 - 1 / wrong[name]["images"])
        errors = 2 if kind == "another" else 1
        assert wrong[name]["ACD"] == pytest.approx(errors / wrong[name]["images"])
        assert wrong[name]["mCCD"] > 0
        assert wrong[name]["mCIoU"] < 1
        assert kind == "one too many" or wrong[name]["mAP50"] < 1 - 1e-6


@pytest.fixture(scope="module")
def counter(cut: CutProducts, encoder: Encoder) -> ProductCounter:
    return ProductCounter(cut, encoder)


@pytest.fixture(scope="module")
def shown(cut: CutProducts, tmp_path_factory: pytest.TempPathFactory) -> AnnotatedPictures:
    drawing = Drawing(side=200, overlap=0.0)
    return draw_scenes(cut, tmp_path_factory.mktemp("order") / "s", 3, ("easy",), drawing, seed=4)


def test_the_order_of_pictures_and_products_changes_no_answer(
    shown: AnnotatedPictures, cut: CutProducts, counter: ProductCounter, encoder: Encoder, tmp_path: Path
) -> None:
    turned = CutProducts(cut.products[::-1], cut.cuts[::-1], (), ())
    other = ProductCounter(turned, encoder)
    count_pictures(counter, cut.products, shown.pictures, tmp_path / "a", 0)
    count_pictures(other, turned.products, shown.pictures[::-1], tmp_path / "b", 0)
    lines = [[json.loads(line) for line in (tmp_path / name / "answers.jsonl").read_text().splitlines()]
             for name in "ab"]  # fmt: skip
    for one, same in zip(lines[0], reversed(lines[1]), strict=True):
        assert (one["image"], one["counts"]) == (same["image"], same["counts"])
        assert sum(one["counts"].values()) == len(one["boxes"]) > 0


def test_what_was_counted_lies_in_the_picture_and_overlaps_little(
    cut: CutProducts, counter: ProductCounter
) -> None:
    for seed, (height, width) in enumerate([(200, 200), (90, 200), (200, 60)]):
        scene = compose(cut.cuts, "easy", Drawing(side=200), np.random.default_rng(seed))
        found = counter.count(np.ascontiguousarray(scene.pixels[:height, :width]))
        for one in found:
            left, top, across, down = one.place
            assert min(left, top) >= 0
            assert left + across <= width + 1
            assert top + down <= height + 1
            assert counter.least <= one.likeness <= 1 + 1e-5
            assert 0 <= one.product < len(cut.products)
        assert len({one.place for one in found}) == len(found)


def test_each_picture_has_its_own_picture_with_boxes(
    cut: CutProducts, counter: ProductCounter, tmp_path: Path
) -> None:
    """Pictures of one name in two folders, of two kinds, with a long name and with one that is no UTF-8."""
    till = os.fsencode(tmp_path / "till")
    for name in ("a/1.png", "b/1.png", "a/1.jpg", "a/1-2.png", "茶" * 80 + ".png"):
        (tmp_path / "till" / name).parent.mkdir(parents=True, exist_ok=True)
        picture("red", 40).save(tmp_path / "till" / name)
    (tmp_path / "till" / "a" / "1.png").rename(Path(os.fsdecode(till + b"/\xff.png")))
    files = sorted(path for path in (tmp_path / "till").rglob("*") if path.is_file())
    pictures = [ScenePicture(path, os.fsencode(path).decode(errors="replace"), "till") for path in files]
    count_pictures(counter, cut.products, pictures, tmp_path / "out", looked_at=9)
    assert len(list((tmp_path / "out" / "pictures").glob("*.jpg"))) == len(files) == 5
    assert len((tmp_path / "out" / "answers.jsonl").read_text().splitlines()) == 5


def test_commands_tell_all_that_they_left_out(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 3, pictures=2)
    (folder / "red" / "0.png").write_bytes(b"no picture")
    picture("red").save(folder / "blue" / "9.tiff")
    drawn = ran("checkout", "draw", folder, "--levels", "easy", "--images", 2, "--side", 128,
                "--out", tmp_path / "s", "--json")  # fmt: skip
    (tmp_path / "s" / "test" / "easy-0002.jpg").write_bytes(b"no picture")
    given = ("--weights", tiny_encoder, "--looked-at", 0, "--out", tmp_path / "out", "--json")
    scored = ran("checkout", "score", folder, tmp_path / "s", *given)
    counted = ran("checkout", "count", folder, tmp_path / "s" / "test", *given)
    exemplars = [str(folder / "blue" / "9.tiff"), str(folder / "red" / "0.png")]
    scene = str(tmp_path / "s" / "test" / "easy-0002.jpg")
    for done, expected in ((drawn, exemplars), (scored, [*exemplars, scene]), (counted, [*exemplars, scene])):
        assert done.code == 1
        assert [line.split(": ")[0] for line in done.json["refused"]] == expected
        assert f"{len(expected)} pictures" in done.err
    assert scored.json["levels"][ALL]["images"] == counted.json["images"] == 1


def test_commands_whose_pictures_are_all_broken_end_with_an_error(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 3)
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "a.png").write_bytes(b"no picture")
    given = ("--weights", tiny_encoder, "--out", tmp_path / "out", "--json")
    done = ran("checkout", "count", folder, tmp_path / "till", *given)
    assert (done.code, done.out) == (1, "")
    assert "no picture can be read" in done.err
    (folder / "red" / "0.png").write_bytes(b"no picture")
    for command in (("draw", folder, "--levels", "easy"), ("train", folder)):
        done = ran("checkout", *command, "--out", tmp_path / "new", "--json")
        assert (done.code, done.out) == (1, "")
        assert "no picture of the product 'red' can be read" in done.err
        assert not (tmp_path / "new").exists()

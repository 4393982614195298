"""Answers as JSON lines and as pictures; scores by level from them; truth alone is 1.0, errors are seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mep3m.checkout.answers import ANSWERS, LOOKED_AT, CountedScenes, annotated
from mep3m.checkout.coco import AnnotatedPictures, ProductName, ScenePicture, read_annotated
from mep3m.checkout.counter import FoundProduct, ProductCounter
from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.scenes.compose import Drawing
from mep3m.checkout.scenes.draw import draw_scenes
from mep3m.checkout.score import ALL, SCORES, known_truth, score_scenes, scores_by_level
from mep3m.errors import InputError, UsageError
from mep3m.evaluation.checkout.boxes import Boxes
from mep3m.representations.records import Encoder

NAMES = (ProductName("tea", ""), ProductName("绿茶", ""))
SMALL = Drawing(side=200)


@pytest.fixture(scope="module")
def scenes(cut: CutProducts, tmp_path_factory: pytest.TempPathFactory) -> AnnotatedPictures:
    return draw_scenes(cut, tmp_path_factory.mktemp("scenes") / "s", 2, ("easy", "hard"), SMALL, seed=5)


def all_read(scenes: AnnotatedPictures, boxes: Boxes) -> CountedScenes:
    return CountedScenes(boxes, np.arange(len(scenes.pictures)), ())


def test_the_renderers_truth_alone_is_perfect(scenes: AnnotatedPictures) -> None:
    levels = scores_by_level(scenes, scenes.boxes, all_read(scenes, scenes.boxes), 10)
    assert list(levels) == ["easy", "hard", ALL]
    assert [levels[name]["images"] for name in levels] == [2, 2, 4]
    for scores in levels.values():
        assert (scores["cAcc"], scores["ACD"], scores["mCCD"], scores["mCIoU"]) == (1.0, 0.0, 0.0, 1.0)
        assert (scores["mAP50"], scores["mmAP"]) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("error", ["missed", "twice", "other"])
def test_one_error_is_seen_in_its_level_and_no_other(scenes: AnnotatedPictures, error: str) -> None:
    boxes = scenes.boxes
    if error == "missed":
        found = Boxes(*(values[1:] for values in boxes))
    elif error == "twice":
        found = Boxes(*(np.concatenate([values, values[:1]]) for values in boxes))
    else:
        product = boxes.product.copy()
        product[0] = next(n for n in range(10) if n not in boxes.product[boxes.image == 0])
        found = boxes._replace(product=product)
    levels = scores_by_level(scenes, boxes, all_read(scenes, found), 10)
    assert levels["easy"]["cAcc"] == 0.5
    assert levels["easy"]["ACD"] == (1.0 if error == "other" else 0.5)
    assert levels["hard"]["cAcc"] == 1.0
    assert levels[ALL]["cAcc"] == 0.75
    if error != "twice":
        assert levels["easy"]["mAP50"] < 1.0
    assert levels["easy"]["mCIoU"] < 1.0


def test_levels_that_rpc_does_not_have_come_last(scenes: AnnotatedPictures) -> None:
    pictures = [one._replace(level="odd") if n == 0 else one for n, one in enumerate(scenes.pictures)]
    other = AnnotatedPictures(tuple(pictures), scenes.products, scenes.boxes)
    levels = scores_by_level(other, scenes.boxes, all_read(scenes, scenes.boxes), 10)
    assert list(levels) == ["easy", "hard", "odd", ALL]


def test_truth_is_matched_by_name(scenes: AnnotatedPictures, tmp_path: Path) -> None:
    turned = list(reversed(scenes.products))
    truth = known_truth(scenes, turned, tmp_path)
    assert truth.product.tolist() == [9 - product for product in scenes.boxes.product]


def test_a_box_of_an_unknown_product_is_said(scenes: AnnotatedPictures, tmp_path: Path) -> None:
    missing = scenes.products[int(scenes.boxes.product[0])]
    known = [one for one in scenes.products if one != missing]
    with pytest.raises(InputError, match=f"shows 1 products without exemplars .*{missing.name}"):
        known_truth(scenes, known, tmp_path)


def test_a_category_that_no_box_has_may_be_unknown(scenes: AnnotatedPictures, tmp_path: Path) -> None:
    more = AnnotatedPictures(scenes.pictures, (*scenes.products, ProductName("new", "")), scenes.boxes)
    assert (known_truth(more, scenes.products, tmp_path).product == scenes.boxes.product).all()


def test_answers_scores_and_pictures_are_written(
    scenes: AnnotatedPictures, cut: CutProducts, encoder: Encoder, tmp_path: Path
) -> None:
    counter = ProductCounter(cut, encoder)
    scored = score_scenes(counter, cut.products, scenes, scenes.boxes, tmp_path, looked_at=1)
    lines = [json.loads(line) for line in (tmp_path / ANSWERS).read_text().splitlines()]
    assert [line["image"] for line in lines] == [one.name for one in scenes.pictures]
    for line in lines:
        assert sum(line["counts"].values()) == len(line["boxes"])
        assert all(len(one["box"]) == 4 for one in line["boxes"])
    drawn = sorted(path.name for path in (tmp_path / LOOKED_AT).iterdir())
    assert drawn == ["easy-0001.jpg", "hard-0001.jpg"]
    written = json.loads((tmp_path / SCORES).read_bytes())
    assert written["levels"] == json.loads(json.dumps(scored.levels))
    assert written["products"] == 10
    assert 0 <= written["levels"][ALL]["mCIoU"] <= 1


def test_a_broken_scene_is_left_out_and_said(
    scenes: AnnotatedPictures, cut: CutProducts, encoder: Encoder, tmp_path: Path
) -> None:
    broken = ScenePicture(tmp_path / "b.jpg", "b.jpg", "easy")
    broken.path.write_bytes(b"no picture")
    pictures = (broken, *scenes.pictures[1:])
    mixed = AnnotatedPictures(pictures, scenes.products, scenes.boxes)
    counter = ProductCounter(cut, encoder)
    scored = score_scenes(counter, cut.products, mixed, scenes.boxes, tmp_path, 0)
    assert scored.levels[ALL]["images"] == 3
    assert scored.levels["easy"]["images"] == 1
    assert scored.refused[0].startswith(str(broken.path))
    alone = AnnotatedPictures((broken,), scenes.products, scenes.boxes)
    with pytest.raises(InputError, match="no picture can be read"):
        score_scenes(counter, cut.products, alone, scenes.boxes.on(np.array([0])), tmp_path, 0)


def colours(image: Image.Image) -> set[Any]:
    return {colour for _, colour in image.getcolors(100_000) or []}


def test_pictures_say_what_is_right_wrong_and_missed() -> None:
    pixels = np.full((200, 200, 3), 255, np.uint8)
    truth = Boxes(
        np.array([0, 0]),
        np.array([0, 1]),
        np.array([[20, 20, 60, 60], [110, 110, 60, 60]], float),
        np.ones(2),
    )
    right = FoundProduct(0, (21, 20, 60, 60), 0.9)
    wrong = FoundProduct(0, (110, 110, 60, 60), 0.8)
    green, red, blue = (20, 120, 60), (200, 30, 30), (30, 70, 220)
    every = colours(annotated(pixels, NAMES, [right, wrong], truth))
    assert {green, red, blue} <= every
    both = [right, FoundProduct(1, (110, 110, 60, 60), 0.8)]
    assert not {red, blue} & colours(annotated(pixels, NAMES, both, truth))
    assert red in colours(annotated(pixels, NAMES, [right, right], truth))  # the second is one too many
    assert not {red, blue} & colours(annotated(pixels, NAMES, [right, wrong], None))


def test_scenes_are_the_same_bytes_again_and_others_are_refused(cut: CutProducts, tmp_path: Path) -> None:
    for name in ("a", "b"):
        draw_scenes(cut, tmp_path / name, 1, ("easy",), SMALL, seed=2)
    draw_scenes(cut, tmp_path / "a", 1, ("easy",), SMALL, seed=2)
    for file in ("instances_test.json", "test/easy-0001.jpg"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    with pytest.raises(UsageError, match="drawn otherwise"):
        draw_scenes(cut, tmp_path / "a", 1, ("easy",), SMALL, seed=3)


def test_scenes_are_read_as_they_were_drawn(scenes: AnnotatedPictures) -> None:
    read = read_annotated(scenes.pictures[0].path.parents[1])
    assert read.products == scenes.products
    assert read.pictures == scenes.pictures
    assert (read.boxes.place == scenes.boxes.place).all()
    assert (read.boxes.product == scenes.boxes.product).all()


def test_too_few_products_for_a_level_are_said_before_anything_is_drawn(
    cut: CutProducts, tmp_path: Path
) -> None:
    few = CutProducts(cut.products[:4], cut.cuts[:4], (), ())
    with pytest.raises(UsageError, match="level hard has at least 8"):
        draw_scenes(few, tmp_path / "s", 1, ("easy", "hard"), SMALL)
    assert not (tmp_path / "s").exists()

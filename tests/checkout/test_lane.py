"""The lane from folders to scores and counts, as the commands call it; and products that are drawn."""

import json
import shutil
from pathlib import Path

import pytest

from mep3m.checkout.cuts import cut_products
from mep3m.checkout.exemplars import open_exemplars
from mep3m.checkout.lane import Lane, Trial, count_lane, score_lane, try_lane
from mep3m.checkout.scenes.draw import draw_scenes
from mep3m.checkout.scenes.drawn import draw_exemplars
from mep3m.errors import InputError, NotFoundError, UsageError
from tests.checkout.made import folder_of, picture


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("lane") / "e", 4)


@pytest.fixture(scope="module")
def scenes(products: Path) -> Path:
    out = products.parent / "scenes"
    draw_scenes(cut_products(open_exemplars(products)[0]), out, 2, ("easy",))
    return out


def test_scores_of_a_folder_of_scenes(
    products: Path, scenes: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    lane = Lane(products, weights=(str(tiny_encoder),))
    scored, cut = score_lane(lane, scenes, tmp_path / "out")
    assert len(cut.products) == 4
    assert scored.to_json()["levels"]["easy"]["images"] == 2
    again, _ = score_lane(lane, scenes, tmp_path / "out")
    assert again.levels == scored.levels


def test_rpc_takes_the_same_road(products: Path, scenes: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    """The scenes as RPC names them, and their own boxes as exemplars."""
    rpc = tmp_path / "rpc"
    for part in ("train2019", "test2019"):
        shutil.copytree(scenes / "test", rpc / part)
        shutil.copy(scenes / "instances_test.json", rpc / f"instances_{part}.json")
    used = json.loads((rpc / "instances_train2019.json").read_bytes())
    seen = {note["category_id"] for note in used["annotations"]}
    used["categories"] = [one for one in used["categories"] if one["id"] in seen]
    (rpc / "instances_train2019.json").write_text(json.dumps(used))
    scored, cut = score_lane(Lane(rpc, weights=(str(tiny_encoder),)), rpc, tmp_path / "out")
    assert len(cut.products) == len(seen)
    assert scored.levels["easy"]["images"] == 2


def test_counts_of_pictures_without_truth(
    products: Path, scenes: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    lane = Lane(products, weights=(str(tiny_encoder),))
    answers, _ = count_lane(lane, scenes / "test", tmp_path / "out")
    assert len(answers.read) == 2
    assert len(answers.boxes.image) > 0
    one, _ = count_lane(lane, scenes / "test" / "easy-0001.jpg", tmp_path / "one")
    assert len(one.boxes.image) == (answers.boxes.image == 0).sum()


def test_what_is_wrong_is_said_before_any_picture_is_opened(
    products: Path, scenes: Path, tmp_path: Path
) -> None:
    lane = Lane(products)
    with pytest.raises(NotFoundError, match="no ground truth"):
        score_lane(lane, products / "red", tmp_path / "out")
    with pytest.raises(NotFoundError, match="holds no picture"):
        count_lane(lane, tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="without exemplars"):
        score_lane(Lane(folder_of(tmp_path / "few", 1)), scenes, tmp_path / "out")
    with pytest.raises(UsageError, match="0 pictures a product"):
        Lane(products, photos=0).opened()
    assert not (tmp_path / "out").exists()


def test_a_missing_detector_is_said(products: Path, scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no detector"):
        score_lane(Lane(products, detector=tmp_path / "gone"), scenes, tmp_path / "out")


def test_pictures_none_of_which_can_be_read_are_an_error(
    products: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "a.jpg").write_bytes(b"no picture")
    lane = Lane(products, weights=(str(tiny_encoder),))
    with pytest.raises(InputError, match="no picture can be read"):
        count_lane(lane, tmp_path / "till", tmp_path / "out")
    picture("red").save(tmp_path / "till" / "b.jpg")
    answers, _ = count_lane(lane, tmp_path / "till", tmp_path / "out")
    assert len(answers.refused) == 1
    assert answers.read.tolist() == [1]


def test_drawn_products_are_folders_of_pictures_and_the_same_by_seed(tmp_path: Path) -> None:
    one, same = (draw_exemplars(tmp_path / name, 5, seed=1) for name in ("a", "b"))
    files = sorted(path.relative_to(one) for path in one.rglob("*.*"))
    assert len(files) == 10
    assert all((one / file).read_bytes() == (same / file).read_bytes() for file in files)
    found, refused = open_exemplars(one)
    assert len(found) == 5
    assert refused == []
    with pytest.raises(UsageError, match=r"from 1 to \d+ can be drawn"):
        draw_exemplars(tmp_path / "c", 5_000)


def test_a_trial_draws_trains_and_scores_with_and_without_a_detector(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    trial = Trial(products=3, images=1, scenes=2, epochs=1)
    made = try_lane(tmp_path / "lane", trial, (str(tiny_encoder),))
    assert set(made["scores"]) == {"tray", "outlines"}
    assert set(made["scores"]["tray"]) == {"easy", "all"}
    assert made["outlines"]["products"] == 3
    for name in ("exemplars", "scenes", "detector", "by-tray", "by-outlines"):
        assert (tmp_path / "lane" / name).is_dir()

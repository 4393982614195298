"""A product that is tried: its question, its picture made small, and the pictures of what is like it."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m.desk.filing.tried import NOT_STORED, SHOWN, StoredPictures, Tried, shown_again
from mep3m.store import Store
from tests.desk.folders import picture
from tests.desk.opened import csrf_of, desk_on

DATA = "data:image/jpeg;base64,"


def seen(address: str) -> Image.Image:
    """Return the picture that a browser makes of an address."""
    assert address.startswith(DATA)
    return Image.open(io.BytesIO(base64.b64decode(address.removeprefix(DATA), validate=True)))


@settings(max_examples=25)
@given(
    st.integers(1, 900),
    st.integers(1, 900),
    st.sampled_from(["RGB", "L", "1", "P", "RGBA", "LA", "CMYK"]),
    st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]),
)
def test_a_picture_of_any_kind_is_shown_small_and_in_its_shape(
    width: int, height: int, mode: str, kind: str
) -> None:
    allowed = {"PNG": {"RGB", "L", "1", "P", "RGBA", "LA"}, "JPEG": {"RGB", "L", "1", "CMYK"}}
    mode = mode if mode in allowed.get(kind, {"RGB", "L", "1", "P"}) else "RGB"
    again = seen(shown_again(picture(size=(width, height), kind=kind, mode=mode)))
    assert max(again.size) == min(SHOWN, max(width, height))
    for side, was in zip(again.size, (width, height), strict=True):
        assert abs(side - was * max(again.size) / max(width, height)) <= 1


def test_what_a_camera_wrote_beside_a_picture_is_not_shown_again() -> None:
    """Where and when a picture was taken stays out of the page."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x010F] = "SecretCamera"
    Image.new("RGB", (40, 40)).save(buffer, "JPEG", exif=exif)
    again = base64.b64decode(shown_again(buffer.getvalue()).removeprefix(DATA))
    assert b"SecretCamera" in buffer.getvalue()
    assert b"SecretCamera" not in again


@given(st.text(max_size=20), st.text(max_size=20), st.none() | st.binary(min_size=1, max_size=9))
def test_a_question_holds_what_was_given_and_no_more(title: str, ocr: str, image: bytes | None) -> None:
    ask = Tried(title, ocr, image, 0.25).ask
    (product,) = ask.products
    assert (product.title or "", product.ocr or "") == (title, ocr)
    assert (product.title, product.ocr) == (title or None, ocr or None)  # nothing is not an empty text
    assert dict(ask.images) == ({} if image is None else {0: image})
    assert (product.image_ref is None) == (image is None)
    assert (ask.min_confidence, ask.why) == (0.25, True)


@pytest.fixture(scope="module")
def store(built: Path) -> Store:
    return Store.open(built / "5-align")


def test_every_product_of_a_store_is_found_by_what_a_run_keeps_of_it(store: Store) -> None:
    with store.connect() as connection:
        rows = connection.execute("SELECT source_id, title, image, id FROM products LIMIT 60").fetchall()
    nearest = [{"id": own, "title": title, "alike": 1.0} for own, title, _, _ in rows]
    beside = StoredPictures(store).beside(nearest)
    with store.connect() as connection:
        for one in beside:
            same = (
                "SELECT id FROM products WHERE source_id = ? AND title = ? AND image IS NOT DISTINCT FROM ?"
            )
            found = connection.execute(same, [one["id"], one["title"], one["picture"]]).fetchall()
            assert (one["row"],) in found
    assert [{key: one[key] for key in ("id", "title", "alike")} for one in beside] == nearest


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4))
def test_what_a_store_does_not_hold_has_no_picture(store: Store, keys: list[tuple[str, str]]) -> None:
    nearest = [{"id": own, "title": f"{title} of no shop"} for own, title in keys]
    assert StoredPictures(store).beside(nearest) == [{**one, **NOT_STORED} for one in nearest]


def test_the_id_of_one_product_with_the_title_of_another_is_neither(store: Store) -> None:
    with store.connect() as connection:
        (a, one), (b, other) = connection.execute(
            "SELECT source_id, title FROM products QUALIFY row_number() OVER (PARTITION BY title) = 1 LIMIT 2"
        ).fetchall()
    found = StoredPictures(store).beside([{"id": a, "title": other}, {"id": b, "title": one}])
    assert [found[0]["row"], found[1]["row"]] == [None, None]
    mixed = StoredPictures(store).beside([{"id": a, "title": one}, {"id": b, "title": one}])
    assert (mixed[0]["row"] is None, mixed[1]["row"]) == (False, None)


@pytest.mark.parametrize("quote", ["' OR 1=1 --", '"); DROP TABLE products; --', "\\", "%", "\x00"])
def test_a_title_is_no_part_of_a_question_to_the_store(store: Store, quote: str) -> None:
    before = store.manifest["rows"]
    (found,) = StoredPictures(store).beside([{"id": quote, "title": quote}])
    assert found["row"] is None
    with store.connect() as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchall()[0][0] <= before


def test_without_a_store_nothing_has_a_picture() -> None:
    assert StoredPictures(None).beside([{"id": "1", "title": "a"}]) == [
        {"id": "1", "title": "a", **NOT_STORED}
    ]
    assert StoredPictures(None).beside([]) == []


@pytest.fixture(scope="module")
def served(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("tried") / "shop"
    folder.mkdir()
    (folder / "model").symlink_to(small_run)
    with desk_on(folder) as desk:
        yield desk


@pytest.mark.parametrize(
    "title", ["红富士苹果 5斤", "苹果 手机 壳", "  手机壳 防摔 ", "zzz", "🍎", "香蕉\u3000新鲜"]
)
def test_the_page_answers_what_a_program_is_answered(served: TestClient, title: str) -> None:
    shown = served.post("/try", data={"csrf": csrf_of(served, "/try"), "title": title, "min_confidence": "0"})
    question = {"products": [{"title": title.strip()}], "min_confidence": 0, "top": 5}
    (told,) = served.post("/assign", json=question).json()
    assert f"<strong>{' › '.join(told['names']) or 'No category'}</strong>" in shown.text
    for one in told["top"]:
        assert f"{100 * one['probability']:.1f} %" in shown.text

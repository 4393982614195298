"""Pictures by their hash: the right kind, for ever, and nothing else of the machine."""

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.store import Store
from tests.desk.opened import desk_on


def drawn(form: str, **options: int) -> bytes:
    """Return a picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (12, 8), (200, 40, 40)).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture
def store(build: Path) -> Store:
    """The store that the desk shows of the build."""
    return Store.open(build / "5-align")


@pytest.mark.parametrize(
    ("form", "media"),
    [("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp"), ("JPEG", "image/jpeg")],
)
def test_a_picture_is_sent_as_what_it_is_and_kept_for_ever(
    build: Path, store: Store, form: str, media: str
) -> None:
    content = drawn(form)
    with desk_on(build) as desk:
        answer = desk.get(f"/picture/{store.images.put(content)}")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, media, content)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_browsers_do_not_show_is_sent_as_jpeg(build: Path, store: Store) -> None:
    with desk_on(build) as desk:
        answer = desk.get(f"/picture/{store.images.put(drawn('TIFF'))}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (12, 8)


@pytest.mark.parametrize("content", [b"<svg onload='alert(1)'/>", b"<html>", b"", b"%PDF-1.4"])
def test_what_is_no_picture_is_not_sent(build: Path, store: Store, content: bytes) -> None:
    with desk_on(build) as desk:
        assert desk.get(f"/picture/{store.images.put(content)}").status_code == 404


@pytest.mark.parametrize(
    "key",
    [
        "0" * 64,
        "0" * 63,
        "A" * 64,
        "%2e%2e%2f%2e%2e%2fmanifest.json",
        "../manifest.json",
        "0" * 64 + "%0a",
    ],
)
def test_any_other_address_is_none(build: Path, key: str) -> None:
    with desk_on(build) as desk:
        assert desk.get(f"/picture/{key}").status_code == 404


def test_a_run_without_a_store_has_none(small_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(small_run, tmp_path / "run"))
    with desk_on(run) as desk:
        assert desk.get(f"/picture/{'0' * 64}").status_code == 404


def test_pictures_need_a_person_where_people_sign_in(build: Path, store: Store) -> None:
    with accounts(build) as people:
        people.add("anna", "reader", "correct horse", "2026-01-01")
    key = store.images.put(drawn("PNG"))
    with desk_on(build) as desk:
        assert desk.get(f"/picture/{key}", headers={"accept": "image/*"}).status_code == 401

"""Right and wrong requests, answered in this process: what is refused, what is said, what comes back."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m import __version__
from mep3m.assignment.run import Run
from mep3m.errors import FormatError, ModelError, NotFoundError
from mep3m.service.endpoints.questions import MOST_CHARACTERS, MOST_PRODUCTS
from mep3m.service.settings import ServiceLimits, ServiceSettings
from mep3m.service.versions import Version
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.settings.sources import ImageLimits
from mep3m.store.json_files import write_json
from mep3m.taxonomy import Category, Taxonomy
from tests.service.clients import serving


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 40)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client(run_folder: Path) -> Iterator[TestClient]:
    with serving(Run.open(run_folder, bare=True)) as client:
        yield client


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


titles = st.text(max_size=30) | st.sampled_from(
    ["苹果", "手机壳 透明", "<b>", "  ", "\x00", "🍎", "a" * 5000]
)


@settings(deadline=None, max_examples=30)
@given(
    words=st.lists(titles | st.none(), min_size=1, max_size=5), least=st.sampled_from([0.0, 0.5, 0.99, 1.0])
)
def test_any_titles_are_answered_in_order_and_never_below_the_confidence(
    client: TestClient, words: list[str | None], least: float
) -> None:
    products = [{"id": f"p{n}", "title": word} for n, word in enumerate(words)]
    reply = client.post("/assign", json={"products": products, "min_confidence": least, "top": 3})
    assert reply.status_code == 200
    answers = reply.json()
    assert [answer["id"] for answer in answers] == [product["id"] for product in products]
    for answer in answers:
        assert len(answer["path"]) == len(answer["names"]) == len(answer["confidence"]) <= 2
        assert all(least <= chance <= 1 for chance in answer["confidence"])
        assert answer["confidence"] == sorted(answer["confidence"], reverse=True)
        assert answer["review"] == (len(answer["path"]) < 2)
        chances = [one["probability"] for one in answer["top"]]
        assert chances == sorted(chances, reverse=True)
        unread = (answer["reason"] or "").startswith("nothing to read")
        assert len(chances) == (0 if unread else 3)
        if not least and not unread:
            assert answer["path"] == answer["top"][0]["path"]


def test_one_product_has_the_same_answer_alone_and_among_others(client: TestClient) -> None:
    products = [{"title": f"{word} {n}"} for n in range(40) for word in ("红富士苹果", "手机壳", "无关")]
    together = client.post("/assign", json={"products": products}).json()
    for place in (0, 37, 119):
        (alone,) = client.post("/assign", json={"products": [products[place]]}).json()
        assert alone["path"] == together[place]["path"]
        assert alone["confidence"] == pytest.approx(together[place]["confidence"], abs=1e-6)


@pytest.mark.parametrize("top", [1, 4, 100])
def test_more_paths_than_there_are_is_every_path(client: TestClient, top: int) -> None:
    (found,) = client.post("/assign", json={"products": [{"title": "苹果"}], "top": top}).json()
    assert len(found["top"]) == min(top, 4)
    assert len({tuple(one["path"]) for one in found["top"]}) == len(found["top"])


@pytest.mark.parametrize(
    ("question", "field", "said"),
    [
        ({}, "products", "Field required"),
        ({"products": "苹果"}, "products", "valid list"),
        ({"products": [{"title": 5}]}, "title", "valid string"),
        ({"products": [{"title": "a" * (MOST_CHARACTERS + 1)}]}, "title", f"at most {MOST_CHARACTERS}"),
        ({"products": [{"ocr": "a" * (MOST_CHARACTERS + 1)}]}, "ocr", f"at most {MOST_CHARACTERS}"),
        ({"products": [{"title": "a"}] * (MOST_PRODUCTS + 1)}, "products", f"at most {MOST_PRODUCTS}"),
        ({"products": [{"title": "a"}], "top": 0}, "top", "greater than or equal to 1"),
        ({"products": [{"title": "a"}], "top": 101}, "top", "less than or equal to 100"),
        ({"products": [{"title": "a"}], "min_confidence": -0.1}, "min_confidence", "greater than or equal"),
        ({"products": [{"title": "a"}], "minconfidence": 0.5}, "minconfidence", "not permitted"),
    ],
)
def test_a_wrong_question_names_the_field_and_what_is_allowed(
    client: TestClient, question: dict[str, Any], field: str, said: str
) -> None:
    reply = client.post("/assign", json=question)
    assert reply.status_code == 422
    (problem,) = reply.json()["detail"]
    assert problem["loc"][-1] == field
    assert said in problem["msg"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_body_that_is_no_question_is_refused(client: TestClient, body: bytes) -> None:
    reply = client.post("/assign", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= reply.status_code < 500


def test_without_a_threshold_in_the_question_the_default_holds(client: TestClient) -> None:
    body = {"products": [{"title": "红富士苹果"}, {"title": "zzz"}]}
    said = client.post("/assign", json=body).json()
    assert said == client.post("/assign", json=body | {"min_confidence": MIN_CONFIDENCE}).json()
    assert said[1]["review"]  # of what nothing is known, nothing is filed
    upload = {"image": picture()}
    answer = client.post("/assign-image", params={"title": "zzz"}, files=upload).json()
    asked = {"title": "zzz", "min_confidence": MIN_CONFIDENCE}
    assert answer == client.post("/assign-image", params=asked, files=upload).json()
    assert answer["review"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_an_image_of_every_allowed_type_is_taken(client: TestClient, kind: str) -> None:
    reply = client.post(
        "/assign-image", params={"title": "海南香蕉", "min_confidence": 0}, files={"image": picture(kind)}
    )
    assert reply.json()["path"] == ["食品", "香蕉"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<html>404</html>", "a web page, not an image"),
        (picture()[:60], "broken"),
        (picture("JPEG", (300, 300))[:700], "broken"),
        (picture("TIFF"), "not an image of an allowed type"),
        (picture("PNG", (7000, 7000)), "49,000,000 pixels"),
    ],
)
def test_an_upload_that_is_no_image_is_refused_and_not_answered_as_if_there_were_none(
    client: TestClient, content: bytes, said: str
) -> None:
    reply = client.post("/assign-image", params={"title": "苹果"}, files={"image": content})
    assert reply.status_code == 422
    (problem,) = reply.json()["detail"]
    assert problem["loc"] == ["body", "image"]
    assert said in problem["msg"]


@pytest.mark.parametrize(
    "product", [{}, {"title": ""}, {"title": "   "}, {"title": "\u200b"}, {"title": "!!!"}]
)
def test_a_product_with_nothing_to_read_goes_to_review(client: TestClient, product: dict[str, str]) -> None:
    question = {"products": [product, {"title": "红富士苹果"}], "min_confidence": 0}
    nothing, apple = client.post("/assign", json=question).json()
    assert (nothing["path"], nothing["review"], nothing["decision"]) == ([], True, "review")
    assert nothing["reason"].startswith("nothing to read: ")
    assert apple["path"] == ["食品", "苹果"]


def test_a_request_with_only_what_the_model_does_not_read_is_refused(client: TestClient) -> None:
    told = "this model reads the title, not the {}: give the title of the product"
    reply = client.post("/assign-image", files={"image": picture()})
    assert reply.status_code == 422
    (problem,) = reply.json()["detail"]
    assert (problem["loc"], problem["msg"]) == (["body", "image"], told.format("image"))
    reply = client.post("/assign", json={"products": [{"ocr": "苹果"}, {"ocr": "手机"}]})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["msg"] == told.format("OCR text")
    mixed = client.post("/assign", json={"products": [{"ocr": "苹果"}, {"title": "手机壳"}]}).json()
    assert mixed[0]["reason"] == "nothing to read: there is no title; the model does not read the OCR text"


@pytest.mark.parametrize(
    ("field", "value"),
    [("min_confidence", False), ("min_confidence", "0.5"), ("top", True), ("top", "3"), ("top", 2.0)],
)
def test_a_value_of_another_type_is_refused(client: TestClient, field: str, value: object) -> None:
    reply = client.post("/assign", json={"products": [{"title": "苹果"}], field: value})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", field]


def test_every_refusal_is_as_the_schema_says(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    codes = {path: set(next(iter(by.values()))["responses"]) for path, by in schema["paths"].items()}
    filing = {"200", "400", "401", "403", "408", "413", "422", "429", "500"}
    assert codes["/assign"] == codes["/assign-image"] == codes["/assign-images"] == filing
    assert codes["/card"] == {"200", "401", "403", "404"}
    parts = schema["components"]["schemas"]
    assert set(parts["Refusal"]["properties"]) == {"detail"}
    assert parts["HTTPValidationError"]["properties"]["detail"]["type"] == "array"
    boundary = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = client.post("/assign-image", content=b"--x\r\nno", headers=boundary)
    assert broken.status_code in (400, 422)
    for content in (b"", b"<html>404</html>", picture("TIFF")):
        for problem in client.post("/assign-image", files={"image": content}).json()["detail"]:
            assert {"loc", "msg", "type"} <= set(problem)


def test_an_upload_beyond_the_limit_is_refused(run_folder: Path) -> None:
    limits = ServiceLimits(image=ImageLimits(max_bytes=2**20))
    with serving(Run.open(run_folder), limits=limits) as client:
        reply = client.post("/assign-image", files={"image": bytes(2**20 + 1)})
    assert (reply.status_code, reply.json()["detail"]) == (413, "an image has more than 1,048,576 bytes")


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_confidence", "2"), ("min_confidence", "-1"), ("min_confidence", "x"), ("title", "a" * 10_001)],
)
def test_a_wrong_value_beside_an_image_is_refused(client: TestClient, name: str, value: str) -> None:
    reply = client.post("/assign-image", params={name: value}, files={"image": picture()})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["query", name]


def test_an_image_is_needed_where_one_is_asked_for(client: TestClient) -> None:
    reply = client.post("/assign-image", params={"title": "苹果"})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "image"]


def test_health_names_the_version_and_the_classes(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok", "mep3m": __version__, "classes": 4}


def test_the_page_says_what_it_files_into_and_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "4 classes, 2 levels." in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_what_is_not_there_is_404_and_a_wrong_method_405(client: TestClient) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.get("/assign").status_code == 405


def test_a_run_without_a_card_says_how_to_make_one(copy: Path) -> None:
    (copy / "card.json").unlink()
    with serving(Run.open(copy, bare=True)) as client:
        reply = client.get("/card")
    assert reply.status_code == 404
    assert "mep3m evaluate" in reply.json()["detail"]


def test_a_run_with_a_tree_answers_with_names(copy: Path) -> None:
    Taxonomy((Category("食品", "生鲜", "Food"), Category("苹果", "红苹果", parent="食品"))).save(
        copy / "taxonomy.json"
    )
    question = {"products": [{"title": "红富士苹果"}], "min_confidence": 0}
    with serving(Run.open(copy, bare=True)) as client:
        (found,) = client.post("/assign", json=question).json()
    assert (found["path"], found["names"]) == (["食品", "苹果"], ["生鲜", "红苹果"])


@pytest.mark.parametrize(
    ("file", "content", "error", "said"),
    [
        ("classifier.json", None, ModelError, "is not a classifier folder"),
        ("classifier.json", "{", FormatError, "is not JSON"),
        ("classifier.json", "[]", ModelError, "names the kind 'none'"),
        ("classifier.json", '{"kind": "liner"}', ModelError, "did you mean 'linear'"),
        ("weights.safetensors", None, ModelError, "again"),
        ("taxonomy.json", "[1]", FormatError, "is not a taxonomy file"),
    ],
)
def test_a_damaged_run_is_not_served(
    copy: Path, file: str, content: str | None, error: type[Exception], said: str
) -> None:
    if content is None:
        (copy / file).unlink()
    else:
        (copy / file).write_text(content)
    with pytest.raises(error, match=said):
        Version.load(ServiceSettings(run=copy))


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ({}, "is not that of a run"),
        ([], "is not that of a run"),
        ({"image_root": None, "settings": {"modality": "smell"}, "columns": {}}, "modality = 'smell'"),
        ({"image_root": 5, "settings": {}, "columns": {}}, "is not that of a run"),
    ],
)
def test_a_run_whose_description_is_damaged_says_so(copy: Path, saved: Any, said: str) -> None:
    from mep3m.errors import Mep3mError

    write_json(copy / "run.json", saved)
    with pytest.raises(Mep3mError, match=said):
        Run.open(copy)


def test_a_run_without_its_description_is_no_run_but_can_be_served(copy: Path) -> None:

    (copy / "run.json").unlink()
    with pytest.raises(ModelError, match=r"without run\.json; train it with 'mep3m train'"):
        Run.open(copy)
    with serving(Version.load(ServiceSettings(run=copy)).run) as client:
        assert client.get("/health").status_code == 200


def test_the_card_is_the_file_that_training_wrote(client: TestClient, run_folder: Path) -> None:
    assert client.get("/card").json() == json.loads((run_folder / "card.json").read_text())


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises((ModelError, NotFoundError), match="is not a classifier folder"):
        Version.load(ServiceSettings(run=tmp_path / "none"))


@pytest.mark.parametrize(
    "body",
    [
        rb'{"products": [{"title": "\ud800"}]}',
        rb'{"products": [{"ocr": "a\udc00b"}]}',
        rb'{"products": [{"id": "\ud83d", "title": "x"}]}',
        rb'{"products": [{"title": "x", "\udfff": 1}]}',
    ],
)
def test_half_of_a_character_is_a_wrong_request(run_folder: Path, body: bytes) -> None:
    with serving(Run.open(run_folder), raises=False) as patient:
        answer = patient.post("/assign", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][0] == "body"
        title = patient.post("/assign-image?title=%ED%A0%80", files={"image": ("a.png", picture())})
        assert title.status_code < 500
        form = b'--x\r\nContent-Disposition: form-data; name=images; filename="\xed\xa0\x80.png"\r\n\r\n'
        headers = {"content-type": "multipart/form-data; boundary=x"}
        named = patient.post("/assign-images", content=form + picture() + b"\r\n--x--", headers=headers)
        assert named.status_code < 500

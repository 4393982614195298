"""Pictures that requests name: in the allowed folder, or at an address where allowed; nothing else."""

import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from mep3m.assignment.run import Run
from mep3m.service.settings import ServiceLimits
from mep3m.settings.sources import FetchSettings, ImageLimits
from tests.service.clients import serving


def png(size: int = 20) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shots" / "red").mkdir(parents=True)
    (tmp_path / "shots" / "red" / "apple.png").write_bytes(png())
    (tmp_path / "shots" / "page.png").write_text("<html>404</html>")
    (tmp_path / "shots" / "large.png").write_bytes(png(300))
    (tmp_path / "secret.png").write_bytes(png())
    (tmp_path / "shots" / "out.png").symlink_to(tmp_path / "secret.png")
    return tmp_path / "shots"


@pytest.fixture
def client(run_folder: Path, folder: Path) -> Iterator[TestClient]:
    limits = ServiceLimits(image=ImageLimits(max_pixels=10_000))
    with serving(Run.open(run_folder), images=folder, limits=limits) as client:
        yield client


def ask(client: TestClient, image: str) -> Any:
    question = {
        "products": [{"title": "海南香蕉"}, {"title": "红富士苹果", "image": image}],
        "min_confidence": 0,
    }
    return client.post("/assign", json=question)


def refusal(reply: Any) -> str:
    assert reply.status_code == 422, reply.text
    (problem,) = reply.json()["detail"]
    assert problem["loc"] == ["body", "products", 1, "image"]
    return str(problem["msg"])


def test_a_picture_in_the_folder_is_taken(client: TestClient) -> None:
    reply = ask(client, "red/apple.png")
    assert [one["path"][-1] for one in reply.json()] == ["香蕉", "苹果"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../secret.png", "leaves its folder"),
        ("red/../../secret.png", "leaves its folder"),
        ("/etc/passwd", "leaves its folder"),
        ("..\\secret.png", "leaves its folder"),
        ("out.png", "through a link"),
        ("none.png", "is not a file"),
        ("red", "is not a file"),
        ("a\x00b.png", "leaves its folder"),
        ("n" * 5000, "is not a file"),
        ("page.png", "a web page, not an image"),
        ("large.png", "pixels"),
        ("file:///etc/passwd", ""),
        ("ftp://example.org/a.png", ""),
        ("http://127.0.0.1/a.png", "--urls"),
    ],
)
def test_a_picture_elsewhere_is_refused_with_its_place(client: TestClient, name: str, said: str) -> None:
    assert said in refusal(ask(client, name))


def test_without_a_folder_no_path_is_read(run_folder: Path) -> None:
    with serving(Run.open(run_folder)) as client:
        assert "--images" in refusal(ask(client, "red/apple.png"))


@pytest.fixture
def web(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(folder))

        def log_message(self, *given: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_address_is_fetched_by_the_rules_of_ingest(run_folder: Path, web: str) -> None:
    public = FetchSettings(enabled=True, attempts=1)
    with serving(Run.open(run_folder), fetch=public) as client:
        assert "private" in refusal(ask(client, f"{web}/red/apple.png"))
        assert refusal(ask(client, "http://169.254.169.254/latest/meta-data"))
        assert refusal(ask(client, "http://[::1]/a.png"))
    own = public.model_copy(update={"allow_private": True, "robots": False})
    with serving(Run.open(run_folder), fetch=own) as client:
        assert ask(client, f"{web}/red/apple.png").json()[1]["path"][-1] == "苹果"
        assert "404" in refusal(ask(client, f"{web}/none.png"))


def test_uploads_of_several_pictures_are_answered_by_their_names(client: TestClient) -> None:
    """This model reads titles alone: it says so before it answers."""
    files = [("images", (f"{n}.png", png(), "image/png")) for n in range(3)]
    reply = client.post("/assign-images", files=files)
    assert reply.status_code == 422
    assert "reads the title" in reply.json()["detail"][0]["msg"]
    broken = [*files, ("images", ("no.png", b"<html>", "image/png"))]
    assert client.post("/assign-images", files=broken).json()["detail"][0]["loc"] == ["body", "images", 3]

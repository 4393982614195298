"""How large and how bright a picture is, whatever its format."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mep3m.imaging.decode import UnreadableImageError
from mep3m.imaging.look import Look, look_at_picture, looks


def picture(width: int, height: int, grey: int, kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(("grey", "brightness"), [(0, 0.0), (128, 0.502), (255, 1.0)])
def test_the_shorter_side_and_the_mean_of_the_grey_levels(kind: str, grey: int, brightness: float) -> None:
    seen = look_at_picture(picture(300, 120, grey, kind))
    assert seen.side == 120
    assert seen.brightness == pytest.approx(brightness, abs=0.01)


def test_a_large_jpeg_is_as_bright_as_its_small_copy() -> None:
    image = Image.linear_gradient("L").resize((2000, 1600))
    large, small = BytesIO(), BytesIO()
    image.save(large, "JPEG")
    image.resize((200, 160)).save(small, "JPEG")
    one, other = look_at_picture(large.getvalue()), look_at_picture(small.getvalue())
    assert (one.side, other.side) == (1600, 160)
    assert one.brightness == pytest.approx(other.brightness, abs=0.01)


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(40, 50, 255))
    (tmp_path / "b.png").write_bytes(b"no picture")
    files = {"1": tmp_path / "a.png", "2": tmp_path / "b.png", "3": tmp_path / "gone.png", "4": None}
    found = looks([{"id": key} for key in files], lambda row: files[row["id"]])
    assert found == [Look(40, 1.0), None, None, None]
    with pytest.raises(UnreadableImageError):
        look_at_picture(tmp_path / "b.png")
    assert looks([], files.get) == []

"""An image is taken in whole or refused with a reason, whatever its bytes are."""

import io
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mep3m.errors import FormatError
from mep3m.imaging.examine import examine
from mep3m.settings.sources import ImageLimits

KINDS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
LIMITS = ImageLimits()


@cache
def sample(kind: str, mode: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.effect_noise((40, 30), 60).convert(mode) for _ in range(2)]
    more = {"save_all": True, "append_images": frames[1:]} if kind in ("GIF", "WEBP") else {}
    frames[0].save(out, kind, **more)
    return out.getvalue()


def outcome(content: bytes) -> tuple[int, int, str] | str:
    """Return what an image is, or why it is refused."""
    try:
        return examine(content, LIMITS)
    except FormatError as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_size_and_format_are_those_of_the_picture(kind: str, mode: str) -> None:
    found = examine(sample(kind, mode), LIMITS)
    assert found == (40, 30, {"JPEG": "jpg"}.get(kind, kind.lower()))


@given(
    kind=st.sampled_from(KINDS),
    mode=st.sampled_from(["RGB", "L"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.none() | st.floats(0, 1),
)
def test_a_damaged_image_is_accepted_or_refused_and_never_an_error_of_the_decoder(
    kind: str, mode: str, changes: list[tuple[float, int]], cut: float | None
) -> None:
    content = bytearray(sample(kind, mode))
    for place, value in changes:
        content[int(place * len(content))] = value
    if cut is not None:
        del content[int(cut * len(content)) :]
    found = outcome(bytes(content))
    if isinstance(found, str):
        assert found.startswith(("the image ", "this is "))
    else:
        assert 0 < found[0] * found[1] <= LIMITS.max_pixels
        assert found[2] in ("png", "jpg", "gif", "webp", "bmp")


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(FormatError):
        examine(content, LIMITS)


def test_limits_hold_on_both_sides() -> None:
    content = sample("PNG", "RGB")
    examine(content, ImageLimits(max_bytes=len(content), max_pixels=1200))
    with pytest.raises(FormatError, match=r"at most .* are allowed"):
        examine(content, ImageLimits(max_bytes=len(content) - 1))
    with pytest.raises(FormatError, match=r"1,200 pixels \(40 x 30\), at most 1,199 are allowed"):
        examine(content, ImageLimits(max_pixels=1199))


def test_only_the_types_that_are_wanted_are_taken() -> None:
    only = ImageLimits(formats=("PNG",))
    examine(sample("PNG", "RGB"), only)
    with pytest.raises(FormatError, match=r"this is not an image of an allowed type \(PNG\)"):
        examine(sample("JPEG", "RGB"), only)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>", "a web page"),
        (b"  \n<HTML>", "a web page"),
        (b'<?xml version="1.0"?><svg/>', "SVG"),
        (b"<svg></svg>", "SVG"),
        (b'<?xml version="1.0"?><rss/>', "a web page"),
    ],
)
def test_what_servers_send_instead_of_an_image_is_named(content: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=f"^this is {said}, not an image$"):
        examine(content, LIMITS)

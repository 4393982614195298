"""The tree of errors, its hints, and what the operating system's own errors become."""

import errno
import io
import os
import re
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError

from mep3m import errors
from mep3m.errors import Mep3mError, MissingExtraError, UsageError, did_you_mean, of_system, require, words_of

CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = [
        (line.index(name), name)
        for line in (errors.__doc__ or "").splitlines()
        for name in re.findall(r"\b[A-Z][a-z0-9A-Z]*Error\b", line)[:1]
    ]
    assert {name for _, name in drawn} == {kind.__name__ for kind in CLASSES}
    for place, (depth, name) in enumerate(drawn):
        above = next((other for at, other in reversed(drawn[:place]) if at < depth), "Exception")
        assert getattr(errors, name).__base__.__name__ == above


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_one_that_the_command_line_prints(kind: type[Mep3mError]) -> None:
    assert issubclass(kind, Mep3mError)
    assert str(kind("what is wrong")) == "what is wrong"


@given(value=st.text(max_size=8), allowed=st.lists(st.text("abc", min_size=1, max_size=4), max_size=5))
def test_a_hint_lists_everything_allowed_once_each_time_it_is_given(value: str, allowed: list[str]) -> None:
    hint = did_you_mean(value, allowed)
    assert hint.startswith(" (")
    assert hint.endswith(f"allowed: {', '.join(sorted(allowed))})")
    if "did you mean" in hint:
        assert any(f"did you mean '{name}'?" in hint for name in allowed)
    if value in allowed:
        assert f"did you mean '{value}'?" in hint


@pytest.mark.parametrize(
    ("value", "hint"),
    [("imge", "did you mean 'image'? "), ("Title", "did you mean 'title'? "), ("zzz", ""), ("", "")],
)
def test_only_a_near_name_is_suggested(value: str, hint: str) -> None:
    assert did_you_mean(value, ["title", "image"]) == f" ({hint}allowed: image, title)"


def test_a_package_that_is_there_is_imported() -> None:
    assert require("json", "train").dumps([1]) == "[1]"


@pytest.mark.parametrize("name", ["no_such_package", "no_such_package.inner"])
def test_a_missing_package_is_its_install_command(name: str) -> None:
    with pytest.raises(MissingExtraError, match=r"Install it with: pip install 'mep3m\[train\]'") as caught:
        require(name, "train")
    assert f"'{name}' is not installed" in str(caught.value)


def test_a_package_that_breaks_on_its_own_import_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "breaks_inside.py").write_text("import a_package_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_package_it_needs"):
        require("breaks_inside", "train")


def test_a_blocked_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blocked", None)  # type: ignore[arg-type]
    with pytest.raises(MissingExtraError, match="'blocked' is not installed"):
        require("blocked", "ray")


def test_an_installed_module_is_returned_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("made_up")
    monkeypatch.setitem(sys.modules, "made_up", module)
    assert require("made_up", "ray") is module


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "choose another place or ask for permission"),
        (errno.EPERM, "choose another place or ask for permission"),
        (errno.EROFS, "read-only; choose another place"),
        (errno.ENOENT, "does not exist"),
        (errno.ENOTDIR, "a part of the path is a file"),
        (errno.EISDIR, "it is a folder; name a file"),
        (errno.EEXIST, "choose another name"),
        (errno.ENOTEMPTY, "not empty"),
        (errno.ENAMETOOLONG, "choose a shorter one"),
    ],
)
def test_a_wrong_place_is_wrong_use_and_says_where_and_what_to_do(number: int, said: str) -> None:
    found = of_system(OSError(number, os.strerror(number), "/somewhere/商店"))
    assert isinstance(found, UsageError)
    assert str(found).startswith("/somewhere/商店: ")
    assert said in str(found)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("where", [None, "/full"])
def test_a_full_disk_is_no_wrong_use_and_says_that_nothing_is_lost(number: int, where: str | None) -> None:
    found = of_system(OSError(number, os.strerror(number), where))
    assert not isinstance(found, UsageError)
    assert "run the same command again, what is done stays done" in str(found)
    assert ("/full: " in str(found)) == (where is not None)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.EIO, "Input/output error", "/dev/x"), "/dev/x: Input/output error"),
        (OSError(errno.EIO, "Input/output error"), "the operating system said: Input/output error"),
        (OSError("odd"), "the operating system said: odd"),
        (OSError(), "the operating system said: OSError"),
        (TimeoutError(), "the operating system said: TimeoutError"),
        # of a rename, the place that it was to go to
        (
            OSError(errno.EISDIR, "Is a directory", ".out.tmp", None, "out"),
            "out: it is a folder; name a file",
        ),
        # without a place there is nothing to choose differently
        (OSError(errno.EACCES, "Permission denied"), "the operating system said: Permission denied"),
    ],
)
def test_any_other_error_of_the_system_is_said_in_its_own_words(error: OSError, message: str) -> None:
    assert str(of_system(error)) == message


@pytest.mark.parametrize("call", [Path.read_bytes, Path.mkdir, os.listdir])
def test_real_errors_of_this_system_are_understood(call: object, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below"
    with pytest.raises(OSError, match="Not a directory") as caught:
        call(place)  # type: ignore[operator]
    assert str(of_system(caught.value)) == f"{place}: a part of the path is a file, not a folder"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (
            OSError("cannot identify image file <_io.BytesIO object at 0x7f3bddc26340>"),
            "OSError: cannot identify image file",
        ),
        (KeyError("a < b at 0x10"), "KeyError: 'a < b at 0x10'"),
        (RuntimeError("x" * 300), "RuntimeError: " + "x" * 186),
    ],
)
def test_another_package_s_word_is_the_same_in_every_run(error: Exception, said: str) -> None:
    assert words_of(error) == said


def test_two_decoders_of_one_broken_image_say_the_same() -> None:
    said = []
    for _ in range(2):
        try:
            Image.open(io.BytesIO(b"no image"))
        except UnidentifiedImageError as error:
            said.append(words_of(error))
    assert said == ["UnidentifiedImageError: cannot identify image file"] * 2

"""Every command that walks a folder walks it in one way: what systems leave there is nobody's product."""

import tarfile
from pathlib import Path

import pytest

from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import find_format, open_source
from mep3m.sources.images.archives import find_archives
from mep3m.store.walk import is_hidden, listed, walk

HIDDEN = [
    ".git",
    ".thumbnails",
    ".ipynb_checkpoints",
    "__MACOSX",
    "@eaDir",
    "@__thumb",
    "#recycle",
    "lost+found",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("", "tea", *HIDDEN, *(f"tea/{name}" for name in HIDDEN)):
        (tmp_path / "root" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / folder / "a.jpg").write_bytes(b"x")
        (tmp_path / "root" / folder / "._a.jpg").write_bytes(b"x")
    return tmp_path / "root"


def test_what_systems_leave_is_not_walked(root: Path) -> None:
    assert sorted(walk(root)) == [root / "a.jpg", root / "tea" / "a.jpg"]
    assert listed(root) == [root / "a.jpg", root / "tea"]


@pytest.mark.parametrize("name", [".git/a", "a/._b.jpg", "__MACOSX/a", "@eaDir/b", ".DS_Store"])
def test_what_systems_leave_is_hidden(name: str) -> None:
    assert is_hidden(name)
    assert not is_hidden("a.b/c.jpg")


@pytest.mark.parametrize("name", ["tea", "tea/1.2.jpg", "a..b", "MACOSX", "eaDir@", "lost", "__x__"])
def test_other_names_are_peoples(name: str) -> None:
    assert not is_hidden(name)


def test_links_are_entered_below_the_root_yielded_where_they_lead_out_and_never_followed_up(
    root: Path,
) -> None:
    (root / "linked").symlink_to(root / "tea")
    (root / "tea" / "up").symlink_to(root)
    (root / "out").symlink_to(root.parent)
    (root / "link.jpg").symlink_to(root / "a.jpg")
    (root / "broken.jpg").symlink_to(root / "nothing")
    names = sorted(path.relative_to(root).as_posix() for path in walk(root))
    assert names == ["a.jpg", "link.jpg", "linked/a.jpg", "out", "tea/a.jpg"]


@pytest.mark.parametrize("kind", ["jsonld", "webdataset"])
def test_pages_and_archives_that_systems_left_are_not_read(root: Path, kind: str) -> None:
    for folder in (root, root / ".cache", root / "__MACOSX"):
        folder.mkdir(exist_ok=True)
        (folder / "page.html").write_text("<html/>")
        for name in ("a.tar", "._a.tar"):
            with tarfile.open(folder / name, "w"):
                pass
    files = open_source(SourceEntry(name="s", path=str(root), format=kind)).files()
    assert files == [root / ("page.html" if kind == "jsonld" else "a.tar")]
    assert find_archives(root) == [root / "a.tar"]


@pytest.mark.parametrize("left", ["._a.tar", "._a.html", ".hidden.htm"])
def test_hidden_files_do_not_say_a_folders_format(root: Path, left: str) -> None:
    (root / left).write_bytes(b"x")
    assert find_format(root) == "folder"

"""Which member of which archive is the image that a row means."""

import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError, UsageError
from mep3m.sources.images import archives
from mep3m.sources.images.archives import (
    archive_stem,
    candidates,
    find_archives,
    is_archive,
    read_members,
    wanted_members,
)
from mep3m.sources.images.intake import same_name
from tests.sources.images.test_intake import members
from tests.sources.rar import rar

KINDS = ["zip", "tar", "tar.gz", "rar"]
STEP = st.sampled_from(["a", "b", "7", "Images", "茶"])
PATH = st.lists(STEP, min_size=1, max_size=4).map(lambda steps: "/".join(steps) + ".jpg")


def outcome(path: Path, limit: int) -> tuple[list[tuple[str, bytes]], str | None]:
    """Return the members that can be read, and what is said where the archive ends before its end."""
    found = []
    try:
        for member in read_members(path, limit):
            found.append(member)  # noqa: PERF402 - those before the error count
    except (FormatError, UsageError) as error:
        return found, str(error)
    return found, None


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("7.rar", "7"),
        ("7.tar.gz", "7"),
        ("7.TGZ", "7"),
        ("a.b.zip", "a.b"),
        ("7.tar", "7"),
        ("photos", None),
        ("7.gz", None),
        ("rar", None),
    ],
)
def test_an_archive_is_known_by_its_ending(name: str, stem: str | None) -> None:
    assert is_archive(Path(name)) is (stem is not None)
    assert archive_stem(Path(name)) == (name if stem is None else stem)


def test_archives_of_a_folder_are_sorted_and_an_archive_is_its_own(tmp_path: Path) -> None:
    for name in ("9.zip", "10.zip", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.zip").mkdir()
    assert [path.name for path in find_archives(tmp_path)] == ["10.zip", "9.zip"]
    assert find_archives(tmp_path / "9.zip") == [tmp_path / "9.zip"]
    assert find_archives(tmp_path / "notes.txt") == []


@pytest.mark.parametrize("kind", KINDS)
def test_members_come_in_the_archive_s_order_with_their_bytes(tmp_path: Path, kind: str) -> None:
    files = {"b/2.jpg": b"two", "a/1.jpg": b"one", "c.jpg": b""}
    path = members(files, kind, tmp_path / f"x.{kind}")
    assert list(read_members(path, 100)) == list(files.items())
    assert [content for _, content in read_members(path, 2)] == [b"two", b"one", b""]  # one more than allowed


def test_names_are_written_with_plain_slashes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as bundle:
        bundle.writestr("./a/1.jpg", b"x")
        bundle.writestr("folder/", b"")
    assert [name for name, _ in read_members(tmp_path / "x.zip", 9)] == ["a/1.jpg"]
    (tmp_path / "x.rar").write_bytes(rar({"a\\2.jpg": b"y"}))
    assert [name for name, _ in read_members(tmp_path / "x.rar", 9)] == ["a/2.jpg"]


@given(st.lists(PATH, min_size=1, max_size=5, unique=True), st.data())
def test_a_member_is_the_image_when_one_path_is_the_end_of_the_other(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("z")
    path = members(dict.fromkeys(wanted, b"x"), "zip", folder / "all.zip")
    found = dict(wanted_members(path, wanted, 10))
    assert set(found) <= set(wanted)
    exact = data.draw(st.sampled_from(wanted))
    inner = "/".join(exact.split("/")[1:])
    if inner and all(
        not other.endswith("/" + inner) and other != inner for other in wanted if other != exact
    ):
        one = members({inner: b"y"}, "zip", folder / "one.zip")
        held = dict(wanted_members(one, [exact], 10))
        # a bare file name says too little, unless the archive is called like the folder
        assert held == ({exact: b"y"} if "/" in inner else {})


def test_a_bare_name_counts_in_the_archive_of_its_folder_only(tmp_path: Path) -> None:
    seven = members({"1.jpg": b"x"}, "zip", tmp_path / "7.zip")
    eight = members({"1.jpg": b"y"}, "zip", tmp_path / "8.zip")
    assert dict(wanted_members(seven, ["Images/7/1.jpg"], 10)) == {"Images/7/1.jpg": b"x"}
    assert dict(wanted_members(eight, ["Images/7/1.jpg"], 10)) == {}


def test_reading_stops_when_everything_is_found(tmp_path: Path) -> None:
    """The rest of a tar file, which may be long or damaged, is not looked at."""
    path = members({"a/1.jpg": b"x", "a/2.jpg": bytes(5000)}, "tar", tmp_path / "x.tar")
    path.write_bytes(path.read_bytes()[:1600])
    assert dict(wanted_members(path, ["a/1.jpg"], 10_000)) == {"a/1.jpg": b"x"}
    with pytest.raises(FormatError, match=r"the archive x\.tar"):
        dict(wanted_members(path, ["a/1.jpg", "a/2.jpg"], 10_000))


def test_each_reference_is_answered_once(tmp_path: Path) -> None:
    path = members({"a/1.jpg": b"first", "b/a/1.jpg": b"second"}, "zip", tmp_path / "x.zip")
    assert list(wanted_members(path, ["a/1.jpg", "never.jpg"], 10)) == [("a/1.jpg", b"first")]


def test_an_archive_called_like_a_folder_of_the_reference_is_the_one_to_look_in() -> None:
    every = [Path("7.rar"), Path("8.rar"), Path("Images.rar")]
    assert candidates(every, "Images/7/1.jpg") == [Path("7.rar"), Path("Images.rar")]
    assert candidates(every, "a\\8\\1.jpg") == [Path("8.rar")]
    assert candidates(every, "elsewhere/1.jpg") == every


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content", [b"", b"no archive at all", b"PK\x03\x04" + bytes(50), b"Rar!\x1a\x07\x00" + bytes(20)]
)
def test_what_is_no_archive_is_named(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / f"x.{kind}"
    path.write_bytes(content)
    found, problem = outcome(path, 10)
    assert found == []  # a few bytes of zeros are an empty tar
    assert problem is None or f"x.{kind}" in problem


@given(st.data())
def test_no_damage_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    folder = tmp_path_factory.mktemp("d")
    path = members({"a/1.jpg": b"x" * 600, "2.jpg": b"y"}, kind, folder / f"x.{kind}")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    found, problem = outcome(path, 1000)
    assert all(len(content) <= 1001 for _, content in found)
    assert problem is None or f"x.{kind}" in problem


def test_a_damaged_stream_inside_a_sound_directory_is_damage(tmp_path: Path) -> None:
    """The error is zlib's own, not that of the archive's module."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("a/1.jpg", b"x" * 600)
    content = bytearray(path.read_bytes())
    start = content.index(b"a/1.jpg") + len("a/1.jpg")
    content[start : start + 5] = b"xxxxx"  # a stored block whose two lengths disagree
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"the archive x\.zip is damaged at a/1\.jpg"):
        list(read_members(path, 1000))


def test_a_password_is_no_crash(tmp_path: Path) -> None:
    path = members({"a/1.jpg": b"x"}, "zip", tmp_path / "x.zip")
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of encryption, in the file's head and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"the archive x\.zip cannot be read: .*password"):
        list(read_members(path, 10))


def test_a_missing_unpacker_is_an_install_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(archive: Path) -> object:
        raise archives.rarfile.RarCannotExec("no unrar")

    monkeypatch.setattr(archives, "_members_rar", cannot)
    with pytest.raises(UsageError, match=r"install a program that reads them: apt-get install unar"):
        list(read_members(tmp_path / "x.rar", 10))


def test_devices_in_a_tar_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as bundle:
        for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE):
            entry = tarfile.TarInfo(f"{kind!r}.jpg")
            entry.type, entry.linkname = kind, "/dev/zero"
            bundle.addfile(entry)
    assert list(read_members(tmp_path / "x.tar", 10)) == []


class Named(zipfile.ZipInfo):
    """An entry whose name is written as bytes, without the flag of UTF-8."""

    def __init__(self, name: bytes) -> None:
        super().__init__("x")
        self.raw = name

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, 0


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "cp437"])
def test_zip_names_without_the_flag_are_read(tmp_path: Path, encoding: str) -> None:
    names = (
        ["食品/红茶包.jpg", "食品/绿茶.jpg"] if encoding != "cp437" else ["Möbel/Äpfel.jpg", "Möbel/é.jpg"]
    )
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for name in names:
            bundle.writestr(Named(name.encode(encoding)), b"x")
    assert [name for name, _ in archives.read_members(path, 10)] == names
    assert [name for name, _ in archives.wanted_members(path, names, 10)] == names


@pytest.mark.parametrize(("inside", "asked"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_composed_and_decomposed_names_are_the_same(tmp_path: Path, inside: str, asked: str) -> None:
    member = unicodedata.normalize(inside, "Möbel/Café.jpg")  # type: ignore[arg-type]
    reference = unicodedata.normalize(asked, "Möbel/Café.jpg")  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr(member, b"x")
    assert list(archives.wanted_members(tmp_path / "a.zip", [reference], 10)) == [(reference, b"x")]
    (tmp_path / "photos" / member).parent.mkdir(parents=True)
    (tmp_path / "photos" / member).write_bytes(b"x")
    root = tmp_path / "photos"
    assert same_name(root, root / reference).read_bytes() == b"x"
    assert not same_name(root, root / "Möbel/Tee.jpg").exists()

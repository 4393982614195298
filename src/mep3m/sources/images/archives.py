"""Images inside .zip, .tar, .tar.gz and .rar files, read as they stream by and never unpacked to disk.

`.rar` files that are compressed need one of the programs unar, unrar, bsdtar or 7z
(Debian: ``apt-get install unar``); stored ones need none.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO
from unicodedata import normalize

import rarfile

from mep3m.errors import FormatError, UsageError
from mep3m.sources.encodings import is_chinese
from mep3m.store.filesystem import as_text
from mep3m.store.walk import listed

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".rar")
#: a name in a .zip file is UTF-8
_UTF8_FLAG = 0x800
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    rarfile.Error,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,
)


def is_archive(path: Path) -> bool:
    """Whether the name of a file says that it is an archive."""
    return path.name.lower().endswith(ENDINGS)


def archive_stem(path: Path) -> str:
    """Return the name of an archive without its ending ('1' of '1.rar')."""
    name = path.name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def find_archives(root: Path) -> list[Path]:
    """Return the archive itself, or all archives in a folder, sorted by name."""
    if root.is_file():
        return [root] if is_archive(root) else []
    return [path for path in listed(root) if path.is_file() and is_archive(path)]


def read_members(archive: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of every file in the archive, in its own order.

    Content stops at `limit` + 1 bytes, whatever size the archive claims. Links and folders are left out.

    Raises:
        FormatError: the archive is damaged.
        UsageError: a program that reads compressed .rar files is missing.
    """
    for name, file in _members(archive):
        with file:
            try:
                content = file.read(limit + 1)
            except ARCHIVE_ERRORS as error:
                raise FormatError(f"the archive {archive.name} is damaged at {name}: {error}") from error
        yield name.replace("\\", "/").removeprefix("./"), content


def wanted_members(archive: Path, wanted: Collection[str], limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield (reference, content) for the references that the archive holds, each once.

    A member matches when its path is the end of the reference's path, or the other way round; a bare
    file name matches only in the archive that is named like the reference's folder ('1.rar' and
    'Images/1/7.jpg').
    """
    stem = normalize("NFC", archive_stem(archive))
    lookup: dict[str, str] = {}
    for reference in wanted:
        for key in _endings(normalize("NFC", reference), stem):
            lookup.setdefault(key, reference)
    seen: set[str] = set()
    for name, content in read_members(archive, limit):
        steps = normalize("NFC", name).split("/")
        keys = ("/".join(steps[i:]) for i in range(len(steps)))
        match = next((lookup[key] for key in keys if key in lookup), None)
        if match is not None and match not in seen:
            seen.add(match)
            yield match, content
        if len(seen) == len(wanted):
            return


def candidates(archives: list[Path], reference: str) -> list[Path]:
    """Return the archives that can hold a reference: those named like one of its folders, else all."""
    steps = normalize("NFC", reference).replace("\\", "/").split("/")
    return [path for path in archives if normalize("NFC", archive_stem(path)) in steps] or archives


def _endings(reference: str, stem: str) -> list[str]:
    steps = reference.replace("\\", "/").removeprefix("./").split("/")
    endings = ["/".join(steps[i:]) for i in range(max(len(steps) - 1, 1))]
    if len(steps) > 1 and steps[-2] == stem:
        endings.append(steps[-1])
    return endings


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    name = archive.name.lower()
    read = _members_zip if name.endswith(".zip") else _members_rar if name.endswith(".rar") else _members_tar
    try:
        yield from read(archive)
    except rarfile.RarCannotExec as error:
        raise UsageError(
            f"{archive.name} is a compressed .rar file; install a program that "
            "reads them: apt-get install unar"
        ) from error
    except ARCHIVE_ERRORS as error:
        raise FormatError(f"the archive {archive.name} cannot be read: {error}") from error


def _members_zip(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as bundle:
        entries = [entry for entry in bundle.infolist() if not entry.is_dir()]
        encoding = zip_encoding(entries)
        for entry in entries:
            flagged = entry.flag_bits & _UTF8_FLAG or entry.filename.isascii()
            name = entry.filename if flagged else entry.filename.encode("cp437").decode(encoding, "replace")
            yield name, bundle.open(entry)


def zip_encoding(entries: Sequence[zipfile.ZipInfo]) -> str:
    """Return the encoding of names without the flag of UTF-8: it, GB18030, or as the format says cp437."""
    unflagged = [entry for entry in entries if not entry.flag_bits & _UTF8_FLAG]
    names = [entry.filename.encode("cp437") for entry in unflagged if not entry.filename.isascii()]
    try:
        b"".join(names).decode()
    except UnicodeDecodeError:
        return "gb18030" if is_chinese(names) else "cp437"
    return "utf-8"


def _members_rar(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with rarfile.RarFile(archive) as bundle:
        for entry in (entry for entry in bundle.infolist() if entry.is_file()):
            yield entry.filename, bundle.open(entry)


def _members_tar(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive, mode="r|*") as bundle:
        for member in (member for member in bundle if member.isreg()):
            file = bundle.extractfile(member)
            if file is not None:
                yield as_text(member.name), file

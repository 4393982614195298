"""The files below a folder that people put there: the one way in which folders are walked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: folders that operating systems and storage devices leave
_LEFT_BY_SYSTEMS = frozenset(
    {
        "__MACOSX",
        "@eaDir",
        "@__thumb",
        "@Recycle",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
    }
)


def is_hidden(name: str) -> bool:
    """Whether systems left a path beside the files of people: '.git', '._1.jpg', '__MACOSX', '@eaDir'."""
    steps = name.split("/")
    return any(step in _LEFT_BY_SYSTEMS or step.startswith(".") for step in steps)


def listed(folder: Path) -> list[Path]:
    """Return what lies in one folder, sorted by name, without what is hidden."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path.name))


def walk(root: Path) -> Iterator[Path]:
    """Yield the files below a folder; a link is entered where it stays below, else yielded itself.

    A link to one of the folders above it would never end and is left out, and so is what `is_hidden`.
    """
    top = os.path.realpath(root)
    for folder, names, files in os.walk(root, followlinks=True):
        here, entered = os.path.realpath(folder), []
        for name in (name for name in names if not is_hidden(name)):
            real = os.path.realpath(Path(folder, name))
            if not real.startswith(top + os.sep) and real != top:
                yield Path(folder, name)
            elif not (here + os.sep).startswith(real + os.sep):
                entered.append(name)
        names[:] = entered
        for path in (Path(folder, name) for name in files if not is_hidden(name)):
            if path.is_file():
                yield path

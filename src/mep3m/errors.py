"""Every error that mep3m raises on purpose.

Mep3mError                  anything below; the command line prints it without a traceback
├── UsageError              the caller asked for something that cannot be done (exit code 2)
│   ├── SettingsError       a setting or a project file is wrong
│   ├── MissingExtraError   an optional package is needed; the message is the install command
│   └── NotFoundError       a file, folder, column or name that does not exist
├── InputError              a whole input cannot be read (one bad row goes to quarantine instead)
│   ├── FormatError         the bytes are not in the format that was named
│   └── TaxonomyError       a category tree contradicts itself
├── StoreError              a store on disk is incomplete, foreign or damaged
└── ModelError              a classifier folder is damaged or does not fit the data
"""

from __future__ import annotations

import difflib
import errno
import importlib
import re
from collections.abc import Iterable
from types import ModuleType


class Mep3mError(Exception):
    """Base of every error raised on purpose; its message is meant for the person at the keyboard."""


class UsageError(Mep3mError):
    """The caller asked for something that cannot be done."""


class SettingsError(UsageError):
    """A setting or a project file is wrong."""


class MissingExtraError(UsageError):
    """An optional package is needed; the message is the install command."""


class NotFoundError(UsageError):
    """A file, folder, column or name that does not exist."""


class InputError(Mep3mError):
    """A whole input cannot be read. One bad row never raises this; it goes to quarantine."""


class FormatError(InputError):
    """The bytes are not in the format that was named."""


class TaxonomyError(InputError):
    """A category tree contradicts itself."""


class StoreError(Mep3mError):
    """A store on disk is incomplete, foreign or damaged."""


class ModelError(Mep3mError):
    """A classifier folder is damaged or does not fit the data."""


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """Return `` (did you mean 'x'? allowed: ...)`` for the end of a message about an unknown name."""
    names = sorted(allowed)
    near = difflib.get_close_matches(value, names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f" ({hint}allowed: {', '.join(names)})"


#: error numbers that say that the place is wrong, and what to do about it
_WRONG_PLACES = {
    errno.EACCES: "you may not read or write there; choose another place or ask for permission",
    errno.EPERM: "you may not read or write there; choose another place or ask for permission",
    errno.EROFS: "that file system is read-only; choose another place",
    errno.ENOENT: "it does not exist",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "it is a folder; name a file",
    errno.EEXIST: "it exists already, as a file; choose another name",
    errno.ENOTEMPTY: "the folder is not empty; choose another one",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}
_FULL = "no room is left; free some and run the same command again, what is done stays done"


def of_system(error: OSError) -> Mep3mError:
    """Return an error of the operating system as one whose message says what and where."""
    where = error.filename2 or error.filename
    said = error.strerror or str(error) or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Mep3mError(f"{where}: {_FULL}" if where else _FULL)
    known = _WRONG_PLACES.get(error.errno or 0)
    if known is None or where is None:
        return Mep3mError(f"{where}: {said}" if where else f"the operating system said: {said}")
    return UsageError(f"{where}: {known}")


def words_of(error: Exception, most: int = 200) -> str:
    """Return kind and message of another package's error, cut to `most` characters.

    The address of an object in it is left out: it is another in every run, and what is written into a
    store must not be.
    """
    return re.sub(r" ?<[^<>]* at 0x[0-9a-f]+>", "", f"{type(error).__name__}: {error}")[:most]


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package, or raise the command that installs it.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not module.startswith(error.name):
            raise
        message = f"'{module}' is not installed. Install it with: pip install 'mep3m[{extra}]'"
        raise MissingExtraError(message) from error

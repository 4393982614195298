"""API keys: who may ask for what, and how often. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from mep3m.errors import FormatError, NotFoundError, UsageError, did_you_mean
from mep3m.settings.base import Settings
from mep3m.store.json_files import read_json, write_json

#: assign: file products; review: decide for people; admin: everything
Scope = Literal["assign", "review", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_PREFIX = "mep3m_"


class ApiKey(Settings):
    """One key: its owner, what it opens, how many requests a minute it has, and the SHA-256 of the secret.

    The secret has 256 random bits: nobody can guess it from a hash, however fast the hash is.
    """

    name: str
    scopes: tuple[Scope, ...]
    per_minute: int | None = Field(default=None, ge=1)
    made: str
    hash: str

    def allows(self, scope: Scope) -> bool:
        """Whether the key opens what this scope is for."""
        return scope in self.scopes or "admin" in self.scopes


class KeyFile:
    """A JSON file of keys; a change of the file counts from the next request on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changed = -1
        self._by_hash: dict[str, ApiKey] = {}
        self._refresh()

    @property
    def keys(self) -> list[ApiKey]:
        """The keys as the file has them now."""
        self._refresh()
        return list(self._by_hash.values())

    def find(self, secret: str) -> ApiKey | None:
        """Return the key with this secret."""
        self._refresh()
        return self._by_hash.get(_hash(secret))

    def _refresh(self) -> None:
        try:
            changed = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            raise NotFoundError(f"{self.path} does not exist; make it with 'mep3m keys add'") from None
        if changed != self._changed:
            self._by_hash = {key.hash: key for key in read_keys(self.path)}
            self._changed = changed


def read_keys(path: Path) -> list[ApiKey]:
    """Return the keys of a file.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is not one of keys.
        SettingsError: a key is not as it should be.
    """
    value = read_json(path)
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list):
        raise FormatError(f"{path} holds no keys; 'mep3m keys add' writes such a file")
    return [ApiKey.parse(one, f"key {place + 1} of {path}") for place, one in enumerate(value["keys"])]


def add_key(path: Path, name: str, scopes: Iterable[str], per_minute: int | None = None) -> str:
    """Add a key to a file, which is made if it is not there, and return its secret, which is kept nowhere.

    Raises:
        UsageError: the name is taken, or a scope does not exist.
    """
    keys = read_keys(path) if path.exists() else []
    if any(key.name == name for key in keys):
        raise UsageError(f"{path} has a key named '{name}'; remove it first, or choose another name")
    wanted = tuple(dict.fromkeys(scopes))
    for scope in wanted:
        if scope not in SCOPES:
            raise UsageError(f"no scope '{scope}'{did_you_mean(scope, SCOPES)}")
    secret = _PREFIX + secrets.token_urlsafe(32)
    values = {
        "name": name,
        "scopes": wanted,
        "per_minute": per_minute,
        "made": date.today().isoformat(),
        "hash": _hash(secret),
    }
    _write(path, [*keys, ApiKey.parse(values, "the new key")])
    return secret


def remove_key(path: Path, name: str) -> None:
    """Take a key out of a file; who holds it is refused from the next request on.

    Raises:
        NotFoundError: there is no such key or file.
    """
    keys = read_keys(path)
    names = [key.name for key in keys]
    if name not in names:
        raise NotFoundError(f"{path} has no key '{name}'{did_you_mean(name, names)}")
    _write(path, [key for key in keys if key.name != name])


def _write(path: Path, keys: list[ApiKey]) -> None:
    write_json(path, {"keys": [key.model_dump() for key in keys]})
    path.chmod(0o600)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

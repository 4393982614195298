"""Ed25519 signatures of a promise, by keys that `openssl genpkey -algorithm ed25519` makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mep3m.errors import ModelError, NotFoundError, UsageError, require

EXTRA = "sign"
#: how the two files are made
HOW = "openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out public.pem"


def sign(text: str, key: Path) -> str:
    """Return the signature of a text in hex.

    Raises:
        MissingExtraError: the package that signs is not installed.
        UsageError: the file holds no private Ed25519 key without a password.
    """
    private = _load(key, "private")
    return str(private.sign(text.encode()).hex())


def verify(text: str, signature: Any, key: Path, where: Path) -> None:
    """Refuse a text that the owner of a public key has not signed; `where` is its file.

    Raises:
        MissingExtraError: the package that checks is not installed.
        UsageError: the file holds no public Ed25519 key.
        ModelError: there is no signature, or it is another's.
    """
    public = _load(key, "public")
    if signature is None:
        raise ModelError(f"{where} is not signed; sign it when it is made, with --sign KEY")
    invalid = require("cryptography.exceptions", EXTRA).InvalidSignature
    try:
        public.verify(bytes.fromhex(signature), text.encode())
    except (invalid, ValueError, TypeError):
        raise ModelError(f"the signature of {where} is not one of {key}; ask who made it") from None


def _load(path: Path, kind: str) -> Any:
    """Return the private or public key that a PEM file holds."""
    reading = require("cryptography.hazmat.primitives.serialization", EXTRA)
    ed25519 = require("cryptography.hazmat.primitives.asymmetric.ed25519", EXTRA)
    if not path.exists():
        raise NotFoundError(f"{path} does not exist; make keys with: {HOW}")
    try:
        key = (
            reading.load_pem_private_key(path.read_bytes(), None)
            if kind == "private"
            else reading.load_pem_public_key(path.read_bytes())
        )
    except (ValueError, TypeError, require("cryptography.exceptions", EXTRA).UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey if kind == "private" else ed25519.Ed25519PublicKey):
        raise UsageError(f"{path} holds no {kind} Ed25519 key (PEM, no password); make keys with: {HOW}")
    return key

"""A promise of precision: one file with the test that proves it, for what it holds, and until when."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from mep3m.assignment.run import Run
from mep3m.assignment.signature import sign, verify
from mep3m.errors import FormatError, ModelError
from mep3m.store.json_files import fingerprint, read_json, write_json

FORMAT = 1
#: what has to be true of the audited rows; nothing in them can show it
ASSUMPTION = (
    "The audited rows are a random sample of the products that will be filed, one of each duplicate group, "
    "labelled without error by people, and none of them was used to make the model. "
    "Products of another kind, from another platform or of a later time are not covered."
)


@dataclass(frozen=True)
class Promise:
    """With `confidence`, at least `precision` of what is filed at `threshold` is right.

    `errors` of the `filed` of `n` audited rows were wrong, which proves a precision of `bound`. A row is
    filed at the deepest node of its likely path that has a probability of `threshold`, if that lies at
    `min_level` or below; it is right where the node is the truth or above it. `model`, `taxonomy` and `audit`
    are fingerprints, `made` and `expires` dates (YYYY-MM-DD), `run` the folder of the model.
    `details` is what else the audit shows: it explains, and decides nothing.
    """

    threshold: float
    precision: float
    confidence: float
    min_level: int
    n: int
    filed: int
    errors: int
    bound: float
    model: str
    taxonomy: str
    audit: str
    made: str
    expires: str
    run: str
    assumption: str = ASSUMPTION
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """16 hex digits that change when anything of the promise does."""
        return fingerprint(asdict(self))

    def to_json(self) -> dict[str, Any]:
        """Return the promise as its file holds it, without a signature."""
        values = asdict(self)
        values["lambda"] = values.pop("threshold")
        coverage = self.filed / self.n if self.n else 0.0
        return {"format": FORMAT, "id": self.id, "coverage": coverage, **values}

    def save(self, path: Path, key: Path | None = None) -> None:
        """Write the promise, signed with an Ed25519 key (PEM) where one is given.

        Raises:
            MissingExtraError: there is a key, and the package that signs is not installed.
            UsageError: the file is no such key.
        """
        signature = {} if key is None else {"signature": sign(self.id, key)}
        write_json(path, self.to_json() | signature)

    @classmethod
    def load(cls, path: Path, key: Path | None = None) -> Promise:
        """Read a promise, and check its signature where a public key (PEM) is given.

        Raises:
            NotFoundError: there is no such file.
            FormatError: it is no promise.
            ModelError: it was changed after it was written, or its signature is not of this key.
        """
        value = read_json(path)
        names = [one.name for one in fields(cls)]
        try:
            if value["format"] != FORMAT:
                raise FormatError(
                    f"{path} has format {value['format']!r}, and {FORMAT} is read; make it again with "
                    "'mep3m guarantee'"
                )
            promise = cls(**{name: value["lambda" if name == "threshold" else name] for name in names})
            date.fromisoformat(promise.expires)
            written = value["id"]
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path} is no promise ({error!r}); 'mep3m guarantee' writes one") from None
        if promise.to_json() != {name: given for name, given in value.items() if name != "signature"}:
            raise ModelError(
                f"{path} was changed after it was written (it is {promise.id}, and says {written}); "
                "copy it again or make it again with 'mep3m guarantee'"
            )
        if key is not None:
            verify(promise.id, value.get("signature"), key, path)
        return promise

    @property
    def expired(self) -> bool:
        """Whether its last day has passed."""
        return date.today() > date.fromisoformat(self.expires)

    def require_fits(self, run: Run, where: Path) -> None:
        """Refuse a promise that says nothing about a run, or nothing any more; `where` is its file.

        Raises:
            ModelError: it was made for another model or another tree, or has expired.
        """
        again = "make one for this run with 'mep3m guarantee'"
        if run.version != self.model:
            raise ModelError(f"{where} was made for another model than {run.folder}; {again}")
        if run.classifier.tree.version != self.taxonomy:
            raise ModelError(
                f"{where} was made for another category tree (version {self.taxonomy}) than that of "
                f"{run.folder} (version {run.classifier.tree.version}); {again}, with the same --edits"
            )
        if self.expired:
            raise ModelError(f"{where} expired on {self.expires}; audit new rows and {again}")

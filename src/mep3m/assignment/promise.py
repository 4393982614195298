"""A promise of precision: one file with the test that proves it, for what it holds, and until when."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.assignment.parts import PromisePart, row_thresholds
from mep3m.assignment.run import Run
from mep3m.assignment.signature import sign, verify
from mep3m.errors import FormatError, ModelError
from mep3m.evaluation.promises.sets import SetThresholds
from mep3m.label_tree.likely_path import LikelyPaths
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.store.json_files import fingerprint, read_json, write_json

FORMAT = 2
#: what has to be true of the audited rows; nothing in them can show it
ASSUMPTION = (
    "The audited rows are a random sample of the products that will be filed, one of each duplicate group, "
    "labelled {labelled} by people, and none of them was used to make the model. "
    "Products of another kind, from another platform or of a later time are not covered."
)


def assumption(label_noise: float = 0.0, min_level: int = 1) -> str:
    """Return what a promise rests on, for audited labels of which so many are wrong."""
    labelled = "without error"
    if label_noise:
        labelled = (
            f"(at least {100 * label_noise:g} % of the labels name a wrong category of level {min_level}, as "
            "often where the model is right as where it is wrong)"
        )
    return ASSUMPTION.format(labelled=labelled)


@dataclass(frozen=True)
class Promise:
    """With `confidence`, at least `precision` of what is filed at `threshold` is right.

    `errors` of the `filed` of `n` audited rows were wrong, which proves a precision of `bound`. A row is
    filed at the deepest node of its likely path that has a probability of `threshold`, if that lies at
    `min_level` or below; it is right where the node is the truth or above it. `model`, `taxonomy` and `audit`
    are fingerprints, `made` and `expires` dates (YYYY-MM-DD), `run` the folder of the model.
    With `parts`, each branch is filed by its own threshold, and holds its own precision; `threshold` is then
    that of the branches without one. `bound` allows for a share `label_noise` of wrong labels, `errors` does
    not. `sets` make the prediction sets of products that are not filed. `learned` are the classes learned
    after training of which the audit has products: at others of them nothing is filed.
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
    assumption: str = field(default_factory=assumption)
    label_noise: float = 0.0
    parts: tuple[PromisePart, ...] = ()
    sets: SetThresholds | None = None
    learned: tuple[LabelPath, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @cached_property  # it is asked for with every answer that is read
    def id(self) -> str:
        """16 hex digits that change when anything of the promise does."""
        return fingerprint(self._values())

    def to_json(self) -> dict[str, Any]:
        """Return the promise as its file holds it, without a signature."""
        values = self._values()
        values["lambda"] = values.pop("threshold")
        values["parts"] = [part.to_json() for part in self.parts]
        coverage = self.filed / self.n if self.n else 0.0
        return {"format": FORMAT, "id": self.id, "coverage": coverage, **values}

    def _values(self) -> dict[str, Any]:
        """Return the fields; without learned classes as promises were before there were such."""
        values = asdict(self)
        learned = values.pop("learned")
        return values | ({"learned": [list(path) for path in learned]} if learned else {})

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
            given = {
                name: value["lambda" if name == "threshold" else name] for name in names if name != "learned"
            }
            given["learned"] = tuple(tuple(path) for path in value.get("learned", ()))
            given["parts"] = tuple(PromisePart.parse(one) for one in given["parts"])
            given["sets"] = None if given["sets"] is None else SetThresholds.parse(given["sets"])
            promise = cls(**given)
            date.fromisoformat(promise.expires)
            written = value["id"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(f"{path} is no promise ({error!r}); 'mep3m guarantee' writes one") from None
        if promise.to_json() != {name: given for name, given in value.items() if name != "signature"}:
            raise ModelError(
                f"{path} was changed after it was written (it is {promise.id}, and says {written}); "
                "copy it again or make it again with 'mep3m guarantee'"
            )
        if key is not None:
            verify(promise.id, value.get("signature"), key, path)
        return promise

    def thresholds(self, tree: LabelTree, paths: LikelyPaths) -> NDArray[np.float64]:
        """Return (N,) the probability from which each row is filed."""
        return row_thresholds(self.parts, self.threshold, tree, paths.nodes[:, 0])

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
        # after edits a promise goes on in the tree that it was tested on
        if self.taxonomy not in (run.classifier.tree.version, run.trained_tree.version):
            raise ModelError(
                f"{where} was made for another category tree (version {self.taxonomy}) than that of "
                f"{run.folder} (version {run.classifier.tree.version}); {again}, with the same --edits"
            )
        if self.expired:
            raise ModelError(f"{where} expired on {self.expires}; audit new rows and {again}")

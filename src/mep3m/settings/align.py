"""Settings of category alignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from mep3m.settings.base import Settings


class ContentSettings(Settings):
    """How S_content (equation 2) reads the titles of a category."""

    #: the terms that are counted; the paper counts words
    tokens: Literal["words", "characters", "ngrams"] = "words"
    #: length of the character n-grams when `tokens` is 'ngrams'
    ngram: int = Field(default=2, ge=1, le=8)
    #: count each term once and drop words of one character, as the cited simtext package does; the
    #: equation counts occurrences
    binary: bool = False
    #: characters of a category's joined titles that are read
    characters: int = Field(default=22_000, ge=1)


class PaperSettings(Settings):
    """The rule of section 3.2: equation 3 with its two thresholds."""

    label_threshold: float = Field(default=0.50, gt=0, le=1)
    #: `None`: the mean S_content of the identically named pairs, as the paper found its 0.75
    content_threshold: float | None = Field(default=None, ge=0, le=1)
    #: merge identical names whatever S_content says (Table 3 has such a pair, 0.705)
    identical_names: bool = True
    content: ContentSettings = ContentSettings()


class EvidenceSettings(Settings):
    """The proposer that combines every kind of evidence."""

    #: candidates compared for each category and each kind of similarity
    candidates: int = Field(default=10, ge=1, le=500)
    #: candidates kept per category for a person to review, beside the accepted one
    kept: int = Field(default=3, ge=0, le=50)
    #: the probability from which an equal pair is accepted
    accept: float = Field(default=0.5, gt=0, lt=1)
    #: the probability from which a narrower or broader one is
    accept_inner: float = Field(default=0.5, gt=0, lt=1)
    #: propose 'narrower' and 'broader' links too; without them every category has at most one link
    many_to_one: bool = True
    #: link a category without a link of its own below its parent's ('narrower'): 'auto' does so where
    #: one tree is plainly the finer one, see `mep3m.alignment.learned.proposer.entailed`
    inherit: Literal["auto", "always", "never"] = "auto"
    content: ContentSettings = ContentSettings()


class AlignSettings(Settings):
    """Which proposer runs, between which categories, and how."""

    method: Literal["evidence", "paper"] = "evidence"
    #: 'auto': compare only within a first-level class when a map is given or the names agree
    within_first_level: Literal["auto", "always", "never"] = "auto"
    paper: PaperSettings = PaperSettings()
    evidence: EvidenceSettings = EvidenceSettings()


class MergeSettings(Settings):
    """Settings of `mep3m align apply`.

    `join_inner` joins the inner categories (those with others below them) of different platforms that
    have the same name below the same parent; only a rejected row keeps two of them apart.
    `unreviewed = "accept"` also applies what the method accepted and no person has reviewed, as far as
    `precision` allows: of all rows, at least this share is expected to stand below no category of another
    platform that does not contain them. One such link must be at least `least_exact` or `least_inner`
    (narrower and broader) probable. `"skip"` applies what people accepted and nothing else. `allow_joins`
    lets a merge join two categories of one platform. `unmapped` says what happens to the labels of rows
    whose category is unmapped. `self_test` leaves every platform out once after a build, to see whether a
    classifier that learned from the others files its rows where the merge put them.
    """

    unreviewed: Literal["skip", "accept"] = "accept"
    precision: float = Field(default=0.98, ge=0.0, lt=1.0)
    least_exact: float = Field(default=0.8, ge=0.0, le=1.0)
    least_inner: float = Field(default=0.8, ge=0.0, le=1.0)
    allow_joins: bool = False
    join_inner: bool = True
    depth: int = Field(default=3, ge=1, le=8)
    unmapped: Literal["clear", "keep"] = "clear"
    self_test: bool = True

    @model_validator(mode="before")
    @classmethod
    def _one_probability(cls, values: Any) -> Any:
        """Take `accept_above` of an earlier version, one probability for every relation."""
        if not isinstance(values, Mapping) or "accept_above" not in values:
            return values
        rest = {key: value for key, value in values.items() if key != "accept_above"}
        return {"least_exact": values["accept_above"], "least_inner": values["accept_above"], **rest}

    def least(self, relation: str) -> float:
        """Return the probability from which on an unreviewed link of this relation may be applied."""
        return self.least_exact if relation == "exact" else self.least_inner

"""What the weights of the evidence method are trained on: the split of the real sets, and the worlds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from bench.alignment.data import Case, contest_jd, one_to_one, shopify_google, simulated, walmart_amazon
from bench.alignment.splits import few, split_shops
from mep3m.alignment.fitting.cases import LabelledCase
from mep3m.alignment.names.compare import plain
from mep3m.alignment.records import Entry, Relation

#: Shopify's branches that are trained on; the others given (bi, sg, vp, gc, me) are for validation
TRAIN_BRANCHES = ("ae", "ap", "co", "hg", "ma", "tg")
#: the contest's first levels that are kept for validation (296 of its 1,074 pairs)
VALID_TOPS = (
    "母婴用品/玩具乐器", "运动户外", "手机数码", "珠宝饰品", "医药保健", "宠物生活", "钟表礼品",
)  # fmt: skip
#: simulated worlds that are trained on: seed -> products, from one or two titles a category to hundreds
WORLDS = {
    100: 4000, 101: 400, 102: 12_000, 103: 800, 104: 4000, 105: 250, 106: 1600, 108: 6000,
    109: 500, 110: 300, 111: 2400, 112: 350, 113: 700, 114: 450, 115: 1000, 116: 300, 117: 600,
}  # fmt: skip
#: the worlds whose products have pictures
PICTURED = (101, 103, 105, 106, 110, 113, 115)
#: Walmart's categories whose name hashes below this share are trained on
TRAIN_SHARE = 0.6
#: parts that the tasks are cut into for out-of-fold scores; a group's name ends in its part
FOLDS = 3


def in_train(name: str) -> bool:
    """Return whether a Walmart category belongs to the training split."""
    return hashed(name) < TRAIN_SHARE


def hashed(name: str) -> float:
    """Return a number in [0, 1) that depends on the name alone."""
    return sum(map(ord, name)) * 2654435761 % 2**32 / 2**32


def train_part(case: Case, train: bool = True) -> Case:
    """Return the training (or the validation) part of a case, by its left categories."""
    if case.left.name == "shopify":
        return case.part(
            "train" if train else "valid", lambda e: (e.id.split("-")[0] in TRAIN_BRANCHES) == train
        )
    if case.left.name == "contest":
        return case.part("train" if train else "valid", lambda e: (e.path[0] not in VALID_TOPS) == train)
    return case.part("train" if train else "valid", lambda e: in_train(e.path[0]) == train)


def relations(case: Case) -> dict[tuple[str, str], Relation]:
    """Return each gold pair's relation; where the gold has none, the shallowest left is the equal one."""
    if case.relations:
        return cast("dict[tuple[str, str], Relation]", dict(case.relations))
    by_right: dict[str, list[str]] = defaultdict(list)
    for left, right in case.gold:
        if left in case.left and right in case.right:
            by_right[right].append(left)
    if case.left.name == "contest":
        return dict.fromkeys(case.gold, "exact")
    links: dict[tuple[str, str], Relation] = {}
    for right, lefts in by_right.items():
        lefts.sort(key=lambda key: (len(case.left[key].path), key))
        links |= {(left, right): "narrower" if k else "exact" for k, left in enumerate(lefts)}
    return links


def labelled(group: str, case: Case, weight: float = 1.0) -> LabelledCase:
    """Return the case as weights are fitted on it; the number that the group's name ends in is its fold."""
    return LabelledCase(
        case.name, case.left, case.right, relations(case), int(group.rsplit("-", 1)[1]), weight,
        family(case.name), case.unknown, only_equal="one-to-one" in case.name,
    )  # fmt: skip


def family(name: str) -> str:
    """Return the sets that a case stands for: contest, Walmart, a language, shops of a size, titles."""
    words = name.split()
    if words[0] == "titles":
        return "titles"
    if words[0] == "simulator":
        return f"simulator {'small' if int(words[3]) < 1000 else 'large'}"
    closed = " closed" if "closed" in words else ""
    return (f"shopify {words[1]}" if words[0] == "shopify-google" else words[0]) + closed


def _of_branch(branch: str, entry: Entry) -> bool:
    return _branch(entry.id) == branch


def _of_top(tops: Sequence[str], entry: Entry) -> bool:
    return entry.path[0] in tops


def _of_fold(fold: int, entry: Entry) -> bool:
    return int(hashed(entry.id) / TRAIN_SHARE * FOLDS) == fold


def training_cases() -> Iterator[LabelledCase]:
    """Yield the training cases: real names, and simulated shops with and without."""
    for group, case, weight in _training_cases():
        yield labelled(group, case, weight)


def _training_cases() -> Iterator[tuple[str, Case, float]]:
    for language in ("zh", "en", "both", "zh-en"):
        case = shopify_google(language)
        for fold, branch in enumerate(("hg", "ae", "rest")):
            part = train_part(case).part(branch, partial(_of_branch, branch))
            if language in ("zh", "en") or (language == "zh-en" and branch == "rest"):
                yield f"shopify-{fold}", part, 0.5
            yield f"shopify-{fold}", one_to_one(part), 0.5 if language in ("en", "zh-en") else 1.0
    contest = unlinked_twins(train_part(contest_jd()))
    tops = sorted({entry.path[0] for entry in contest.left})
    for fold in range(FOLDS):
        part = contest.part(str(fold), partial(_of_top, tops[fold::FOLDS]))
        yield f"contest-{fold}", part, 2.0
        yield f"contest-{fold}", part.closed(), 2.0
    for fold in range(FOLDS):
        part = train_part(walmart_amazon()).part(str(fold), partial(_of_fold, fold))
        yield f"walmart-{fold}", part, 2.0
        yield f"walmart-{fold}", few(part, fold), 1.0
    for seed, products in WORLDS.items():
        for n, case in enumerate(simulated(seed, products, pictures=seed in PICTURED)):
            stocked = case.stocked() if products < 4000 or seed % 2 else case
            yield f"sim-{seed % 3}", case if seed % 4 == 0 else stocked.without_english(), 1.5
            if seed % 4 == 1:
                yield f"sim-{seed % 3}", case.without_english().names_only(), 0.3
            if n == 0:
                yield f"sim-{seed % 3}", few(case.stocked().without_english(), seed), 1.0
    for k, case in enumerate(split_shops()):
        yield f"titles-{k % FOLDS}", case, 1.5
        if case.gold:
            yield from ((f"titles-{k % FOLDS}", few(case, draw), 1.0) for draw in (k, k + 2))


def unlinked_twins(case: Case) -> Case:
    """Return the case where a left category without gold is unknown if the right has its very names.

    48 of the contest's 184 classes without a link have the same two last names in JD's tree under
    another id: equal in truth, unlinked by hand.
    """
    linked = {pair[0] for pair in case.gold}
    names = {tuple(plain(name) for name in entry.path[-2:]) for entry in case.right}
    twins = {e.id for e in case.left if e.id not in linked and tuple(map(plain, e.path[-2:])) in names}
    return replace(case, unknown=case.unknown | twins)


def _branch(key: str) -> str:
    branch = key.split("-")[0]
    return branch if branch in ("hg", "ae") else "rest"

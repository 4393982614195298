"""Teach a run new classes from a few products: RUN and a table to RUN2, an ordinary run."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from mep3m import __version__
from mep3m.assignment import trained_on
from mep3m.assignment.reasons.examples import TrainingExamples
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset, join_gaps
from mep3m.dataset.reading import Opened
from mep3m.errors import UsageError
from mep3m.evaluation.card import training_counts
from mep3m.evaluation.increments import IncrementScores, right_answers, score_increment, true_nodes
from mep3m.label_tree.tree import LabelPath
from mep3m.models.classifier import Classifier
from mep3m.models.learned.extend import FORGET, ClassRows, ExtendedPart, bare, extended, parts_of
from mep3m.models.learned.heads import Method
from mep3m.models.learned.held_out import HeldOut
from mep3m.models.learned.statistics import ClassStatistics
from mep3m.recipes.learning.new_classes import NewClasses, find_new, labels_of
from mep3m.settings.base import Settings
from mep3m.sources.columns import product_table
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.json_files import fingerprint, read_json, write_json
from mep3m.store.layout import TAXONOMY
from mep3m.store.rejects import Reject

#: what a card says of the model before it learned, and would be wrong of it afterwards
_OF_BEFORE = ("filing_curve",)


class LearnSettings(Settings):
    """How new classes are learned, and how many products of each the seed draws (`None`: all).

    `method` is the head (`None`: `finetune` where there is a bound on what is forgotten, else `ridge`).
    `forget` is the share of products of trained classes that may go to learned ones, since training (`None`:
    `FORGET` where the run keeps held-out rows to measure it by, else no bound).
    """

    method: Method | None = None
    shots: int | None = None
    forget: float | None = Field(default=None, ge=0, le=1)
    seed: int = 0


@dataclass(frozen=True)
class Learned:
    """What was learned: the new classes with their rows, the images that could not be read, the scores.

    `history` has every increment of the run, this one last; `seconds` is what learning took, without tests.
    """

    run: Path
    classes: tuple[dict[str, Any], ...]
    scores: IncrementScores | None
    history: tuple[dict[str, Any], ...]
    rejects: tuple[Reject, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return what `mep3m learn --json` prints."""
        scores = {} if self.scores is None else self.scores.to_json()
        named = {name: scores.get(name) for name in ("old", "new", "all", "forgetting")}
        told = {"run": str(self.run), "seconds": self.seconds, "learned": list(self.classes)}
        return {
            **named,
            **scores,
            **told,
            "unreadable_images": len(self.rejects),
            "history": list(self.history),
        }


def learn_run(
    run: Run,
    new: Opened,
    out: Path,
    settings: LearnSettings | None = None,
    known: Opened | None = None,
    tests: Sequence[Opened] = (),
) -> Learned:
    """Write into `out` a run that also knows the classes of the new rows, and return what it learned.

    Its features stay as they are. `known` are rows of the classes that the run was trained on, for a run
    that keeps nothing of them. The folder appears whole or not at all.

    Raises:
        UsageError: `out` exists or lies in the run, the run keeps nothing of its training, or the rows cannot
            be learned from.
        StoreError: another process learns into `out`.
    """
    began, settings = time.perf_counter(), settings or LearnSettings()
    if out.exists():
        raise UsageError(f"{out} exists already; name another folder for the run with the new classes")
    if run.folder.resolve() in out.resolve().parents:
        raise UsageError(
            f"{out} lies inside {run.folder}, and a classifier in there is a part of that run; name a folder "
            "beside it"
        )
    found = find_new(run, new, settings.shots, settings.seed)
    test_rows = [(labels_of(run, one, found.taxonomy), one) for one in tests]
    rows = ClassRows(found.dataset.products, new.images, found.paths, found.classes)
    parts = {name: _knowing(run, name, part, rows, known) for name, part in parts_of(run.classifier).items()}
    bound = _bound(run, parts, settings)
    method = settings.method or ("ridge" if bound is None else "finetune")
    least, forget = settings.shots or 1, FORGET if bound is None else bound
    classifier, rejects = extended(run.classifier, parts, rows, found.tree, method, least, forget)
    seconds = round(time.perf_counter() - began, 2)
    classes = _described(found, classifier)
    history = [*read_json(run.folder / "run.json").get("learned", ())]
    scores = _scores(run.classifier, classifier, history, found, test_rows) if tests else None
    increment = {"increment": len(history) + 1, "method": method, "classes": classes}
    history.append(increment | {"forget": bound, "scores": None if scores is None else scores.to_json()})
    with _appearing(out) as folder:
        _write(run, found, new, classifier, history, settings, folder)
        write_json(folder / "timings.json", {"seconds": seconds})
    return Learned(out, tuple(classes), scores, tuple(history), tuple(rejects), seconds)


def _bound(run: Run, parts: Mapping[str, ExtendedPart], settings: LearnSettings) -> float | None:
    """Return the share that trained classes may lose, `None` where nothing tells what they lose."""
    if all(part.held is not None for part in parts.values()):
        return FORGET if settings.forget is None else settings.forget
    if settings.forget is not None:
        raise UsageError(
            f"{run.folder} keeps no held-out rows, so that nothing tells how much it forgets (only linear "
            "models of text keep such, and an earlier version kept none): train it again with "
            "'mep3m train', or leave --forget out"
        )
    return None


def _knowing(run: Run, name: str, part: ExtendedPart, new: ClassRows, known: Opened | None) -> ExtendedPart:
    """Return a part of the run with what it keeps of the classes that it was trained on."""
    if part.kept is not None:
        return part
    part = replace(part, held=HeldOut.load(run.folder / name))
    kept = ClassStatistics.load(run.folder / name)
    if kept is not None:
        return replace(part, kept=kept)
    tree = run.classifier.tree
    leaves = {tree.paths[node]: place for place, node in enumerate(tree.leaves.tolist())}
    examples = run.examples if part.base.reads[0] == "title" else None
    if known is not None:
        dataset = labels_of(run, known, run.taxonomy)
        products, images, paths = dataset.products, known.images, join_gaps(dataset.cells, tree.paths)
    elif examples is not None and not hasattr(part.base, "predict_encoded"):
        titles = pa.array(examples.titles, pa.string())
        products = product_table({"source": titles, "source_id": titles, "title": titles}, len(titles))
        images, paths = None, [*examples.paths]
    else:
        raise UsageError(
            f"{run.folder} keeps nothing of the products that it was trained on (its encoder was trained "
            "too, or an earlier version trained it): name rows of its classes with --known, or train it again"
        )
    places = np.array([leaves.get(path, -1) for path in paths], dtype=np.int64)
    if not (places >= 0).any():
        raise UsageError("none of the known products (--known) has a class of the run as its label")
    return part.knowing(ClassRows(products, images, [*leaves], places), new)


def _described(found: NewClasses, classifier: Classifier) -> list[dict[str, Any]]:
    """Return the id, the path and the rows of each new class; a row that shows no part anything is none."""
    counts: Counter[LabelPath] = Counter()
    for part in parts_of(classifier).values():
        assert part.kept is not None  # it has just learned
        counts |= Counter(dict(zip(part.kept.paths, part.kept.counts.astype(int).tolist(), strict=True)))
    return [{"id": path[-1], "path": list(path), "rows": counts[path]} for path in found.paths]


def _scores(
    before: Classifier,
    now: Classifier,
    history: Sequence[dict[str, Any]],
    found: NewClasses,
    tests: Sequence[tuple[Dataset, Opened]],
) -> IncrementScores:
    """Return what the increment did to test products."""
    last = len(history) + 1
    brought: dict[LabelPath, int] = dict.fromkeys(found.paths, last)
    for one in history:
        brought |= {tuple(each["path"]): one["increment"] for each in one["classes"]}
    trained, columns = bare(before), []
    for dataset, opened in tests:
        rows = dataset.with_any_label()
        nodes = true_nodes(found.tree, rows)
        paths = [found.tree.paths[node] if node >= 0 else () for node in nodes.tolist()]
        born = np.array([brought.get(path, 0) if path else -1 for path in paths], dtype=np.int64)
        then = right_answers(before, rows, opened.images)
        first = then if trained is before else right_answers(trained, rows, opened.images)
        columns.append((born, right_answers(now, rows, opened.images), then, first))
    return score_increment(last, *(np.concatenate(column) for column in zip(*columns, strict=True)))


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that takes its name in the end; what a killed process left is cleared."""
    half = out.with_name(f".{out.name}.learning")
    with exclusive_lock(half):
        for old in half.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        try:
            yield half
            half.rename(out)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise


def _write(
    run: Run,
    found: NewClasses,
    new: Opened,
    classifier: Classifier,
    history: Sequence[dict[str, Any]],
    settings: LearnSettings,
    folder: Path,
) -> None:
    """Write everything that a run has; `run.json` comes last."""
    classifier.save(folder)
    if found.taxonomy is not None:
        found.taxonomy.save(folder / TAXONOMY)
    products = found.dataset.products
    trained_on.save_more(folder, run.folder, products, new.images)
    paths = [found.paths[place] for place in found.classes]
    mine = TrainingExamples.draw(products, paths, settings.seed) if "title" in classifier.reads else None
    if run.examples is not None and mine is not None:
        run.examples.with_more(mine).save(folder)
    card = read_json(run.folder / "card.json") if (run.folder / "card.json").exists() else {}
    card = {name: value for name, value in card.items() if name not in _OF_BEFORE}
    if not run.learned and "measured_on" in card:
        card["measured_on"] += ", before classes were learned"
    write_json(folder / "card.json", card | {"learned": history})
    counts = [Counter(level) for level in run.counts]
    for level, more in zip(counts, training_counts(found.tree, Dataset(products, tuple(paths))), strict=True):
        level.update(more)
    saved = read_json(run.folder / "run.json")
    changed = {
        "mep3m": __version__,
        "made_from": {"run": run.version, "data": fingerprint([found.dataset.ids, paths])},
        "taxonomy": found.taxonomy.version if found.taxonomy else None,
        "classes": [len(found.tree.names(level)[0]) for level in range(1, found.tree.depth + 1)],
        "counts": counts,
        "learned": history,
    }
    write_json(folder / "run.json", saved | changed)

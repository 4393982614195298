"""The page of a metric card: scores with their intervals, class sizes, calibration, mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mep3m.report import charts
from mep3m.report.page import Section, picture, render, table, write_page
from mep3m.taxonomy import Taxonomy, name_of

#: as many decimals in every row of a column
SCORE = "%.4f"
SCORES = {
    "level": "level",
    "n": "test products",
    "classes": "classes",
    "known_classes": "known to the model",
    "top1": "Top-1",
    "top5": "Top-5",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "ap_macro": "macro AP",
    "unseen": "of unseen classes",
}


#: thresholds of the table, and classes of a table at most
_SHOWN, _CLASSES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999), 60
#: the scores that have intervals and a leakage
HEADLINE = {"top1": "Top-1", "macro_f1": "macro F1"}


def report_card(
    card: Mapping[str, Any],
    path: Path,
    taxonomy: Taxonomy | None = None,
    about: Mapping[str, str] | None = None,
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Write the page of a card that `evaluation.card.metric_card` made; `taxonomy` gives names to ids.

    `about` says what model and what data it is about; `pictures` are JPEGs of products by their `row`.
    """
    sections = [
        *([how_often_right(card)] if card.get("filing_curve") else []),
        scores(card, note="On the labelled rows of the table that was evaluated."),
        intervals(card),
        by_training_rows(card, taxonomy),
        buckets(card),
        *([platforms(card)] if any(len(row["platforms"]) > 1 for row in card["levels"]) else []),
        calibration(card),
        precisions(card, taxonomy),
        mistakes(card, taxonomy),
        examples(card, taxonomy, pictures or {}),
    ]
    sections += [leakage(card["leakage"])] if "leakage" in card else []
    sections += [weights(card["weights"])] if "weights" in card else []
    sections += [training(card)] if {"remarks", "choices"} & card.keys() else []
    named = about or {}
    if named:
        sections.insert(0, Section("Model and data", table([named])))
    facts = {"rows": card.get("rows"), "interval": card["averaging"]["interval"]}
    write_page(path, f"Metric card of {named['model']}" if named else "Metric card", sections, facts)


def how_often_right(card: Mapping[str, Any]) -> Section:
    """The operating curve: how often filing is right, and how much is filed, at each threshold."""
    points = card["filing_curve"]
    drawn = [
        (
            100 * point["filed"] / point["n"],
            100 * point["precision"]["value"],
            (100 * point["precision"]["low"], 100 * point["precision"]["high"]),
            f"threshold {point['threshold']:g}",
        )
        for point in points
    ]
    shown = [point for point in points if point["threshold"] in _SHOWN]
    rows = [
        {
            "threshold": f"{point['threshold']:g}",
            "filed of 100": f"{100 * point['filed'] / point['n']:.1f}",
            "right of 100 filed": f"{100 * point['precision']['value']:.1f}",
            "from": f"{100 * point['precision']['low']:.1f}",
            "to": f"{100 * point['precision']['high']:.1f}",
            "wrong of 100 products": f"{100 * (point['filed'] - point['right']) / point['n']:.1f}",
        }
        for point in shown
    ]
    note = (
        f"On {points[0]['n']:,} products: what is filed where the most probable full path has at least the "
        "threshold's probability, and how often that is right (with its interval of 95 %). A threshold that "
        "is chosen here is an estimate; 'mep3m guarantee' proves one."
    )
    html = charts.band(drawn, "filed of 100 products", "right of 100 filed") + table(rows)
    return Section("How often is it right?", html, note)


def precisions(card: Mapping[str, Any], taxonomy: Taxonomy | None) -> Section:
    """How often each class is right where it is the answer, the least certain first."""
    level = max(card["levels"], key=lambda row: len(row["classes_by_training_rows"]))
    told = [row for row in level["classes_by_training_rows"] if row.get("precision")]
    told.sort(key=lambda row: (row["precision"]["low"], row["name"]))
    rows = [
        {
            "class": name_of(row["name"], taxonomy),
            "answers": row["answered"],
            "right": row["precision"]["value"],
            "from": row["precision"]["low"],
            "to": row["precision"]["high"],
            "training products": row["training_rows"],
        }
        for row in told[:_CLASSES]
    ]
    more = f" The {_CLASSES} with the lowest lower end of {len(told):,}." if len(told) > _CLASSES else ""
    note = (
        f"Of the products that got a class of level {level['level']} as their answer, the share that is "
        f"right, with its exact interval of 95 % (one in twenty lies outside its own).{more}"
    )
    return Section("Precision by class", table(rows, form=SCORE), note)


def examples(card: Mapping[str, Any], taxonomy: Taxonomy | None, pictures: Mapping[str, bytes]) -> Section:
    """Products with a wrong answer that the model was sure of, with their pictures where there are any."""
    shown = [
        {
            "picture": pictures.get(one["row"]),
            "title": one["title"] or one["id"],
            "answer": name_of(one["answer"], taxonomy),
            "truth": name_of(one["truth"], taxonomy),
            "probability": one["probability"],
        }
        for one in card["levels"][-1]["mistakes"].get("examples", ())
    ]
    cards = [one | {"picture": one["picture"] and Markup(picture(one["picture"]))} for one in shown]
    html = render("mistakes.html", products=cards) if cards else "<p>none</p>"
    note = "The wrong answers that the model is surest of; the label may be the odd one."
    return Section("Mistaken products", html, note)


def scores(card: Mapping[str, Any], note: str) -> Section:
    """The scores of every level; `note` says on which products."""
    levels = [{key: row.get(key) for key in SCORES} for row in card["levels"]]
    top = {f"level {row['level']}": row["top1"] for row in card["levels"]}
    html = table(levels, SCORES, SCORE) + charts.horizontal_bars(top, "Top-1 on test products")
    return Section("Classifier", html, note)


def intervals(card: Mapping[str, Any]) -> Section:
    """The 95 % intervals of Top-1 and macro F1."""
    rows = [
        {
            "level": row["level"],
            "score": HEADLINE[key],
            "value": interval["value"],
            "from": interval["low"],
            "to": interval["high"],
        }
        for row in card["levels"]
        for key, interval in row["intervals"].items()
    ]
    note = (
        "How far a score on this many products can be trusted: 95 %, products taken as independent of each "
        "other. Macro F1 is that of the classes that occur here; where they have few products each, its "
        "interval reaches further up, because the F1 of few products is too low in the mean."
    )
    return Section("Intervals", table(rows, form=SCORE), note)


def weights(used: Sequence[Mapping[str, Any]]) -> Section:
    """What each image network began with: whose weights, their hash and licence, its colours."""
    partly = any("trained" in one for one in used)
    rows = [
        {
            "network": one["backbone"],
            "weights": one["source"] or "none: from scratch",
            "licence": (one.get("licence") or "not known") if one["source"] else "–",
            "hash": one.get("hash") or "–",
            "normalisation": f"mean {_colours(one['mean'])}, deviation {_colours(one['std'])}",
            "pixels": one["pixels"],
            **({"last stages trained": one.get("trained", "–")} if partly else {}),
        }
        for one in used
    ]
    note = "What the image network had learned before it saw these products. The same stands in run.json."
    return Section("Pre-trained weights", table(rows, stack=True), note)


def _colours(values: Sequence[float] | None) -> str:
    return " ".join(f"{value:g}" for value in values) if values else "of ImageNet"


def training(card: Mapping[str, Any]) -> Section:
    """What to know about the training, and what it chose where it follows the paper."""
    rows = [{"about the training": line} for line in card.get("remarks", ())]
    rows += [{"about the training": f"ours, not the paper's: {line}"} for line in card.get("choices", ())]
    return Section("Training", table(rows))


def by_training_rows(card: Mapping[str, Any], taxonomy: Taxonomy | None) -> Section:
    """Accuracy of every class against its training samples (Fig 8), of the level with most classes."""
    level = max(card["levels"], key=lambda row: len(row["classes_by_training_rows"]))
    points = [
        {"x": row["training_rows"], "y": row["accuracy"], "name": name_of(row["name"], taxonomy)}
        for row in level["classes_by_training_rows"]
        if row["training_rows"]
    ]
    html = charts.scatter(points, "training samples of the class", "accuracy on test products", log_x=True)
    return Section(
        "Accuracy by class size", html, f"Each point is a class of level {level['level']} (Fig 8)."
    )


def buckets(card: Mapping[str, Any]) -> Section:
    """The scores of large and small classes apart."""
    html = _scores_by(
        card, "buckets", "training samples", lambda part: _bounds(*part["training_rows"]), ("classes",)
    )
    return Section("Scores by class size", html)


def _bounds(low: int, high: int | None) -> str:
    if high is None:
        return f"{low:,} and more"
    return "none (unseen)" if high == 1 else f"{low:,} to {high - 1:,}"


def platforms(card: Mapping[str, Any]) -> Section:
    """The scores of each platform, at every level."""
    html = _scores_by(card, "platforms", "platform", lambda part: str(part["platform"]))
    return Section("Scores by platform", html)


def _scores_by(
    card: Mapping[str, Any],
    key: str,
    heading: str,
    name: Callable[[Mapping[str, Any]], str],
    more: tuple[str, ...] = (),
) -> str:
    """Return a table of the parts of each level under `key`: name, whatever is in `more`, and scores."""
    rows = [
        {
            "level": row["level"],
            heading: name(part),
            **{field: part[field] for field in more},
            "test products": part["n"],
            "Top-1": part["top1"],
            "macro F1": part["macro_f1"],
        }
        for row in card["levels"]
        for part in row[key]
    ]
    return table(rows, form=SCORE)


def leakage(measured: Mapping[str, Any]) -> Section:
    """What `train --leakage` measured: random splits beside splits that keep duplicates on one side."""
    rows = [
        {
            "level": row["level"],
            "score": name,
            "random split": row["random"][key]["mean"],
            "duplicates on one side": row["grouped"][key]["mean"],
            "difference": row["difference"][key]["mean"],
            "sd of the difference": row["difference"][key]["sd"],
        }
        for row in measured["levels"]
        for key, name in HEADLINE.items()
    ]
    note = (
        f"Measured in training on {measured['splits']} splits of each kind. {measured['shared']:.1%} of the "
        "test products of a random split have a duplicate among those that were learned."
    )
    return Section("Leakage", table(rows, form=SCORE), note)


def calibration(card: Mapping[str, Any]) -> Section:
    """How often the classifier is right against how sure it says it is."""
    series = {
        f"level {row['level']} (ECE {row['calibration']['ece']:.3f})": [
            (bar["confidence"], bar["accuracy"], bar["n"]) for bar in row["calibration"]["reliability"]
        ]
        for row in card["levels"]
    }
    html = charts.reliability(series, "said probability", "share right")
    note = "On the test products, in bins of the probability of the answer; a larger mark stands for more."
    return Section("Calibration", html, note)


def mistakes(card: Mapping[str, Any], taxonomy: Taxonomy | None) -> Section:
    """How many mistakes are siblings of the truth, and the most frequent ones."""
    tree = len(card["levels"]) > 1
    counts = [
        {
            "level": row["level"],
            "test products": row["n"],
            "wrong": row["mistakes"]["wrong"],
            **(
                {"siblings": row["mistakes"]["siblings"], "cross-parent": row["mistakes"]["cross_parent"]}
                if tree
                else {}
            ),
        }
        for row in card["levels"]
    ]
    pairs = [
        {
            "level": row["level"],
            "truth": name_of(pair["truth"], taxonomy),
            "answer": name_of(pair["answer"], taxonomy),
            "products": pair["n"],
            **({"siblings": "yes" if pair["siblings"] else "no"} if tree else {}),
        }
        for row in card["levels"]
        for pair in row["mistakes"]["most_frequent"][:10]
    ]
    html = table(counts) + "<h3>The most frequent</h3>" + table(pairs)
    note = "Siblings have the same parent as the truth; cross-parent answers have another." if tree else ""
    return Section("Mistakes", html, note)

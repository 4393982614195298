"""Every limit of every setting: the value at the edge is taken, the one beyond it is refused by name."""

from typing import Any

import pytest

from mep3m.errors import SettingsError
from mep3m.settings import Settings
from mep3m.settings.align import (
    AlignSettings,
    ContentSettings,
    EvidenceSettings,
    MergeSettings,
    PaperSettings,
)
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.linear import LinearSettings
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.settings.quality import QualitySettings
from mep3m.settings.run import RunSettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.settings.sources import Columns, FetchSettings, ImageLimits, SourceEntry
from mep3m.settings.training import TrainingSettings

EVERY: list[type[Settings]] = [
    AlignSettings, ContentSettings, EvidenceSettings, PaperSettings, DedupeSettings, LinearSettings,
    MergeSettings, ImageSettings, NetworkSettings, TextSettings, OcrSettings, PoolSettings,
    QualitySettings, RunSettings, SimulatorSettings, Columns, FetchSettings, ImageLimits,
    TrainingSettings,
]  # fmt: skip

#: settings, name, values at the edges, values beyond them
LIMITS: list[tuple[type[Settings], str, list[Any], list[Any]]] = [
    (ContentSettings, "ngram", [1, 8], [0, 9]),
    (ContentSettings, "characters", [1], [0]),
    (PaperSettings, "label_threshold", [0.01, 1], [0, 1.01]),
    (PaperSettings, "content_threshold", [None, 0, 1], [-0.1, 1.1]),
    (EvidenceSettings, "candidates", [1, 500], [0, 501]),
    (EvidenceSettings, "kept", [0, 50], [-1, 51]),
    (EvidenceSettings, "accept", [0.01, 0.99], [0, 1]),
    (DedupeSettings, "near_title", [None, 0.01, 1], [0, 1.01]),
    (DedupeSettings, "image_distance", [None, 0, 8], [-1, 9]),
    (DedupeSettings, "image_title", [0, 1], [-0.01, 1.01]),
    (DedupeSettings, "common_image", [2], [1]),
    (DedupeSettings, "chain", [2], [1]),
    (LinearSettings, "min_ngram", [1], [0]),
    (LinearSettings, "max_ngram", [1, 8], [0, 9]),
    (LinearSettings, "word_ngrams", [0, 2], [-1, 3]),
    (LinearSettings, "hash_bits", [10, 28], [9, 29]),
    (LinearSettings, "epochs", [1], [0]),
    (LinearSettings, "learning_rate", [0.001], [0]),
    (MergeSettings, "precision", [0, 0.999], [-0.1, 1]),
    (MergeSettings, "least_exact", [0, 1], [-0.1, 1.1]),
    (MergeSettings, "least_inner", [0, 1], [-0.1, 1.1]),
    (MergeSettings, "depth", [1, 8], [0, 9]),
    (ImageSettings, "pixels", [16], [15]),
    (NetworkSettings, "rank", [1], [0]),
    (NetworkSettings, "dropout", [0, 0.99], [-0.1, 1]),
    (NetworkSettings, "modality_dropout", [0, 0.99], [-0.1, 1]),
    (TextSettings, "max_tokens", [1], [0]),
    (TextSettings, "vocabulary", [1], [0]),
    (OcrSettings, "detector_side", [64, 4096], [63, 4097]),
    (OcrSettings, "detector_min_side", [32, 4096], [31, 4097]),
    (OcrSettings, "min_confidence", [0, 1], [-0.1, 1.1]),
    (OcrSettings, "single_confidence", [0, 1], [-0.1, 1.1]),
    (PoolSettings, "workers", [0, 1024], [-1, 1025]),
    (PoolSettings, "seconds_per_image", [0.1], [0]),
    (PoolSettings, "images_per_process", [1], [0]),
    (PoolSettings, "process_memory_mb", [64], [63]),
    (PoolSettings, "group", [1, 1024], [0, 1025]),
    (PoolSettings, "max_megapixels", [0.1], [0]),
    (QualitySettings, "max_pixels", [1], [0]),
    (QualitySettings, "min_side", [None, 1], [0]),
    (QualitySettings, "max_aspect", [None, 1], [0.99]),
    (QualitySettings, "min_contrast", [None, 0.1], [0]),
    (QualitySettings, "min_sharpness", [None, 0.1], [0]),
    (QualitySettings, "min_title", [None, 1], [0]),
    (QualitySettings, "max_title", [None, 1], [0]),
    (QualitySettings, "foreign_share", [0, 1], [-0.1, 1.1]),
    (RunSettings, "level", [None, 1], [0]),
    (RunSettings, "valid_share", [0.01, 0.89], [0, 0.9]),
    (SimulatorSettings, "products", [1, 20_000_000], [0, 20_000_001]),
    (SimulatorSettings, "platforms", [2, 6], [1, 7]),
    (SimulatorSettings, "seed", [0], [-1]),
    (SimulatorSettings, "categories", [None, 4], [3]),
    (SimulatorSettings, "text", [0, 1], [-0.1, 1.1]),
    (SimulatorSettings, "duplicates", [0, 0.6], [-0.1, 0.61]),
    (SimulatorSettings, "noise", [0, 0.5], [-0.1, 0.51]),
    (SimulatorSettings, "defects", [0, 0.3], [-0.1, 0.31]),
    (SimulatorSettings, "tail", [0, 2], [-0.1, 2.1]),
    (FetchSettings, "concurrency", [1, 1000], [0, 1001]),
    (FetchSettings, "per_host", [1, 1000], [0, 1001]),
    (FetchSettings, "attempts", [1, 20], [0, 21]),
    (FetchSettings, "timeout", [0.1], [0]),
    (FetchSettings, "backoff", [0], [-1]),
    (FetchSettings, "redirects", [0, 20], [-1, 21]),
    (ImageLimits, "max_bytes", [1], [0]),
    (ImageLimits, "max_pixels", [1], [0]),
    (Columns, "separator", [">", " / "], [""]),
    (TrainingSettings, "learning_rate", [1e-9], [0]),
    (TrainingSettings, "batch", [2], [1]),
    (TrainingSettings, "accumulate", [1], [0]),
    (TrainingSettings, "label_smoothing", [0, 0.99], [-0.1, 1]),
    (TrainingSettings, "crop", [0.01, 1], [0, 1.1]),
    (TrainingSettings, "average", [None, 0.5], [0, 1]),
    (TrainingSettings, "patience", [None, 1], [0]),
    (TrainingSettings, "validation", [0, 0.89], [-0.1, 0.9]),
]

#: settings, name of a choice, its words
CHOICES: list[tuple[type[Settings], str, tuple[str, ...]]] = [
    (ContentSettings, "tokens", ("words", "characters", "ngrams")),
    (EvidenceSettings, "inherit", ("auto", "always", "never")),
    (AlignSettings, "method", ("evidence", "paper")),
    (AlignSettings, "within_first_level", ("auto", "always", "never")),
    (MergeSettings, "unreviewed", ("skip", "accept")),
    (MergeSettings, "unmapped", ("clear", "keep")),
    (NetworkSettings, "fusion", ("concatenation", "tensor", "low_rank")),
    (NetworkSettings, "hierarchy", ("flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine")),
    (TextSettings, "encoder", ("lstm", "bilstm", "bert")),
    (TextSettings, "tokeniser", ("words", "characters", "whitespace")),
    (OcrSettings, "engine", ("openvino", "onnxruntime")),
    (OcrSettings, "clean", ("paper", "spaces", "none")),
    (RunSettings, "hierarchy", ("auto", "flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine")),
    (RunSettings, "modality", ("text", "image", "image+text")),
    (RunSettings, "split", ("grouped", "random", "stratified", "platform")),
    (TrainingSettings, "optimiser", ("adam", "adamw", "sgd")),
    (TrainingSettings, "schedule", ("one_cycle", "cosine", "halving", "constant")),
    (TrainingSettings, "precision", ("auto", "float32", "bf16", "fp16")),
]


def words(case: Any) -> str:
    return case.__name__ if isinstance(case, type) else str(case) if isinstance(case, str) else ""


@pytest.mark.parametrize(("kind", "name", "edges", "beyond"), LIMITS, ids=words)
def test_a_limit_holds_on_both_sides(
    kind: type[Settings], name: str, edges: list[Any], beyond: list[Any]
) -> None:
    base = {"min_ngram": 1} if name == "max_ngram" else {}
    for value in edges:
        assert getattr(kind.parse({**base, name: value}, "x"), name) == value
    for value in beyond:
        with pytest.raises(SettingsError) as caught:
            kind.parse({**base, name: value}, "shop.toml [part]")
        assert str(caught.value).startswith(f"shop.toml [part]: {name} = {value!r} is not allowed: ")


@pytest.mark.parametrize(("kind", "name", "allowed"), CHOICES, ids=words)
def test_a_choice_takes_its_words_and_lists_them(
    kind: type[Settings], name: str, allowed: tuple[str, ...]
) -> None:
    for word in allowed:
        assert getattr(kind.parse({name: word}, "x"), name) == word
    with pytest.raises(SettingsError) as caught:
        kind.parse({name: "nonsense"}, "x")
    assert "'nonsense' is not allowed" in str(caught.value)
    assert all(f"'{word}'" in str(caught.value) for word in allowed)


@pytest.mark.parametrize("kind", EVERY, ids=words)
def test_defaults_are_whole_frozen_and_come_back_from_json(kind: type[Settings]) -> None:
    made = kind()
    assert kind.parse(made.model_dump(mode="json"), "x") == made
    name = next(iter(kind.model_fields))
    with pytest.raises(ValueError, match="frozen"):
        setattr(made, name, getattr(made, name))


@pytest.mark.parametrize("kind", EVERY, ids=words)
def test_a_misspelt_name_is_an_error_that_names_the_right_one(kind: type[Settings]) -> None:
    name = max(kind.model_fields, key=len)
    misspelt = name[:-1] + "x" + name[-1]
    with pytest.raises(SettingsError, match=rf"unknown setting '{misspelt}' \(did you mean '{name}'\?"):
        kind.parse({misspelt: 1}, "x")


@pytest.mark.parametrize("kind", EVERY, ids=words)
def test_no_setting_can_be_a_mapping_of_nonsense(kind: type[Settings]) -> None:
    for name, field in kind.model_fields.items():
        if "dict" in str(field.annotation):
            continue
        with pytest.raises(SettingsError, match=f"'?{name}"):
            kind.parse({name: {"no": {"such": "thing"}}}, "x")


def test_labels_are_columns_or_a_path_never_both() -> None:
    with pytest.raises(SettingsError, match="not both"):
        Columns.parse({"labels": ["a"], "path": "b"}, "x")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"id": "sku", "title": "t"}, ["sku", "t"]),
        ({"id": "t", "title": "t"}, ["t"]),
        ({"labels": ("l1", "l2"), "platform": "shop", "ocr": "text"}, ["text", "l1", "l2", "shop"]),
        ({"path": "p", "image": "i"}, ["i", "p"]),
    ],
)
def test_the_columns_that_a_table_must_have(given: dict[str, Any], expected: list[str]) -> None:
    assert Columns.parse(given, "x").names() == expected


def test_n_grams_run_from_short_to_long() -> None:
    with pytest.raises(SettingsError, match=r"'min_ngram' \(4\) must not be larger than 'max_ngram' \(3\)"):
        LinearSettings.parse({"min_ngram": 4}, "x")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, ()),
        ({"title": {}}, ("title",)),
        ({"ocr": {}, "image": {}}, ("image", "ocr")),
        ({"title": {}, "ocr": {}, "image": {}}, ("image", "title", "ocr")),
    ],
)
def test_modalities_have_one_order(parts: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert NetworkSettings.parse(parts, "x").modalities == expected


@pytest.mark.parametrize(
    ("rows", "epochs"), [(0, 80), (1, 80), (1_250, 80), (2_500, 40), (10_000, 10), (10**7, 10)]
)
def test_small_tables_are_seen_more_often(rows: int, epochs: int) -> None:
    assert TrainingSettings(samples=100_000).epochs_for(rows) == epochs
    assert TrainingSettings(epochs=3).epochs_for(rows) == 3


def test_the_nested_place_of_a_wrong_value_is_said() -> None:
    with pytest.raises(SettingsError, match=r"mep3m.toml: paper\.content\.ngram = 0 is not allowed"):
        AlignSettings.parse({"paper": {"content": {"ngram": 0}}}, "mep3m.toml")
    with pytest.raises(SettingsError, match=r"unknown setting 'paper\.content\.ngrm' \(did you mean 'ngram'"):
        AlignSettings.parse({"paper": {"content": {"ngrm": 2}}}, "mep3m.toml")
    with pytest.raises(SettingsError, match=r"'fetch\.hots' \(did you mean 'hosts'"):
        SourceEntry.parse({"name": "a", "path": "b", "fetch": {"hots": []}}, "mep3m.toml")

"""A complete pre-training: rows to an encoder folder with its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mep3m import __version__
from mep3m.dataset.reading import Opened
from mep3m.errors import UsageError
from mep3m.models.pretrained.files import read_tensors, tensors_hash
from mep3m.models.pretrained.run_folder import WEIGHTS
from mep3m.models.pretrained.weights import described
from mep3m.recipes.classify import shape
from mep3m.recipes.finished import made_from
from mep3m.recipes.pretraining.measure import NeighbourScores, neighbour_scores
from mep3m.representations.weights import part_of
from mep3m.settings.network import WEIGHT_WORDS
from mep3m.settings.run import PretrainSettings
from mep3m.settings.sources import Columns
from mep3m.store.filesystem import exclusive_lock, sweep
from mep3m.store.json_files import fingerprint, read_json, write_json
from mep3m.training.network import tell
from mep3m.training.pretraining.prepare import Pretraining, make_pretraining
from mep3m.training.pretraining.train import Pretrained, pretrain
from mep3m.training.task import clear_checkpoints

#: the card of an encoder, which also says that a folder holds a finished one
CARD = "card.json"
#: what an interrupted pre-training may have left in its folder
_UNFINISHED = {"work", "title", "classifier.json", WEIGHTS, "title.vocabulary.json", "timings.json"}
#: modality of a network -> where its encoder lies in the folder, beside that of images
_BESIDE = {"image": "", "title": "title"}


@dataclass(frozen=True)
class EncoderCard:
    """What an encoder was made from and how good it is; `to_json` is what `card.json` holds.

    `held_out` are products that it did not learn from, `left_out` those of the platform that it never saw.
    """

    facts: dict[str, Any]
    held_out: NeighbourScores | None
    left_out: NeighbourScores | None
    remarks: tuple[str, ...]

    @property
    def unreadable(self) -> int:
        """Images that could not be read."""
        return int(self.facts["data"]["unreadable_images"])

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            **self.facts,
            "held_out": self.held_out.to_json() if self.held_out else None,
            "left_out": self.left_out.to_json() if self.left_out else None,
            **({"remarks": list(self.remarks)} if self.remarks else {}),
        }


def pretrain_encoder(opened: Opened, columns: Columns, settings: PretrainSettings, out: Path) -> EncoderCard:
    """Let an encoder learn from products, measure it, and save it with its card into `out`.

    What differs from run to run of one job is in `timings.json`. The encoder of titles of an objective that
    teaches both lies in `out/title`.

    Raises:
        UsageError: `out` holds something, the rows do not suffice, or the weights are for something else.
        StoreError: another run is writing into `out`.
    """
    check_start(settings)
    made = made_from(opened, columns, settings, None)
    with exclusive_lock(out):
        sweep(out)
        prepared = make_pretraining(shape(opened.dataset, settings), settings, opened.images, opened.taxonomy)
        learned = pretrain(prepared.task, settings, out)
        for name, encoder in learned.encoders.items():
            encoder.save(out / _BESIDE[name] if len(learned.encoders) > 1 else out)
        card = _card(opened, settings, prepared, learned, out)
        effort = learned.clock.effort
        timings = {"seconds": round(learned.clock.seconds, 1), "effort": effort.to_json() if effort else None}
        write_json(out / "timings.json", timings)
        write_json(out / CARD, {**card.to_json(), "made_from": made})
        clear_checkpoints(out)
    return card


def kept_card(
    out: Path, opened: Opened, columns: Columns, settings: PretrainSettings, replace: bool = False
) -> dict[str, Any] | None:
    """Return the card of the encoder that `out` holds if it is made from the same, `None` where it is empty.

    A folder in which a pre-training was interrupted is empty, so that it goes on there. With `replace` an
    encoder counts as nothing.

    Raises:
        UsageError: `out` holds something else.
    """
    inside = {path.name for path in out.iterdir()} if out.exists() else set[str]()
    if CARD not in inside:
        if inside - _UNFINISHED:
            raise UsageError(f"{out} holds something else; choose another folder for the encoder")
        return None
    if replace:
        return None
    card: dict[str, Any] = read_json(out / CARD)
    before = card.pop("made_from", {})
    made = made_from(opened, columns, settings, None)
    if other := [name for name, value in made.items() if before.get(name) != value]:
        raise UsageError(
            f"{out} holds an encoder that was made with other {' and '.join(other)}; choose another folder, "
            "or replace it with --replace"
        )
    return card


def check_start(settings: PretrainSettings) -> None:
    """Refuse weights of another modality, before any work.

    Raises:
        UsageError: they encode titles where images are to be, or the other way round.
    """
    if settings.weights in WEIGHT_WORDS:
        return
    reads, wanted = part_of(Path(settings.weights)), "title" if settings.modality == "text" else "image"
    if reads != wanted:
        raise UsageError(
            f"{settings.weights} is an encoder of {reads}s, and --weights says where that of {wanted}s "
            f"begins; give the folder of an encoder of {wanted}s, or --weights none"
        )


def _card(
    opened: Opened, settings: PretrainSettings, prepared: Pretraining, learned: Pretrained, out: Path
) -> EncoderCard:
    task, dataset, effort = prepared.task, prepared.dataset, learned.clock.effort
    network = learned.together.settings
    start = described(network.image, learned.start) if network.image is not None else None
    known, images, seed = dataset.take(task.train), task.images, settings.seed
    platforms = sorted(set(dataset.products["source"].to_pylist()))
    facts = {
        "mep3m": __version__,
        "objective": settings.objective,
        "reads": list(network.modalities),
        "network": network.image.backbone if network.image else network.title and network.title.encoder,
        "width": learned.together.width,
        "hash": tensors_hash(read_tensors(out / WEIGHTS)),
        "start": start,
        "data": {
            "rows": len(task.train),
            "held_out": len(task.valid),
            "without_image_or_title": prepared.skipped,
            "refused": len(opened.rejects),
            "unreadable_images": len(learned.rejects),
            "first_unreadable": learned.rejects[0].reason if learned.rejects else None,
            "platforms": platforms,
            "fingerprint": fingerprint(sorted(dataset.ids)),
        },
        "platform_signal": settings.platform_signal,
        "seed": settings.seed,
        "minutes": learned.training.minutes,
        "epochs": effort.epochs if effort else None,
        "settings": settings.model_dump(mode="json"),
        "training": learned.training.model_dump(mode="json"),
        "history": [
            {name: value for name, value in one.items() if name != "rows_per_second"}
            for one in learned.history
        ],
    }
    held = neighbour_scores(learned.together, known, dataset.take(task.valid), images, seed)
    left = prepared.left and neighbour_scores(learned.together, known, prepared.left, images, seed)
    remarks = effort.remarks(learned.start is None, learned.training.budget is not None) if effort else []
    for line in remarks:
        tell(line)
    return EncoderCard(facts, held, left or None, tuple(remarks))

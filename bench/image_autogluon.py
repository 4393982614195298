"""AutoGluon multimodal on one set; run by the Python of an environment of its own.

    PYTHON bench/image_autogluon.py TRAIN.tsv TEST.tsv IMAGES BERT LEVEL SEED MINUTES OUT.json [NETWORK]

Its own presets fine-tune weights of a hub, which an offline machine does not have, and it takes no
`pretrained=False` for them. So its text and image parts are folders with untrained weights: the BERT of
`image_peers.tiny_bert`, timm's resnet18 at 64 pixels; one learning rate for all, as nothing is
fine-tuned. Everything else is its default. Only the finest level is learned. BERT is that folder, or - for
images alone. With NETWORK, a folder that `image_peers.saved_network` writes, that network is fine-tuned at
160 pixels, with AutoGluon's smaller rates for the lower layers.
`bench.image_quality` starts this file where MEP3M_AUTOGLUON names that Python.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

#: how AutoGluon learns without weights of a hub, titles (`bench._peers`) and images alike
FROM_SCRATCH = {
    "optim.lr": 1e-3,
    "optim.lr_choice": "single_stage",
    "optim.max_epochs": 100,
    "env.accelerator": "cpu",
    "env.num_gpus": 0,
    "env.strategy": "auto",
    "env.precision": 32,
    "env.batch_size": 64,
    "env.per_gpu_batch_size": 64,
    "env.num_workers": 0,
    "env.num_workers_inference": 0,
}
#: what else is so where a network is fine-tuned: epochs that fit into about eight processor minutes
FINE_TUNED = {
    "optim.lr_choice": "layerwise_decay",
    "optim.max_epochs": 3,
    "optim.val_check_interval": 1.0,
    "env.batch_size": 32,
    "env.per_gpu_batch_size": 32,
    "model.timm_image.image_size": 160,
}


def frame(path: Path, images: Path, titles: bool, level: str | None) -> Any:
    """Return image and title of every row, with the label of `level`; a missing title is empty."""
    import pandas

    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    columns = {"image": [str(images / row["image"]) for row in rows]}
    if titles:
        columns["title"] = [row["title"] for row in rows]
    return pandas.DataFrame(columns | ({level: [row[level] for row in rows]} if level else {}))


def untrained(folder: Path, seed: int) -> Path:
    """Write a timm resnet18 for 64 pixels in the form in which AutoGluon saves one."""
    import timm
    import torch

    folder.mkdir()
    torch.manual_seed(seed)
    torch.save(timm.create_model("resnet18", num_classes=0).state_dict(), folder / "pytorch_model.bin")
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    shape = {"input_size": (3, 64, 64), "mean": mean, "std": std}
    config = {"architecture": "resnet18", "num_features": 512, "pretrained_cfg": shape}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def main() -> None:
    train, test, images = (Path(part) for part in sys.argv[1:4])
    bert = None if sys.argv[4] == "-" else Path(sys.argv[4])
    level, seed, minutes, out = sys.argv[5], int(sys.argv[6]), float(sys.argv[7]), Path(sys.argv[8])
    from autogluon.multimodal import MultiModalPredictor

    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[9:]:
            settings = chosen(bert, Path(sys.argv[9])) | FINE_TUNED
        else:
            settings = chosen(bert, untrained(Path(folder) / "resnet18", seed))
        model = MultiModalPredictor(label=level, problem_type="multiclass", path=f"{folder}/run")
        model.fit(
            frame(train, images, bert is not None, level),
            time_limit=minutes * 60,
            seed=seed,
            hyperparameters=settings,
        )
        answers = model.predict(frame(test, images, bert is not None, None), as_pandas=False)
    out.write_text(json.dumps([str(answer) for answer in answers]))


def chosen(bert: Path | None, network: Path) -> dict[str, Any]:
    """Return what is not a default of AutoGluon."""
    images = {"model.timm_image.checkpoint_name": str(network), "model.timm_image.image_size": 64}
    if bert is None:
        return {"model.names": ["timm_image"], **images, **FROM_SCRATCH}
    return {
        "model.names": ["hf_text", "timm_image", "fusion_mlp"],
        "model.hf_text.checkpoint_name": str(bert),
        "model.hf_text.max_text_len": 24,
        **images,
        **FROM_SCRATCH,
    }


if __name__ == "__main__":
    main()

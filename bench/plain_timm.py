"""The script a user would write without mep3m: a timm ResNet-18, one level, Adam, flips, no tricks.

    python -m bench.plain_timm TRAIN.tsv TEST.tsv IMAGE_ROOT LABEL[,LABEL...] SEED

The finest label only; 64 pixels, 10 epochs of Adam at 1e-3 with a batch of 64, float32; images are
decoded once into memory.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from sklearn.metrics import f1_score

PIXELS, EPOCHS, BATCH = 64, 10, 64


def read(path: str, root: str, label: str) -> tuple[np.ndarray, list[str]]:
    with Path(path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    images = [Image.open(Path(root) / row["image"]).convert("RGB").resize((PIXELS, PIXELS)) for row in rows]
    pixels = np.stack(
        [np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1 for image in images]
    )
    return pixels, [row[label] for row in rows]


def main() -> None:
    train, test, root, labels, seed = sys.argv[1:]
    names = labels.split(",")
    torch.manual_seed(int(seed))
    pixels, truth = read(train, root, names[-1])
    classes = sorted(set(truth))
    index = {name: i for i, name in enumerate(classes)}
    x, y = torch.from_numpy(pixels), torch.tensor([index[name] for name in truth])
    network = timm.create_model("resnet18", pretrained=False, num_classes=len(classes))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(EPOCHS):
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH):
            batch = x[rows]
            batch = batch.flip(3) if torch.rand(1) < 0.5 else batch
            loss = torch.nn.functional.cross_entropy(network(batch), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    network.eval()
    pixels, truth = read(test, root, names[-1])
    with torch.no_grad():
        logits = torch.cat([network(part) for part in torch.from_numpy(pixels).split(256)])
    guesses = [classes[i] for i in logits.argmax(1)]
    top5 = [truth[i] in {classes[k] for k in row} for i, row in enumerate(logits.topk(5).indices)]
    level = {
        "level": len(names),
        "n": len(truth),
        "top1": float(np.mean([a == b for a, b in zip(guesses, truth, strict=True)])),
        "top5": float(np.mean(top5)),
        "macro_f1": float(f1_score(truth, guesses, average="macro", zero_division=0)),
    }
    print(json.dumps({"levels": [level]}))


if __name__ == "__main__":
    main()

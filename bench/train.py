"""Training speed: our loop from memory-mapped rows, over a bare PyTorch loop on tensors in memory.

    python -m bench.train --out train.json [--batches 16] [--rounds 3] [--speed]

Same network, batch, optimiser and precision on both sides; the rounds alternate, so that whatever
else the machine does meets both. Rates are by the clock and by the process's processor seconds: with
OMP_NUM_THREADS=1 the second hardly depends on what else is running. Peak memory is that of encoding
titles and of one epoch's reads.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs import Inputs, Stored, Tokens
from mep3m.models.inputs.words import TokenVocabulary
from mep3m.models.networks.build import build_network
from mep3m.models.networks.image import normalise
from mep3m.models.networks.product import ProductNetwork
from mep3m.models.pretrained.figures import IMAGENET
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from mep3m.settings.training import MODERN, PAPER, TrainingSettings
from mep3m.store.rows import RowCache
from mep3m.training.examples import Examples
from mep3m.training.loop.fit import fit, mixed_precision

BATCH, CLASSES, PIXELS, TOKENS, WORDS = 64, 75, 64, 16, 5000
TREE = LabelTree.from_paths([(f"class {i}",) for i in range(CLASSES)])
NETWORKS = {
    "resnet18 64 px": NetworkSettings(image=ImageSettings(backbone="resnet18", pixels=PIXELS)),
    "bilstm": NetworkSettings(title=TextSettings(embedding=128, hidden=256)),
}


def example_rows(name: str, count: int, folder: Path) -> Examples:
    """Return rows of random content in memory-mapped files."""
    generator = np.random.default_rng(0)
    rows = np.arange(count)
    targets = generator.integers(0, CLASSES, (count, 1)).astype(np.int32)
    if name == "bilstm":
        ids = generator.integers(2, WORDS, count * TOKENS).astype(np.int32)
        ids.tofile(folder / "ids")
        offsets = np.arange(0, count * TOKENS + 1, TOKENS)
        return Examples(
            Inputs({"title": Tokens(np.memmap(folder / "ids", np.int32, "r"), offsets)}), targets, rows
        )
    size = round(PIXELS * 1.25)
    cache = RowCache(folder / "pixels", (3, size, size), "|u1")
    keys = [f"{i:064x}"[::-1] for i in range(count)]
    cache.append(keys, generator.integers(0, 256, (count, 3, size, size)).astype(np.uint8))
    return Examples(Inputs({"image": Stored(cache.values(), rows)}), targets, rows)


def network(name: str) -> ProductNetwork:
    torch.manual_seed(0)
    return build_network(NETWORKS[name], TREE, {"title": WORDS})


class Rate(NamedTuple):
    """Rows a second."""

    clock: float
    processor: float

    @classmethod
    def since(cls, rows: int, began: tuple[float, float]) -> Rate:
        """Return the rate of rows done since both clocks showed `began`."""
        return cls(rows / (time.perf_counter() - began[0]), rows / (time.process_time() - began[1]))


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def ours(name: str, examples: Examples, settings: TrainingSettings) -> Rate:
    """Return the rate of one epoch of our loop, everything included."""
    image = ImageSettings(pixels=PIXELS) if "image" in examples.inputs.parts else None
    with tempfile.TemporaryDirectory() as folder:
        model = network(name)
        began = now()
        fit(model, examples, TREE, settings, Path(folder), image=image)
        return Rate.since(len(examples.rows), began)


def bare(name: str, examples: Examples, settings: TrainingSettings) -> Rate:
    """Return the rate of a plain loop: tensors in memory, normalised before the clock starts."""
    model = network(name).train()
    low = mixed_precision(settings) == "bf16"
    if low:
        model = model.to(memory_format=torch.channels_last)
    tensors = examples.batch(examples.rows)
    if "image" in tensors:
        tensors["image"] = normalise(tensors["image"], PIXELS, IMAGENET)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    began = now()
    for rows in torch.randperm(len(examples.rows)).split(BATCH):
        part: dict[str, Tensor] = {key: value[rows] for key, value in tensors.items()}
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            logits = model(part)
        loss = torch.nn.functional.cross_entropy(logits.float(), part["targets"][:, 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        float(loss.detach())
    return Rate.since(len(examples.rows), began)


def speed(batches: int, rounds: int) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for name in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            examples = example_rows(name, batches * BATCH, Path(folder))
            plain = PAPER.model_copy(update={"epochs": 1})
            modern = MODERN.model_copy(update={"epochs": 1})
            bare(name, examples, plain)
            measured = [
                (bare(name, examples, plain), ours(name, examples, plain), ours(name, examples, modern))
                for _ in range(rounds)
            ]
        for label, column in (("paper", 1), ("modern", 2)):
            results.append(
                {
                    "network": name,
                    "preset": label,
                    **ratios([(row[0], row[column]) for row in measured]),
                }
            )
    return results


def ratios(measured: list[tuple[Rate, Rate]]) -> dict[str, float]:
    """Return the medians of the bare loop, of ours, and of ours over bare, by both clocks."""
    found = {}
    for clock in Rate._fields:
        pairs = [(getattr(plain, clock), getattr(own, clock)) for plain, own in measured]
        found[f"{clock}_rate"] = statistics.median(own for _, own in pairs)
        found[f"{clock}_bare"] = statistics.median(plain for plain, _ in pairs)
        found[f"{clock}_ratio"] = statistics.median(own / plain for plain, own in pairs)
    return found


def memory(rows: int) -> float:
    """Return MiB of peak memory above the start for encoding and reading `rows` titles from Parquet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with pq.ParquetWriter(folder / "t.parquet", pa.schema([("title", pa.string())])) as writer:
            for start in range(0, rows, 50_000):
                titles = [
                    f"word{i % 997} word{i % 89} word{i}" for i in range(start, min(start + 50_000, rows))
                ]
                writer.write_table(pa.table({"title": titles}))
        # the training rows are an Arrow file that is mapped, not loaded
        with (
            pq.ParquetFile(folder / "t.parquet") as file,
            pa.OSFile(str(folder / "t.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, file.schema_arrow) as out,
        ):
            for batch in file.iter_batches(8192):
                out.write_batch(batch)
        table = pa.ipc.open_file(pa.memory_map(str(folder / "t.arrow"))).read_all()
        vocabulary = TokenVocabulary.fit([f"word{i}" for i in range(997)], "whitespace", 16, minimum=1)
        before = private_memory()
        tokens = Tokens.encode(vocabulary, table, "title", folder)
        order = np.random.default_rng(0).permutation(rows)
        for start in range(0, min(rows, 64_000), BATCH):
            tokens.take(order[start : start + BATCH])
        return private_memory() - before


def private_memory() -> float:
    """Return MiB of peak anonymous memory of this process (mapped files do not count)."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(fields["RssAnon"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--speed", action="store_true", help="leave the memory out")
    parser.add_argument("--memory", type=int, help="internal: measure one size and print it")
    options = parser.parse_args()
    if options.memory:
        print(memory(options.memory))
        return
    results = speed(options.batches, options.rounds)
    print("| network | preset | rows/s | bare | ratio | rows a processor s | bare | ratio |\n|" + "---|" * 8)
    for row in results:
        shown = [
            format(row[f"{clock}_{part}"], ".3f" if part == "ratio" else ".0f")
            for clock in Rate._fields
            for part in ("rate", "bare", "ratio")
        ]
        print("| " + " | ".join([row["network"], row["preset"], *shown]) + " |")
    if options.speed:
        options.out.write_text(json.dumps({"speed": results}, indent=1))
        return
    sizes = {}
    print("\n| rows | memory that encoding and reading titles adds (MiB) |\n|---|---|")
    for rows in (100_000, 1_000_000, 3_000_000):
        command = [sys.executable, "-m", "bench.train", "--out", "-", "--memory", str(rows)]
        sizes[rows] = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        print(f"| {rows:,} | {sizes[rows]:.0f} |")
    options.out.write_text(json.dumps({"speed": results, "memory_mib": sizes}, indent=1))


if __name__ == "__main__":
    main()

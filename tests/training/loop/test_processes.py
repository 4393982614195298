from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mep3m.models.classifier import load
from tests.models.catalogue import products
from tests.processes import kill_group


def test_two_processes_train_one_network(tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launch += [
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        "0",
    ]
    started = subprocess.Popen(
        [*launch, "-m", "tests.training.long_run", str(tmp_path / "run")],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = started.communicate(timeout=280)
    finally:
        kill_group(started)  # a launcher that is stopped alone leaves its two processes behind
    assert started.returncode == 0, said[-2000:]
    # only the first process speaks
    assert said.count("from scratch (no weights given); ") == 1
    table, images = products(tmp_path / "images", 9)
    proba = load(tmp_path / "run").predict_proba(table, images)
    assert abs(float(proba[:, :2].sum(1).mean()) - 1) < 1e-4

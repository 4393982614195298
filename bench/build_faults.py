"""Kill -9 whole builds at random moments, finish them, and compare every byte with an undisturbed build.

The shops are simulated. Builds are forked from a process that has imported everything, so that the moments
fall into the work; each runs in a session of its own and is killed with all that it started. Moments are
drawn evenly over the time of the undisturbed build, each further one of a build over what may be left of it.
Only `timings.json` is not compared: it holds times.

    python -m bench.build_faults --kills 40 --out build_faults.json
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import mep3m.recipes.build
import mep3m.training.linear.fit
from mep3m.engine import make_engine
from mep3m.settings.project import load_project
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.simulation import simulate


def content(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder, half-written ones included."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.json"
    }


def fork(project: Path, out: Path, workers: int) -> int:
    """Start a build in a session of its own and return its process id."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        null = os.open(out.with_suffix(".err"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(null, 1)
        os.dup2(null, 2)
        mep3m.recipes.build.build(load_project(project), project.parent, out, make_engine("local", workers))
        code = 0
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a build and return its exit code, -9 when it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def stage(out: Path) -> str:
    """Return the last thing that a killed build had begun."""
    names = sorted(path.name for path in out.iterdir() if path.name[:1].isdigit()) if out.exists() else []
    if (out / "report").exists():
        return "report"
    return "model" if (out / "model").exists() else (names[-1] if names else "nothing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600, help="begin no build after this long")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chance, counts = random.Random(options.seed), Counter[str]()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shops = SimulatorSettings(products=options.products, platforms=3, categories=8, images=False, seed=3)
        project = simulate(root / "shops", shops).project
        if ended(fork(project, root / "first", options.workers)):  # compiles what is compiled once
            raise SystemExit((root / "first.err").read_text())
        start = time.perf_counter()
        if ended(fork(project, root / "whole", options.workers)):
            raise SystemExit((root / "whole.err").read_text())
        usual, whole = time.perf_counter() - start, content(root / "whole")
        counts["undisturbed builds that differ"] += content(root / "first") != whole
        while counts["kills"] < options.kills and time.perf_counter() - began < options.seconds:
            out, left = root / f"b{counts['builds']}", 1.0
            for _ in range(chance.randint(1, 6)):
                pid, moment = fork(project, out, options.workers), chance.random() * usual * left
                time.sleep(moment)
                running = os.waitpid(pid, os.WNOHANG)[0] == 0
                if not running:
                    counts["ended before it"] += 1
                    break
                os.killpg(pid, signal.SIGKILL)
                ended(pid)
                counts["kills"] += 1
                counts[f"killed at {stage(out)}"] += 1
                left = max(0.1, left - moment / usual)
            if ended(fork(project, out, options.workers)):
                raise SystemExit(f"{out} cannot be finished:\n{out.with_suffix('.err').read_text()}")
            counts["builds"] += 1
            got = content(out)
            wrong = sorted(key for key in got.keys() | whole.keys() if got.get(key) != whole.get(key))
            counts["builds that differ"] += bool(wrong)
            print(f"{counts['builds']} builds, {counts['kills']} kills", *wrong[:5], flush=True)
            shutil.rmtree(out)
    result = {**dict(sorted(counts.items())), "usual_seconds": usual, "files": len(whole)}
    print("| | |\n|---|---|", *(f"| {what} | {count:.4g} |" for what, count in result.items()), sep="\n")
    if options.out:
        options.out.write_text(json.dumps(result, indent=2))
    sys.exit(counts["builds that differ"] + counts["undisturbed builds that differ"] > 0)


if __name__ == "__main__":
    main()

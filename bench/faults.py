"""Disturb an ingest at random moments, many times, and compare each store with an undisturbed one.

Four disturbances: kill -9 of everything, kill -9 of one worker, a limit on the size of a file, and a full
disk (`--disk` names a small file system of its own, such as a mounted tmpfs). Runs are forked from a
process that has imported everything, so that the moments fall into the work and not into the
start of the interpreter. Every byte of the stores is compared.

    python -m bench.faults --kills 200 --out faults.json
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
from tests.ingest.shop import content, rows, take_in, write_images, write_shop

import mep3m.ingest.run

# what a run would import on its way, so that a fork has it already
import mep3m.sources.images.intake
import mep3m.sources.tables  # noqa: F401
from mep3m.store.layout import Layout


class Trials:
    """One shop, the bytes of its store, and runs of it that are disturbed."""

    def __init__(self, folder: Path, stores: Path, products: int, seed: int) -> None:
        self.stores, self.chance = stores, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.path = write_shop(folder, [*rows(products), *rows(7)])
        self.images = write_images(folder / "images", range(products - 20))
        began = time.perf_counter()
        self.wait(self.fork(folder / "whole", 1))
        self.usual = time.perf_counter() - began
        self.whole = content(folder / "whole")
        self.shards = sum(name.startswith("shards/") for name in self.whole)

    def fork(self, store: Path, workers: int, prepare: Callable[[], None] = lambda: None) -> int:
        """Start a run in a session of its own and return its process id."""
        if pid := os.fork():
            return pid
        code = 1
        try:
            os.setsid()
            os.dup2(os.open(self.stores / "errors.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            prepare()
            take_in(self.path, store, workers, images=str(self.images))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def wait(self, pid: int) -> int:
        """Return the exit code of a run, -9 when it was killed."""
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def compare(self, store: Path, kind: str, workers: int) -> None:
        """Let a disturbed store come to its end and note whether its bytes differ."""
        if code := self.wait(self.fork(store, workers)):
            error = (self.stores / "errors.txt").read_text()
            raise SystemExit(f"{store} cannot be finished: exit code {code}\n{error}")
        self.counts[f"{kind}: stores compared"] += 1
        differs = content(store) != self.whole
        self.counts[f"{kind}: stores that differ"] += differs
        if not differs:
            shutil.rmtree(store)

    def kill(self, store: Path, workers: int) -> None:
        """Kill a run at a random moment of what is left of its work."""
        left = 1 - len(Layout(store).shards()) / self.shards
        pid = self.fork(store, workers)
        time.sleep(self.chance.random() * self.usual * max(left, 0.1))
        os.killpg(pid, signal.SIGKILL) if os.getpgid(pid) == pid else os.kill(pid, signal.SIGKILL)
        if self.wait(pid) == 0:
            self.counts["kill -9: ended before it"] += 1
        else:
            self.counts["kill -9"] += 1
            self.counts[f"kill -9 {self.moment(store)}"] += 1

    def moment(self, store: Path) -> str:
        """Return how far a store has come."""
        if not Layout(store).begun:
            return "before the plan"
        if len(Layout(store).shards()) < self.shards:
            return "among the shards"
        return "after the last shard"

    def crash(self, store: Path) -> None:
        """Kill one of two workers at a random moment; the run itself must come to its end."""
        pid = self.fork(store, 2)
        run, workers = psutil.Process(pid), list[psutil.Process]()
        while run.status() != psutil.STATUS_ZOMBIE and len(workers) < 2:
            time.sleep(0.01)
            workers = [child for server in run.children() for child in server.children()]
        time.sleep(self.chance.random() * self.usual / 2)
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            self.chance.choice(workers).kill()
            self.counts["worker killed"] += 1
        if code := self.wait(pid):
            raise SystemExit(f"a run whose worker died ended with {code}")
        self.compare(store, "worker killed", 1)

    def small_files(self, store: Path) -> None:
        """Let a run fail on files over a random size."""
        limit = self.chance.randint(200, 6000)

        def prepare() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        self.counts["file size limit"] += self.wait(self.fork(store, 1, prepare)) != 0
        self.compare(store, "file size limit", 1)

    def full_disk(self, store: Path, disk: Path) -> None:
        """Let a run fill the disk, at a random moment."""
        ballast = disk / "ballast"
        free = shutil.disk_usage(disk).free
        room = self.chance.randint(0, int(1.1 * self.size))
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - room))
        self.counts["disk full"] += self.wait(self.fork(store, 1)) != 0
        ballast.unlink()
        self.compare(store, "disk full", 1)

    @property
    def size(self) -> int:
        """About the bytes of a whole store on disk, in blocks of 4 kB."""
        return 4096 * (len(self.whole) + 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--crashes", type=int, default=0)
    parser.add_argument("--limits", type=int, default=0, help="runs with a limit on the size of a file")
    parser.add_argument("--fill", type=int, default=0, help="runs on a full disk; needs --disk")
    parser.add_argument("--disk", type=Path, help="a folder on a small file system of its own")
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=450, help="stop after this long")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        trials = Trials(Path(name), options.disk or Path(name), options.products, options.seed)
        counts, number = trials.counts, 0

        def left(kind: str, wanted: int) -> bool:
            return counts[kind] < wanted and time.perf_counter() - began < options.seconds

        def fresh() -> Path:
            nonlocal number
            number += 1
            return trials.stores / f"store{number}"

        while left("kill -9", options.kills):
            store = fresh()
            for _ in range(trials.chance.randint(1, 6)):
                trials.kill(store, options.workers)
            trials.compare(store, "kill -9", options.workers)
        while left("worker killed", options.crashes):
            trials.crash(fresh())
        while left("file size limit", options.limits):
            trials.small_files(fresh())
        while options.disk and left("disk full", options.fill):
            trials.full_disk(fresh(), options.disk)
    result = {
        **dict(sorted(counts.items())),
        "usual_seconds": trials.usual,
        "shards": trials.shards,
        "seconds": time.perf_counter() - began,
    }
    print("| | |\n|---|---|")
    for what, count in result.items():
        print(f"| {what} | {count:.3g} |" if isinstance(count, float) else f"| {what} | {count} |")
    if options.out:
        options.out.write_text(json.dumps(result, indent=2))
    sys.exit(any("differ" in what and count for what, count in counts.items()))


if __name__ == "__main__":
    main()

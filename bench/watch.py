"""The test of a watch: false alarms while a promise is kept, and audits until a fall is found.

python -m bench.watch
"""

from __future__ import annotations

import numpy as np

from mep3m.evaluation.promises.betting import money

STREAMS, ALPHA = 1000, 0.05


def main() -> None:
    print("| promised | right | audits | given up, of 1,000 streams |\n|---|---|---|---|")
    for promised in (0.95, 0.97, 0.99):
        for right in (promised, promised + (1 - promised) / 2):
            wrong = np.random.default_rng(1).random((3000, STREAMS)) < 1 - right
            lost = (money(wrong, 1 - promised) >= 1 / ALPHA).any(axis=0).mean()
            print(f"| {promised} | {right:g} | 3,000 | {lost:.3f} |", flush=True)
    print("\n| promised | right before | good audits | right after | found after: median | 90 % |")
    print("|---|---|---|---|---|---|")
    for promised in (0.97, 0.98, 0.99):
        for good in (0, 500, 2000):
            for after in (0.95, 0.9):
                draw = np.random.default_rng([good, 2])
                wrong = np.vstack([draw.random((good, 300)) < 0.01, draw.random((4000, 300)) < 1 - after])
                reached = money(wrong, 1 - promised)[good:] >= 1 / ALPHA
                found = np.where(reached.any(axis=0), reached.argmax(axis=0) + 1, np.inf)
                middle, most = np.quantile(found, [0.5, 0.9], method="higher")
                print(f"| {promised} | 0.99 | {good:,} | {after} | {middle:,.0f} | {most:,.0f} |", flush=True)


if __name__ == "__main__":
    main()

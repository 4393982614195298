"""Run every benchmark, one after the other: `make bench`, or `python -m bench NAME...` for some."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    names = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    unknown = set(sys.argv[1:]) - set(names)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    for name in sys.argv[1:] or names:
        print(f"\n## {name}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=True)


if __name__ == "__main__":
    main()

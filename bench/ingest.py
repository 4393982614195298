"""MEP-3M's annotation array to columns: mep3m beside DuckDB, json.load, pandas and polars, in one run.

The file is generated: 3,012,959 records in the released file's own layout, about 1.6 GB, the same bytes
every time. Every contender runs in a process tree of its own whose memory is sampled. Packages that are
not among the project's own (pandas, polars) run under `--python`, the interpreter of another environment.

    python -m bench.ingest --runs 3 --python ENV/bin/python --out ingest.json
"""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

RECORDS = 3_012_959
RECORD = """    {{
        "class_id": "{class_id}",
        "class_name": "{class_name}",
        "sub_class_id": "{sub}",
        "sub_class_name": "{sub_name}",
        "subsub_class_id": "{fine}",
        "subsub_class_name": "{fine_name}",
        "img_path": "Images/{sub}/{number}.jpg",
        "img_resolution": [
            220,
            220,
            3
        ],
        "title": "{title}",
        "OCR": "{ocr}"
    }}"""
CLASSES = [
    "母婴/玩具/童装",
    "食品/酒水/生鲜/特产",
    "手机/运营商/数码",
    "家用电器",
    "电脑/办公",
    "家居/家具/家装/厨具",
]
WORDS = [
    "【正品】",
    "官方旗舰店",
    "新款",
    "孕妇",
    "奶粉",
    "婴幼儿",
    "配方",
    "进口",
    "有机",
    "牛奶",
    "咖啡",
    "零食",
    "大礼包",
    "手机壳",
    "蓝牙",
    "耳机",
    "充电器",
    "家用",
    "不锈钢",
    "保温杯",
    "加厚",
    "纯棉",
    "四件套",
    "夏季",
    "男士",
    "女士",
    "运动鞋",
    "透气",
    "休闲",
    "百搭",
    "儿童",
    "玩具",
    "积木",
    "益智",
    "书包",
    "笔记本",
    "支架",
    "办公",
    "文具",
    "中性笔",
    "洗发水",
    "沐浴露",
    "套装",
    "护肤",
    "面膜",
    "补水",
    "口红",
    "香水",
    "厨房",
    "锅具",
    "刀具",
    "餐具",
    "收纳",
    "置物架",
    "落地",
    "窗帘",
    "地毯",
    "沙发",
    "台灯",
    "护眼",
    "空调",
    "冰箱",
]
DUCKDB = """
import duckdb, sys
c = duckdb.connect(); c.execute("SET threads = 2")
c.execute(f"COPY (SELECT * FROM read_json('{sys.argv[1]}', format='array')) TO '{sys.argv[2]}/o.parquet'")
"""
JSON = "import json, sys; print(len(json.load(open(sys.argv[1], encoding='utf-8'))))"
PANDAS = "import pandas, sys; pandas.read_json(sys.argv[1], dtype=str).to_parquet(sys.argv[2] + '/o.parquet')"
POLARS = "import polars, sys; polars.read_json(sys.argv[1]).write_parquet(sys.argv[2] + '/o.parquet')"


def generate(path: Path, records: int, seed: int = 0) -> None:
    """Write the annotation file; the same seed and count give the same bytes."""
    chance = random.Random(seed)
    titles = ["".join(chance.choices(WORDS, k=chance.randint(8, 18))) for _ in range(20_000)]
    texts = ["".join(chance.choices(WORDS, k=chance.randint(2, 10))) for _ in range(5_000)]
    with path.open("w", encoding="utf-8", buffering=2**22) as file:
        file.write("[\n")
        for number in range(records):
            sub = 1 + number * 599 // records
            fine = number % 7 if sub % 46 == 0 else 0
            file.write(
                RECORD.format(
                    class_id=1 + sub % 14,
                    class_name=CLASSES[sub % len(CLASSES)] if sub % 14 < 6 else f"一级类目{sub % 14}",
                    sub=sub,
                    sub_name=f"二级类目{sub}",
                    fine=600 + (sub // 46) * 7 + fine if fine else "FALSE",
                    fine_name=f"三级类目{fine}" if fine else "FALSE",
                    number=number,
                    title=titles[chance.randrange(20_000)] + str(chance.randrange(10**6)),
                    ocr=texts[chance.randrange(5_000)] if chance.random() < 0.466 else "FALSE",
                )
            )
            file.write(",\n" if number < records - 1 else "\n")
        file.write("]\n")


def warm(path: Path) -> None:
    """Read a file, so that no contender pays for the disk."""
    with path.open("rb") as file:
        while file.read(2**22):
            pass


def measure(command: list[str]) -> tuple[float, float, float]:
    """Run a command and return (seconds, seconds of processor, peak memory in MB) of its process tree."""
    started, peak = time.perf_counter(), 0
    processor: dict[int, float] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _look(root, processor))
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        if process.returncode:
            error = process.stderr.read().decode() if process.stderr else ""
            raise SystemExit(f"{command}: {error[-800:]}")
    return seconds, sum(processor.values()), peak / 2**20


def _look(root: psutil.Process, processor: dict[int, float]) -> int:
    """Return the private memory of a process tree and note the processor time of each member.

    Pages of mapped files are the system's, not ours. Processor time changes little on a busy machine.
    """
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            facts, times = process.memory_info(), process.cpu_times()
        except psutil.Error:
            continue
        total += facts.rss - facts.shared
        processor[process.pid] = times.user + times.system
    return total


def contenders(file: Path, small: Path, python: str) -> dict[str, tuple[list[str], int]]:
    """Return name -> (command, share of the file it reads); OUT is replaced by a fresh folder."""
    ours = [sys.executable, "-m", "mep3m", "ingest", str(file), "--format", "mep3m", "--store", "OUT/store"]
    return {
        "mep3m ingest, 2 workers": ([*ours, "--workers", "2"], 1),
        "duckdb, bare JSON to Parquet": ([sys.executable, "-c", DUCKDB, str(file), "OUT"], 1),
        "json.load": ([python, "-c", JSON, str(file), "OUT"], 1),
        "polars.read_json": ([python, "-c", POLARS, str(file), "OUT"], 1),
        "pandas.read_json (a third of the file)": ([python, "-c", PANDAS, str(small), "OUT"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--others", type=int, default=1, help="runs of the slow contenders")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "mep3m-bench")
    parser.add_argument("--only", nargs="*", default=[], help="words in the contenders' names")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    file, small = (
        options.folder / f"a{options.records}.json",
        options.folder / f"a{options.records // 3}.json",
    )
    for path, records in ((file, options.records), (small, options.records // 3)):
        if not path.exists():
            generate(path, records)
    results: dict[str, dict[str, Any]] = {}
    chosen = {
        name: value
        for name, value in contenders(file, small, options.python).items()
        if not options.only or any(word in name for word in options.only)
    }
    for run in range(options.runs):  # side by side: one of each, then again
        for name, (command, share) in chosen.items():
            fast = name.startswith(("mep3m", "duckdb"))
            if not fast and run >= options.others:
                continue
            out = options.folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            filled = [part.replace("OUT", str(out)) for part in command]
            warm(file if share == 1 else small)
            entry = results.setdefault(
                name, {"seconds": [], "cpu": [], "peak_mb": [], "share": share, "again": []}
            )
            seconds, cpu, peak = measure(filled)
            entry["cpu"].append(cpu)
            entry["seconds"].append(seconds)
            entry["peak_mb"].append(peak)
            if name.startswith("mep3m"):
                entry["again"].append(measure(filled)[0])
                answer = subprocess.run([*filled, "--json"], capture_output=True, check=True)
                entry.setdefault("again_work", []).append(json.loads(answer.stdout)["seconds"])
    report(results, file, options.records)
    if options.out:
        options.out.write_text(json.dumps({"records": options.records, "results": results}, indent=2))


def report(results: dict[str, dict[str, Any]], file: Path, records: int) -> None:
    base = results.get("duckdb, bare JSON to Parquet")
    print(f"{records:,} records, {file.stat().st_size / 1e9:.2f} GB; medians\n")
    print("| contender | runs | seconds | of DuckDB | processor s | of DuckDB | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for name, entry in results.items():
        seconds = statistics.median(entry["seconds"])
        cpu = statistics.median(entry["cpu"])
        ratios = ["-", "-"]
        if base and entry["share"] == 1:
            ratios = [
                f"{value / statistics.median(base[key]):.2f}"
                for value, key in ((seconds, "seconds"), (cpu, "cpu"))
            ]
        peak = statistics.median(entry["peak_mb"])
        runs = len(entry["seconds"])
        print(f"| {name} | {runs} | {seconds:.1f} | {ratios[0]} | {cpu:.1f} | {ratios[1]} | {peak:,.0f} |")
    for name, entry in results.items():
        if entry["again"]:
            first = statistics.median(entry["seconds"])
            again, work = statistics.median(entry["again"]), statistics.median(entry["again_work"])
            print(
                f"\nSecond run of {name} over unchanged input: {again:.2f} s with the interpreter's start "
                f"({again / first:.1%}), {work:.3f} s of work ({work / first:.2%})."
            )


if __name__ == "__main__":
    main()

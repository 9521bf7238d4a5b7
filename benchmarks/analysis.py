"""Tempo and key against librosa: accuracy on labelled music, speed and memory from file to figures.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.analysis SET... [--peer PYTHON] [--limit N] [--json OUT]

Each SET is a folder with ``manifest_*.json`` (see ``train_features``). PYTHON is the interpreter of an environment that
has librosa; both analyse the same files one after the other, each in a process of its own, in this run. Tempo: Acc1
within 4 %, Acc2 also at 2, 3, 1/2, 1/3 times, and the share within 0.1 BPM where the manifest does not say that the
tempo drifts. Key: weighted as MIREX does, and exact.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.train_analysis import mirex_score
from music_workflow.metadata import keys

OURS = """
import json, resource, sys, time
from music_workflow.metadata import analysis
analysis.analyze_file(sys.argv[1], loudness=False)
for path in sys.argv[1:]:
    start = time.process_time()
    found = analysis.analyze_file(path, loudness=False)
    seconds = time.process_time() - start
    print(json.dumps([path, found.bpm, found.key, found.duration_s, seconds]), flush=True)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""

LIBROSA = """
import json, resource, sys, time, warnings
import librosa, numpy as np
warnings.simplefilter("ignore")
names = "C C# D Eb E F F# G Ab A Bb B".split()
profiles = {"major": [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
            "minor": [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]}
def analyse(path):
    sound, rate = librosa.load(path, sr=22050)
    tempo, _ = librosa.beat.beat_track(y=sound, sr=rate)
    chroma = librosa.feature.chroma_cqt(y=sound, sr=rate).mean(axis=1)
    best = max((float(np.corrcoef(np.roll(profiles[m], t), chroma)[0, 1]), t, m) for m in profiles for t in range(12))
    return float(np.atleast_1d(tempo)[0]), f"{names[best[1]]} {best[2]}", len(sound) / rate
analyse(sys.argv[1])
for path in sys.argv[1:]:
    start = time.process_time()
    bpm, key, length = analyse(path)
    print(json.dumps([path, bpm, key, length, time.process_time() - start]), flush=True)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one tool said of all files."""

    found: dict[str, tuple[float | None, str | None]]
    """Path: tempo and key."""
    times_realtime: float
    """Seconds of music per second of processor time."""
    megabytes: float
    """Largest resident size."""


def run(python: str, script: str, paths: list[str]) -> Run:
    """Let a tool analyse the files, the first one twice so that its start-up does not count."""
    done = subprocess.run([python, "-c", script, *paths], capture_output=True, text=True, check=True)
    *lines, memory = (json.loads(line) for line in done.stdout.splitlines())
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(
        {path: (bpm, key) for path, bpm, key, _, _ in lines},
        sum(line[3] for line in lines) / sum(line[4] for line in lines),
        memory / unit,
    )


def scores(
    items: list[dict[str, Any]], found: dict[str, tuple[float | None, str | None]]
) -> dict[str, dict[str, float]]:
    """The mean of each measure for each group and for all."""
    groups: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        bpm, key = found[item["path"]]
        for name, value in item_scores(item, bpm, key).items():
            groups[item["group"]][name].append(value)
            groups["all"][name].append(value)
    return {
        group: {n: float(np.mean(v)) for n, v in sorted(measures.items())}
        for group, measures in groups.items()
    }


def item_scores(item: dict[str, Any], bpm: float | None, key: str | None) -> dict[str, float]:
    """The measures that one item's truth allows; an answer of None is a wrong one."""
    out: dict[str, float] = {}
    if item["bpm"]:
        ratio = (bpm or 0) / item["bpm"]
        out["acc1"] = float(abs(ratio - 1) <= 0.04)
        out["acc2"] = float(any(abs(ratio - f) <= 0.04 * f for f in (1, 2, 3, 1 / 2, 1 / 3)))
        if not item.get("drifts"):
            out["within 0.1"] = float(bpm is not None and abs(bpm - item["bpm"]) <= 0.1)
    if item["key"]:
        score = mirex_score(keys.parse(key), keys.parse(item["key"])) if key else 0.0
        out["key"], out["key exact"] = score, float(score == 1)
    return out


def items_of(folders: list[str], limit: int) -> list[dict[str, Any]]:
    """The labelled files of the sets."""
    items: list[dict[str, Any]] = []
    for folder in folders:
        for manifest in sorted(Path(folder).glob("manifest_*.json")):
            items += [
                item | {"path": str(manifest.parent / item["file"]), "group": item.get("group", folder)}
                for item in json.loads(manifest.read_text(encoding="utf-8"))
            ]
    return items[:: max(1, len(items) // limit)] if limit else items


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--peer", help="interpreter of an environment with librosa")
    parser.add_argument("--limit", type=int, default=0, help="about so many files, spread evenly")
    parser.add_argument("--json", type=Path, dest="out")
    arguments = parser.parse_args()
    items = items_of(arguments.sets, arguments.limit)
    paths = [item["path"] for item in items]
    tools = {"segue": run(sys.executable, OURS, paths)}
    if arguments.peer:
        tools["librosa"] = run(arguments.peer, LIBROSA, paths)
    for name, result in tools.items():
        print(
            f"{name}: {result.times_realtime:.0f} x realtime, {result.megabytes:.0f} MB, {len(items)} files"
        )
        for group, measures in scores(items, result.found).items():
            print(
                f"  {group:12s} " + "  ".join(f"{measure} {value:.3f}" for measure, value in measures.items())
            )
    if len(tools) > 1:
        print(f"speed: {tools['segue'].times_realtime / tools['librosa'].times_realtime:.2f} times librosa's")
    if arguments.out:
        arguments.out.write_text(
            json.dumps({n: t.found for n, t in tools.items()}, indent=1), encoding="utf-8"
        )


if __name__ == "__main__":
    main()

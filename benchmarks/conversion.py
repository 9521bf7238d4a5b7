"""Conversion to M4A, WAV and AIFF against three runs of the ffmpeg command, 24-bit PCM at 48 kHz on both sides.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.conversion FILE...

Measured in processor seconds, children included, one after the other in this run, twice: the three files alone, as
ffmpeg writes them, and `process.convert` whole, which also gives hashes, tempo, key, loudness, fingerprint and picture.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ALONE = """
import pathlib, sys
from music_workflow.core import decoding, m4a, pcm
for path in sys.argv[2:]:
    with decoding.opened(path) as source:
        channels = min(source.header.channels, 2)
        target = pathlib.Path(sys.argv[1])
        tap = decoding.Tap(48000, "mono" if channels == 1 else "stereo")
        compressed = m4a.open_m4a(target / "out.m4a", source.stream, source.header, 48000, "aac256")
        wav, aiff = target / "out.wav", target / "out.aiff"
        plain = [pcm.WavWriter(wav, 48000, channels), pcm.AiffWriter(aiff, 48000, channels)]
        def write(block):
            quantised = pcm.quantise(block)
            for each in plain:
                each.write(quantised)
            compressed.samples(block, quantised)
        for packet, frames in source.read():
            for frame in frames:
                for block in tap.push(frame):
                    write(block)
            compressed.packet(packet)
        for block in tap.flush():
            write(block)
        for each in (*plain, compressed):
            each.close()
"""
WHOLE = """
import sys
from music_workflow.core import process
for path in sys.argv[2:]:
    process.convert(path, sys.argv[1], stem="out")
"""
PCM = {".wav": "pcm_s24le", ".aiff": "pcm_s24be"}


def processor_seconds(command: list[str]) -> float:
    """What a command costs, its threads and children included."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def ffmpeg_seconds(path: str, folder: str) -> float:
    """Three runs of the command: M4A at 256 kbit/s, WAV and AIFF with 24 bits at 48 kHz."""
    target = str(Path(folder) / "peer")
    common = ["ffmpeg", "-v", "error", "-y", "-i", path, "-vn", "-ar", "48000"]
    total = processor_seconds([*common, "-c:a", "aac", "-b:a", "256k", target + ".m4a"])
    return total + sum(
        processor_seconds([*common, "-c:a", codec, target + end]) for end, codec in PCM.items()
    )


def main() -> None:
    """Run and print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+")
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        scripts = {"alone": ALONE, "whole": WHOLE}
        idle = {
            name: processor_seconds([sys.executable, "-c", script, folder])
            for name, script in scripts.items()
        }
        print(
            "start-up, subtracted below:",
            ", ".join(f"{name} {seconds:.2f} s" for name, seconds in idle.items()),
        )
        for path in files:
            theirs = ffmpeg_seconds(path, folder)
            print(f"{Path(path).name}: ffmpeg three runs {theirs:.2f} s", end="")
            for name, script in scripts.items():
                ours = processor_seconds([sys.executable, "-c", script, folder, path]) - idle[name]
                print(f"; {name} {ours:.2f} s = {theirs / ours:.2f} times", end="")
            print(flush=True)


if __name__ == "__main__":
    main()

"""Conversion to M4A, WAV and AIFF against three runs of the ffmpeg command, 24-bit PCM at 48 kHz on both sides.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.conversion FILE... [--hours H]

Measured in processor seconds, children included, one after the other in this run, twice: the three files alone, as
ffmpeg writes them, and `process.convert` whole, which also gives hashes, tempo, key, loudness, fingerprint and picture.
Then how much of the signal each M4A keeps, against the same decode: the ratio of signal to noise over the whole, and
the median over frames of 1,024 samples, in dB. ``--hours`` makes a mix of that length of the first file and measures
the largest memory of its conversion beside that of the file itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from music_workflow.core import decoding, pcm

FRAME = 1024

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
MEMORY = (
    WHOLE
    + """
import pathlib, resource
status = pathlib.Path("/proc/self/status")
if status.exists():  # what getrusage says of a child includes its parent's size at the fork
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    print(int(lines["VmHWM"].split()[0]) / 2**10)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""
)
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


def decoded(path: str) -> NDArray[np.float32]:
    """A file's sound at 48 kHz, shape (n, channels)."""
    blocks = []
    with decoding.opened(path) as source:
        tap = decoding.Tap(48_000, "mono" if source.header.channels == 1 else "stereo")
        for frame in source.frames():
            blocks += list(tap.push(frame))
        blocks += list(tap.flush())
    return np.concatenate(blocks)


def kept(original: NDArray[np.float32], path: str) -> tuple[float, float]:
    """Signal over noise of a coded file in dB: of the whole, and the median over frames; delay is taken out."""
    coded = decoded(path)
    best = (-np.inf, -np.inf)
    for delay in (0, 1024, 2048):
        size = min(len(original), len(coded) - delay) // FRAME * FRAME
        noise = np.square(original[:size] - coded[delay : delay + size]).reshape(
            -1, FRAME * original.shape[1]
        )
        signal = np.square(original[:size]).reshape(noise.shape)
        whole = 10 * np.log10(signal.sum() / max(noise.sum(), 1e-12))
        frames = 10 * np.log10((signal.mean(axis=1) + 1e-12) / (noise.mean(axis=1) + 1e-12))
        best = max(best, (float(whole), float(np.median(frames))))
    return best


def repeated(path: str, hours: float, target: str) -> None:
    """Write a WAV of that many hours out of a file's sound, over and over."""
    sound = decoded(path)
    writer = pcm.WavWriter(Path(target), 48_000, sound.shape[1])
    for _ in range(int(hours * 3600 * 48_000 / len(sound)) + 1):
        writer.write(pcm.quantise(sound))
    writer.close()


def megabytes(path: str, folder: str) -> float:
    """The largest memory of a conversion."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, folder, path], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Run and print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--hours", type=float, default=0.0, help="length of a mix whose memory is measured")
    arguments = parser.parse_args()
    files = arguments.files
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
            original = decoded(path)
            mine, peer = (kept(original, str(Path(folder) / name)) for name in ("out.m4a", "peer.m4a"))
            print(
                f"; M4A keeps {mine[0]:.1f} dB ({mine[1]:.1f}), ffmpeg's {peer[0]:.1f} dB ({peer[1]:.1f})",
                flush=True,
            )
        if arguments.hours:
            mix = str(Path(folder) / "mix.wav")
            repeated(files[0], arguments.hours, mix)
            print(
                f"memory: {megabytes(files[0], folder):.0f} MB for {Path(files[0]).name},"
                f" {megabytes(mix, folder):.0f} MB for {arguments.hours:g} hours of it"
            )


if __name__ == "__main__":
    main()

"""Conversion and checking of real files: lossless where it can be, equal in every format, honest about broken input."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from music_workflow import synthesizer
from music_workflow.core import process
from music_workflow.errors import BadLink
from music_workflow.model import FORMATS

Sound = NDArray[np.float32]
SECONDS = 8.0
SOURCES = synthesizer.ENCODERS.keys()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One piece in every format that the synthesizer writes."""
    folder = tmp_path_factory.mktemp("sources")
    paths = {form: str(folder / f"piece.{form}") for form in SOURCES}
    for form in SOURCES:
        synthesizer.render(paths[form], bpm=124, key="A minor", seconds=SECONDS, seed=4, format=form)
    return {str(form): path for form, path in paths.items()}


def decoded(path: str) -> Sound:
    """All samples of a file, shape (n, channels)."""
    with av.open(path) as container:
        frames = [f.to_ndarray() for f in container.decode(audio=0)]
        stream = container.streams.audio[0]
        planar = stream.format.is_planar
        channels = stream.channels
    scale = 2.0**31 if frames[0].dtype == np.int32 else 2.0**15 if frames[0].dtype == np.int16 else 1.0
    joined = np.concatenate([f.T if planar else f.reshape(-1, channels) for f in frames])
    return np.asarray(joined / scale, np.float32)


def write_wav(path: Path, samples: NDArray[np.int32], *, rate: int, width: int) -> str:
    raw = np.ascontiguousarray(samples, "<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], width, rate, 0, "NONE", ""))
        file.writeframes(raw)
    return str(path)


@pytest.mark.parametrize("form", SOURCES)
def test_every_source_becomes_three_files(form: str, sources: dict[str, str], tmp_path: Path) -> None:
    """From any codec come M4A, 24-bit WAV and 24-bit AIFF at 48 kHz of the source's length, as their records say."""
    converted = process.convert(sources[form], str(tmp_path), stem="Nora - Überfahrt [x1]")
    by_format = {file.format: file for file in converted.files}

    assert tuple(by_format) == FORMATS
    for file in converted.files:
        raw = Path(file.path).read_bytes()
        assert (file.size, file.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
        assert file.sample_rate == 48_000
        assert process.decode_check(file.path) == pytest.approx(SECONDS, abs=0.06)
    assert (by_format["WAV"].bits, by_format["AIFF"].bits) == (24, 24)
    assert by_format["M4A"].codec == "aac"
    assert np.array_equal(decoded(by_format["WAV"].path), decoded(by_format["AIFF"].path))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"Nora - Überfahrt [x1].{suffix}" for suffix in ("aiff", "m4a", "png", "wav")
    ]


def test_sound_at_48_khz_comes_through_bit_for_bit(tmp_path: Path) -> None:
    """A 24-bit source at 48 kHz stands in WAV and AIFF sample for sample: no dither, no gain, no rounding."""
    rng = np.random.default_rng(1)
    samples = rng.integers(-(2**23), 2**23, (60_000, 2)).astype(np.int32)
    source = write_wav(tmp_path / "source.wav", samples, rate=48_000, width=3)
    files = process.convert(source, str(tmp_path), stem="out").files

    for file in files[1:]:
        assert np.array_equal(decoded(file.path).astype(np.float64) * 2**23, samples)


def test_alac_is_lossless(tmp_path: Path) -> None:
    """With the ALAC setting the M4A holds the same 24-bit samples."""
    samples = np.random.default_rng(2).integers(-(2**20), 2**20, (50_000, 2)).astype(np.int32)
    source = write_wav(tmp_path / "source.wav", samples, rate=48_000, width=3)
    m4a = process.convert(source, str(tmp_path), stem="out", m4a="alac").files[0]

    assert (m4a.codec, m4a.bits) == ("alac", 24)
    assert np.array_equal(decoded(m4a.path).astype(np.float64) * 2**23, samples)


def packets(path: str) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_aac_is_copied_not_encoded_again(sources: dict[str, str], tmp_path: Path) -> None:
    """An AAC source's packets stand unchanged in the M4A, whose length is the source's."""
    m4a = process.convert(sources["m4a"], str(tmp_path), stem="out").files[0]

    assert packets(m4a.path) == packets(sources["m4a"])
    assert process.decode_check(m4a.path) == pytest.approx(process.decode_check(sources["m4a"]), abs=0.001)


def test_bare_aac_stream_is_copied_into_m4a(sources: dict[str, str], tmp_path: Path) -> None:
    """AAC in ADTS, as radio streams and some sites deliver it, is put into M4A without encoding."""
    bare = str(tmp_path / "bare.aac")
    with av.open(sources["m4a"]) as origin, av.open(bare, "w", format="adts") as copy:
        stream = copy.add_stream_from_template(origin.streams.audio[0])
        for packet in origin.demux(audio=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    m4a = process.convert(bare, str(tmp_path), stem="out").files[0]

    assert packets(m4a.path) == packets(sources["m4a"])
    assert process.decode_check(m4a.path) == pytest.approx(SECONDS, abs=0.1)


def test_mono_stays_mono(tmp_path: Path) -> None:
    """One channel stays one channel in all three files."""
    tone = (2**22 * np.sin(np.arange(44_100) / 20)).astype(np.int32)[:, None]
    source = write_wav(tmp_path / "mono.wav", tone, rate=44_100, width=3)
    files = process.convert(source, str(tmp_path), stem="out").files

    assert [process.probe(file.path).channels for file in files] == [1, 1, 1]
    assert [file.duration_s for file in files[1:]] == pytest.approx([1.0, 1.0], abs=0.002)


def test_surround_becomes_stereo_without_clipping(tmp_path: Path) -> None:
    """Six loud channels are mixed to two, scaled so that their sum fits."""
    loud = np.full((48_000, 6), int(0.9 * 2**23), np.int32)
    source = write_wav(tmp_path / "surround.wav", loud, rate=48_000, width=3)
    wav = process.convert(source, str(tmp_path), stem="out").files[1]
    samples = decoded(wav.path)

    assert samples.shape[1] == 2
    assert np.abs(samples).max() < 0.95


def test_figures_and_picture_come_with_the_files(sources: dict[str, str], tmp_path: Path) -> None:
    """The same decode gives tempo, key, loudness, grid, fingerprint and the picture."""
    seen: list[tuple[float, str]] = []
    converted = process.convert(
        sources["flac"], str(tmp_path), stem="out", progress=lambda share, words: seen.append((share, words))
    )

    assert converted.analysis.bpm == pytest.approx(124, abs=0.2)
    assert converted.analysis.key == "A minor"
    assert converted.analysis.duration_s == pytest.approx(SECONDS)
    assert converted.analysis.loudness_lufs is not None
    assert converted.analysis.true_peak_db == pytest.approx(-1, abs=0.5)
    assert converted.analysis.first_beat_s is not None
    assert converted.fingerprint
    assert Path(converted.waveform_path).read_bytes().startswith(b"\x89PNG")
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any("of 0:08" in words for _, words in seen)


def test_doing_it_again_gives_the_same_files(sources: dict[str, str], tmp_path: Path) -> None:
    """A second conversion over the first, as after a crash, ends with identical files."""
    once = process.convert(sources["opus"], str(tmp_path), stem="out")
    again = process.convert(sources["opus"], str(tmp_path), stem="out")

    assert again == once


@pytest.mark.parametrize("form", ["m4a", "opus", "wav", "mp3", "flac"])
def test_truncated_file_is_refused(form: str, sources: dict[str, str], tmp_path: Path) -> None:
    """Half a file is called broken by check and conversion alike, and leaves nothing behind."""
    raw = Path(sources[form]).read_bytes()
    half = tmp_path / f"half.{form}"
    half.write_bytes(raw[: len(raw) // 2])
    work = tmp_path / "work"
    work.mkdir()

    for attempt in (
        lambda: process.decode_check(str(half)),
        lambda: process.convert(str(half), str(work), stem="out"),
    ):
        with pytest.raises(BadLink, match=f"half.{form}"):
            attempt()
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<!doctype html><title>Not found</title>" * 40),
        ("empty.mp3", b""),
        ("zeros.wav", b"\0" * 4096),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("concat.mp3", b"ffconcat version 1.0\nfile /etc/passwd\n"),
    ],
)
def test_what_is_no_audio_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    """Web pages, empty files and playlists that point at other files are no audio, whatever they are called."""
    path = tmp_path / name
    path.write_bytes(content)
    for look in (process.probe, process.decode_check):
        with pytest.raises(BadLink, match=name):
            look(str(path))


@pytest.mark.parametrize("samples", [0, 1, 400])
def test_a_file_without_sound_is_refused(samples: int, tmp_path: Path) -> None:
    """A valid WAV with no samples, or a handful, gives a sentence and no half-made files."""
    source = write_wav(tmp_path / "blip.wav", np.ones((samples, 2), np.int32), rate=48_000, width=3)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(BadLink, match=r"blip\.wav” holds no sound"):
        process.convert(source, str(work), stem="out")

    assert list(work.iterdir()) == []


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A path that does not exist is a plain sentence, not an FFmpeg error."""
    with pytest.raises(BadLink, match=r"gone\.wav” is not there"):
        process.probe(str(tmp_path / "gone.wav"))


def test_picture_without_sound_is_refused(tmp_path: Path, sources: dict[str, str]) -> None:
    """A video without an audio track holds no sound."""
    path = str(tmp_path / "silent.mp4")
    with av.open(path, "w") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32  # type: ignore[union-attr] # a video codec gives a video stream
        for _ in range(10):
            output.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))  # type: ignore[union-attr, arg-type] # as above
        output.mux(stream.encode(None))
    with pytest.raises(BadLink, match="holds no sound"):
        process.probe(path)
    assert process.probe(sources["mp3"]).channels == 2


@pytest.mark.parametrize(
    ("form", "codec", "container", "bits"),
    [
        ("m4a", "aac", "mov", None),
        ("opus", "opus", "ogg", None),
        ("wav", "pcm_s16le", "wav", 16),
        ("mp3", "mp3", "mp3", None),
        ("flac", "flac", "flac", 16),
    ],
)
def test_probe_knows_the_file(
    form: str, codec: str, container: str, bits: int | None, sources: dict[str, str]
) -> None:
    """Codec, container, rate, channels, bits and length of each kind of file."""
    seen = process.probe(sources[form])

    assert (seen.codec, seen.container, seen.bits) == (codec, container, bits)
    assert (seen.sample_rate, seen.channels) == (48_000, 2)
    assert seen.duration_s == pytest.approx(SECONDS, abs=0.06)


def test_stem_with_percent_and_colon_is_a_plain_name(sources: dict[str, str], tmp_path: Path) -> None:
    """Characters that FFmpeg would read as a pattern or a protocol are only characters."""
    converted = process.convert(sources["opus"], str(tmp_path), stem="pipe:0 %03d http")

    assert {Path(file.path).stem for file in converted.files} == {"pipe:0 %03d http"}


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Converting six times the length takes hardly more memory."""
    script = (
        "import resource, sys\n"
        "from music_workflow.core import process\n"
        "process.convert(sys.argv[1], sys.argv[2], stem='out', m4a='alac')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for seconds in (15, 90):
        path = tmp_path / f"{seconds}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 12_000, 0, "NONE", ""))
            file.writeframes(
                np.random.default_rng(0).integers(-9000, 9000, 12_000 * seconds).astype("<i2").tobytes()
            )
        command = [sys.executable, "-c", script, str(path), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))

    assert peaks[1] < peaks[0] * 1.2


def test_aac_keeps_the_music(sources: dict[str, str], tmp_path: Path) -> None:
    """What is encoded at 256 kbit/s differs from the WAV by noise 25 dB below the music, and has that size."""
    m4a, wav, _ = process.convert(sources["flac"], str(tmp_path), stem="out").files
    heard, original = decoded(m4a.path), decoded(wav.path)

    def kept(delay: int) -> float:
        size = min(len(original), len(heard) - delay)
        noise = np.square(original[:size] - heard[delay : delay + size]).sum()
        return float(10 * np.log10(np.square(original[:size]).sum() / noise))

    assert max(kept(delay) for delay in (0, 1024, 2048)) > 25
    assert 200_000 < m4a.size * 8 / SECONDS < 300_000

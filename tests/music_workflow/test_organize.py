"""Names and places of the library's files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow.core import organize
from music_workflow.core.acquire import file_digest
from music_workflow.errors import NotReady
from music_workflow.model import AudioFile, Identity
from tests.music_workflow.library_world import make_library

RESERVED = {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


def identity(
    title: str = "Tide", artists: tuple[str, ...] = ("Ada Loop",), key: str = "youtube:abcdefghij0"
) -> Identity:
    """Make an identity that matters by its words only."""
    return Identity(key=key, url="https://example.org/", service="youtube", title=title, artists=artists)


def audio(path: Path, content: bytes = b"audio") -> AudioFile:
    """Write a file and its record; what is placed need not be music."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return AudioFile(
        format="M4A",
        path=str(path),
        size=len(content),
        sha256=file_digest(path),
        duration_s=1.0,
        codec="aac",
        sample_rate=48_000,
        bits=None,
    )


@pytest.mark.parametrize(
    ("title", "artists", "name"),
    [
        ("Tide", ("Ada Loop",), "Ada Loop - Tide [abcdefghij0]"),
        ("Tide", ("Ada", "Mo"), "Ada, Mo - Tide [abcdefghij0]"),
        ("Tide", (), "Tide [abcdefghij0]"),
        ("שיר לשלום", ("מירי אלוני",), "מירי אלוני - שיר לשלום [abcdefghij0]"),
        ("夜に駆ける", ("YOASOBI",), "YOASOBI - 夜に駆ける [abcdefghij0]"),
        ("AC/DC: live?", ("A*B",), "A_B - AC_DC_ live_ [abcdefghij0]"),
        ("🌊", (), "🌊 [abcdefghij0]"),
        ("...", (), "Untitled [abcdefghij0]"),
        ("", (), "Untitled [abcdefghij0]"),
        ("a\x00b\u202ec\u200bd", (), "a b c d [abcdefghij0]"),
        ("../../etc/passwd", (), "_.._etc_passwd [abcdefghij0]"),
    ],
)
def test_names_are_readable_and_safe(title: str, artists: tuple[str, ...], name: str) -> None:
    """Words stay in their script; what a system forbids does not."""
    assert organize.track_name(identity(title, artists)) == name


@given(st.text(max_size=400), st.lists(st.text(max_size=80), max_size=3), st.text(min_size=1, max_size=80))
def test_any_name_is_safe_everywhere(title: str, artists: list[str], media_id: str) -> None:
    """No title, artist or id makes a name that is empty, too long, hidden, or leaves its folder."""
    name = organize.track_name(identity(title, tuple(artists), f"web:{media_id}"))

    assert 0 < len(name.encode()) <= 200
    assert not set(name) & set('<>:"/\\|?*\0')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert name.split(".", maxsplit=1)[0].upper() not in RESERVED
    assert name.isprintable()


@given(st.text(min_size=300, max_size=400))
def test_long_names_keep_their_id(title: str) -> None:
    """What tells two tracks apart is never cut off."""
    assert organize.track_name(identity(title)).endswith(" [abcdefghij0]")


def test_names_are_unique_without_regard_to_case(tmp_path: Path) -> None:
    """A name that another track holds, in whatever case, is not given again."""
    first = organize.targets(identity(), str(tmp_path), "{name}", taken=())
    second = organize.targets(
        identity("TIDE"), str(tmp_path), "{name}", taken=[path.upper() for path in first.values()]
    )

    assert Path(first["AIFF"]).name == "Ada Loop - Tide [abcdefghij0].aiff"
    assert Path(second["AIFF"]).name == "Ada Loop - TIDE [abcdefghij0] (2).aiff"


def test_a_file_of_somebody_elses_is_never_overwritten(tmp_path: Path) -> None:
    """What stands on the disk keeps its name, known to the index or not."""
    (tmp_path / "ada loop - tide [ABCDEFGHIJ0].WAV").write_bytes(b"mine")

    chosen = organize.targets(identity(), str(tmp_path), "{name}", taken=())

    assert Path(chosen["M4A"]).name == "Ada Loop - Tide [abcdefghij0] (2).m4a"


def test_the_layout_makes_folders_but_no_way_out(tmp_path: Path) -> None:
    """Fields become folders; an artist's name cannot climb."""
    chosen = organize.targets(
        identity(artists=("../..",)), str(tmp_path), "{format}/{artist}/../{name}", taken=()
    )

    assert Path(chosen["WAV"]).is_relative_to(tmp_path / "WAV")


@pytest.mark.parametrize("layout", ["{format}", "{name}/{title}", "fixed"])
def test_a_layout_that_cannot_work_is_refused_at_start(tmp_path: Path, layout: str) -> None:
    """Unknown fields and names that would all be the same."""
    with pytest.raises(ValueError, match="must hold"):
        make_library(tmp_path, layout=layout)


def test_placing_is_done_once(tmp_path: Path) -> None:
    """A second call finds the file in its place and leaves it."""
    file = audio(tmp_path / "work" / "a.m4a")
    target = tmp_path / "out" / "Tide.m4a"

    organize.place(file.path, str(target), file)
    before = target.stat()
    organize.place(file.path, str(target), file)

    assert target.stat().st_mtime_ns == before.st_mtime_ns
    assert not Path(file.path).exists()


def test_a_file_goes_to_another_volume_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where renaming is impossible it is copied beside the target first, and the leftover of a crash is no obstacle."""
    file = audio(tmp_path / "work" / "a.m4a", b"x" * 3_000_000)
    target = tmp_path / "out" / "Tide.m4a"
    target.parent.mkdir()
    (target.parent / ".Tide.m4a.part").write_bytes(b"half of it, from before a crash")
    real = Path.replace

    def across(self: Path, to: Any) -> Any:
        if self.parent != Path(to).parent:
            raise OSError(errno.EXDEV, "another volume")
        return real(self, to)

    monkeypatch.setattr(Path, "replace", across)

    organize.place(file.path, str(target), file)

    assert [each.name for each in target.parent.iterdir()] == ["Tide.m4a"]
    assert target.read_bytes() == b"x" * 3_000_000
    assert not Path(file.path).exists()


def test_a_full_disk_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person can act on it, and the work file is still there to go on from."""
    file = audio(tmp_path / "work" / "a.m4a")

    def full(_self: Path, _to: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(NotReady, match="the disk is full"):
        organize.place(file.path, str(tmp_path / "out" / "Tide.m4a"), file)
    assert Path(file.path).exists()


def test_a_work_file_that_vanished_is_said_in_words(tmp_path: Path) -> None:
    """Neither here nor there: the conversion has to run again."""
    file = audio(tmp_path / "work" / "a.m4a")
    Path(file.path).unlink()

    with pytest.raises(NotReady, match="conversion has to run again"):
        organize.place(file.path, str(tmp_path / "out" / "Tide.m4a"), file)


def test_the_librarys_folder_is_made_where_nothing_can_be_missing(tmp_path: Path) -> None:
    """On the first day there is no folder yet."""
    organize.check_out_dir(str(tmp_path / "Music" / "Segue"), known=())

    assert (tmp_path / "Music" / "Segue").is_dir()


@pytest.mark.parametrize("place", ["/Volumes/VIBES/Playlists", "/media/ada/Stick/Music", "/mnt/nas/Music"])
def test_a_missing_volume_is_never_made_up(place: str) -> None:
    """Nothing is created where systems mount volumes."""
    if Path(place).parent.exists():
        pytest.skip(f"{place} could exist on this machine")

    with pytest.raises(NotReady, match="Mount its volume"):
        organize.check_out_dir(place, known=())


def test_an_empty_mount_point_does_not_become_a_second_library(tmp_path: Path) -> None:
    """Where the index knows tracks and the folder is empty or gone, the volume is not mounted."""
    (tmp_path / "empty").mkdir()

    for folder in (tmp_path / "empty", tmp_path / "gone"):
        with pytest.raises(NotReady, match="Mount"):
            organize.check_out_dir(str(folder), known=[str(folder / "Tide.m4a")])
    assert not (tmp_path / "gone").exists()


def test_a_folder_that_cannot_be_written_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions are checked before work (root may write everywhere, so the system's answer is given here)."""
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(NotReady, match="not writable"):
        organize.check_out_dir(str(tmp_path), known=())


def test_missing_space_is_said_with_figures(tmp_path: Path) -> None:
    """What is free and what is needed."""
    with pytest.raises(NotReady, match=r"needed\. Make room"):
        organize.check_space(str(tmp_path), 10**18)


def test_a_layout_may_have_playlists_and_albums(tmp_path: Path) -> None:
    """What is unknown has a folder of its own; a playlist's name makes one folder, whatever it holds."""
    layout = "{playlist}/{album}/{artist} {name}"
    targets = organize.targets(identity(), str(tmp_path), layout, [], playlist="90s / 00s: best?")
    bare = organize.targets(identity(artists=()), str(tmp_path), layout, [])

    name = "Ada Loop Ada Loop - Tide [abcdefghij0].wav"
    assert Path(targets["WAV"]).relative_to(tmp_path).parts == ("90s _ 00s_ best_", "Unknown album", name)
    assert Path(bare["WAV"]).relative_to(tmp_path).parts[0] == "Uncategorized"


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_any_layout_stays_inside_and_fits(playlist: str, title: str, artist: str) -> None:
    """No word anywhere leads out of the library or makes a name that is too long or empty."""
    layout = "{playlist} - {artist}/{artist}{name}"
    chosen = organize.targets(identity(title, (artist,)), "/nowhere/at/all", layout, [], playlist=playlist)

    folder, name = Path(chosen["AIFF"]).relative_to("/nowhere/at/all").parts
    assert 0 < len(folder.encode()) <= 255
    assert len(name.encode()) <= 255
    assert "[abcdefghij0]" in name


def test_a_playlist_gets_a_second_name_of_the_file_once(tmp_path: Path) -> None:
    """On one volume no space is taken; again nothing happens; a stranger of that name keeps its place."""
    track = tmp_path / "Tide [x].wav"
    track.write_bytes(b"tide")
    lists = tmp_path / "lists"
    lists.mkdir()

    first = organize.put_into_playlist(str(track), "Sunday: late", str(lists))
    again = organize.put_into_playlist(str(track), "Sunday: late", str(lists))
    (lists / "Other").mkdir()
    (lists / "Other" / "Tide [X].wav").write_bytes(b"another tide")
    beside = organize.put_into_playlist(str(track), "Other", str(lists))

    assert first == again == str(lists / "Sunday_ late" / "Tide [x].wav")
    assert Path(first).samefile(track)
    assert Path(beside).name == "Tide [x] (2).wav"
    assert (lists / "Other" / "Tide [X].wav").read_bytes() == b"another tide"


def test_a_playlist_on_another_volume_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where second names are impossible the file is copied, whole, and recognised later."""

    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    track = tmp_path / "Tide [x].wav"
    track.write_bytes(b"tide")

    placed = organize.put_into_playlist(str(track), "Sunday", str(tmp_path))

    assert Path(placed).read_bytes() == b"tide"
    assert not Path(placed).samefile(track)
    assert organize.put_into_playlist(str(track), "Sunday", str(tmp_path)) == placed
    assert [each.name for each in (tmp_path / "Sunday").iterdir()] == ["Tide [x].wav"]


def test_a_missing_playlist_volume_is_said_before_work(tmp_path: Path) -> None:
    """It is never made: an unmounted volume would be filled at home."""
    library = make_library(tmp_path, playlist_dir=str(tmp_path / "Volumes" / "lists"))

    with pytest.raises(NotReady, match="PLAYLIST_TRACKS_DIR"):
        library.check_ready()
    assert not (tmp_path / "Volumes").exists()


def test_the_files_themselves_must_fit(tmp_path: Path) -> None:
    """A mix of ten thousand hours asks for its own space, beside what shall stay free."""
    library = make_library(tmp_path)

    library.check_ready(200.0)
    with pytest.raises(NotReady, match="Make room"):
        library.check_ready(10_000 * 3600.0)

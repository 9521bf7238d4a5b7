"""The matcher: what is certainly the wanted track is chosen, and everything that is only nearly it is refused."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from music_workflow.cli.main import app
from music_workflow.deduplication.matching import (
    FLOOR,
    GATE_S,
    Candidate,
    Judgement,
    Wanted,
    judge,
    match,
    same_artist,
)
from music_workflow.errors import BadLink

RECORDED = Path(__file__).resolve().parents[2] / ".." / "shared" / "matching" / "tracks.json"

PLAIN = Wanted(title="Tide", artists=("Ada Loop",), album="Shore", duration_s=200.0, isrc="GBABC2400001")

words = st.lists(
    st.text("abcdefghijklmnoprstuvwyzéüøñ", min_size=3, max_size=9), min_size=1, max_size=4, unique=True
).map(" ".join)
names = st.lists(
    st.text("bdfghklmnprstwz", min_size=3, max_size=5).map(lambda word: f"{word}o".title()),
    min_size=1,
    max_size=3,
    unique=True,
)
MARKS = (
    "Live,Demo,Remix,Acoustic,Karaoke,Cover,Sped Up,Slowed,Instrumental,Radio Edit,Extended Mix,8D Audio,Nightcore,"
    "Live at the Fox,Kitsune Remix,Tribute,Lullaby Version,חי,קריוקי,ライブ"
)
marks = st.sampled_from(MARKS.split(","))


def offer(**more: Any) -> Candidate:
    """The label's own delivery of the plain track, changed as told."""
    values = {
        "id": "x",
        "title": "Tide",
        "artists": ("Ada Loop",),
        "duration_s": 200.0,
        "kind": "song",
        **more,
    }
    return Candidate(**values)


def verdict(wanted: Wanted = PLAIN, **more: Any) -> Judgement:
    """What is thought of it."""
    return judge(wanted, offer(**more))


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded searches are not beside the repository")
def test_recorded_searches_are_answered_rightly() -> None:
    """No accepted answer is passed over, nothing is taken where the right one was not found."""
    tracks = {track["spotify_id"]: track for track in json.loads(RECORDED.read_text("utf-8"))["tracks"]}
    answer = CliRunner().invoke(app, ["match", "--json", str(RECORDED)])

    lines = [json.loads(line) for line in answer.output.splitlines()]

    assert [line["spotify_id"] for line in lines] == list(tracks)
    assert all(set(line) == {"spotify_id", "chosen", "score", "why"} for line in lines)
    for line in lines:
        track = tracks[line["spotify_id"]]
        right = {*track["expected"], *track["accepted_extra"]}
        if right & {each["video_id"] for each in track["candidates"]}:
            # One song of the same two artists, a second shorter, was judged by nobody.
            assert line["chosen"] in {*right, "BX4q8Qyjfqg"}, line
            assert line["score"] >= FLOOR
        else:
            assert line["chosen"] is None, line
        assert line["why"]


@pytest.mark.parametrize("content", ["", "[]", '{"tracks": [{}]}', '{"tracks": 3}'])
def test_a_file_of_another_shape_is_named(tmp_path: Path, content: str) -> None:
    """The sentence says which file is meant, not only which key."""
    file = tmp_path / "odd.json"
    file.write_text(content)

    answer = CliRunner().invoke(app, ["match", "--json", str(file)])

    assert isinstance(answer.exception, BadLink)
    assert "odd.json is not a file of recorded searches" in str(answer.exception)


@pytest.mark.parametrize(
    ("title", "artists", "found", "by"),
    [
        ("Down", ("Jay Sean", "Lil Wayne"), "Down (feat. Lil Wayne)", ("Jay Sean",)),
        ("Deep - Remastered 2011", ("Qu",), "Deep (Remastered 2011)", ("Qu",)),
        ("Deep - 2011 Remaster", ("Qu",), "Deep (Remastered 2011)", ("Qu",)),
        ("Levels - Radio Edit", ("Avi",), "Levels (Radio Edit)", ("Avi",)),
        ("Lucky - Radio Edit", ("Daf",), "Lucky (Radio Mix)", ("Daf",)),
        ("Lose It - From “8 Mile”", ("Em",), "Lose It", ("Em",)),
        ("Déjà Vu", ("Beyoncé",), "DEJA VU", ("beyonce",)),
        ("September", ("Earth, Wind & Fire",), "September", ("Earth", "Wind", "Fire")),
        ("Live Forever", ("Oasis",), "Live Forever", ("Oasis",)),
        ("Live Forever - Live", ("Oasis",), "Live Forever (Live)", ("Oasis",)),
        ("Pt. 2", ("Kid",), "Part II", ("Kid",)),
        ("Solo (feat. Ann) - Kid Remix", ("Bo", "Ann"), "Solo (Kid Remix feat. Ann)", ("Bo",)),
        ("Hey - 20th Anniversary Edition", ("Bo",), "Hey", ("Bo",)),
        ("?", ("XX",), "?", ("XX",)),
        (
            "Mass in B Minor",
            ("Johann Sebastian Bach",),
            "J.S. Bach: Mass in B Minor",
            ("Johann Sebastian Bach",),
        ),
        ("What's Up (with Black Cat)", ("Way", "Black Cat"), "What\u2019s Up", ("Way", "Black Cat")),
        ("Hot - Radio Edit", ("Bo",), "Hot (Radio Version)", ("Bo",)),
        (
            "Solomon, Act III",
            ("George Frideric Handel",),
            "Handel: Solomon, Act III",
            ("George Frideric Handel",),
        ),
        ("Песня", ("Кино",), "Песня", ("Kino",)),
        ("טעם", ("Tuna",), "טעם", ("טונה",)),
        ("Love (사랑)", ("iKON",), "Love", ("iKON",)),
        ("Rock 'n' Roll", ("The Kinks",), "Rock\u2019n\u2019Roll", ("Kinks",)),
        ("Black Sabbath", ("Black Sabbath",), "Black Sabbath", ("Black Sabbath",)),
        ("Song", ("A", "B"), "Song", ("A und B",)),
    ],
)
def test_one_track_in_two_spellings_is_one(
    title: str, artists: tuple[str, ...], found: str, by: tuple[str, ...]
) -> None:
    """Guests, remasters, edits, accents, scripts and localised joins are written in many ways."""
    judged = verdict(replace(PLAIN, title=title, artists=artists), title=found, artists=by)

    assert judged.accepted, judged.why


@pytest.mark.parametrize(
    "title",
    [
        "Tide (Made Famous By Ada Loop)",
        "Tide (Originally Performed by Ada Loop)",
        "Tide (In the Style of Ada Loop)",
        "Tide (16-Bit Ada Loop Emulation)",
        "Tide - Tribute to Ada Loop",
        "Tide (Ada Loop Cover Mix)",
        "Ada Loop - Tide (Piano Karaoke)",
    ],
)
@pytest.mark.parametrize("kind", ["song", "video"])
def test_imitators_are_refused(title: str, kind: str) -> None:
    """They name the artist, and the length fits: the words around the name tell."""
    assert verdict(title=title, artists=("Karaoke Kings",), kind=kind, isrc_rank=0).refused


def test_words_that_no_list_knows_are_refused() -> None:
    """What is not explained by title, artist or ornament may be any version."""
    judged = verdict(title="Tide (Kittens Sing It)", isrc_rank=0)

    assert judged.refused
    assert "kittens sing it" in judged.why[0]


def test_an_edit_is_refused_by_its_length_alone() -> None:
    """Ten seconds less under the very same title."""
    assert verdict(duration_s=190.0, isrc_rank=0, isrc=PLAIN.isrc).refused


def test_without_a_length_nothing_is_taken() -> None:
    """A candidate that may be an edit is for a human to judge, not refused."""
    judged = verdict(replace(PLAIN, duration_s=None), isrc_rank=0)

    assert not judged.refused
    assert not judged.accepted


def test_a_remaster_needs_proof_that_the_release_is_the_same() -> None:
    """The same performance: taken when the album or the recording code says so, else refused; years must agree."""
    assert verdict(title="Tide (2009 Remaster)").refused
    assert verdict(title="Tide (2009 Remaster)", album="Shore").accepted
    assert verdict(title="Tide (2009 Remaster)", isrc_rank=0).accepted
    assert verdict(
        replace(PLAIN, title="Tide - 2011 Remaster"), title="Tide (2009 Remaster)", album="Shore"
    ).refused


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Piano Version", "Acoustic Version"),
        ("Sped Up", "Slowed"),
        ("Club Mix", "Extended Mix"),
        ("VIP Mix", "Remix"),
        ("Kid Remix", "Bo Remix"),
        ("Live at the Fox", "Live in Paris"),
        ("Remix", "Kid Remix"),
    ],
)
def test_versions_of_different_kinds_or_names_are_different(one: str, other: str) -> None:
    """It is not enough that both are some version."""
    wanted, marked = replace(PLAIN, title=f"Tide - {one}"), f"Tide ({other})"
    assert verdict(wanted, title=marked).refused
    assert verdict(replace(PLAIN, title=marked), title=wanted.title).refused


def test_a_fuller_name_of_the_same_concert_needs_the_same_release() -> None:
    """Whether “Live at Wembley” and “Live at Wembley, July 1986” are one, only the release tells."""
    wanted = replace(PLAIN, title="Tide - Live at Wembley")
    assert verdict(wanted, title="Tide (Live at Wembley, July 1986)").refused
    assert verdict(wanted, title="Tide (Live at Wembley, July 1986)", isrc_rank=0).accepted
    assert verdict(wanted, title="Tide (Live in Paris)", isrc_rank=0).refused


def test_a_guest_whom_nobody_named_is_another_version() -> None:
    """The same song with a guest verse may be exactly as long."""
    assert verdict(title="Tide (feat. Juno Fields)", isrc_rank=0).refused
    assert verdict(
        title="Ada Loop - Tide (feat. Juno Fields)", artists=("Juno Fields",), kind="video"
    ).refused


def test_other_performers_of_the_same_composer_are_refused() -> None:
    """One shared name is not enough where both sides name further, different ones."""
    wanted = replace(PLAIN, artists=("Handel", "The English Concert"))
    assert verdict(wanted, artists=("Handel", "Academy of Arts")).refused


def test_an_album_of_karaoke_is_no_answer() -> None:
    """A bare title may hide what its album says."""
    assert not verdict(album="Karaoke Hits of 2019").accepted


def test_a_song_beats_an_upload_and_an_upload_of_strangers_needs_the_exact_length() -> None:
    """Both are right; the label's own delivery is taken."""
    upload = offer(id="upload", kind="video")
    stranger = offer(id="stranger", kind="video", title="Ada Loop - Tide", artists=("Someone",))
    found = match(PLAIN, [stranger, upload, offer(id="song", rank=9)])

    assert [one.candidate.id for one in found.judged] == ["song", "upload", "stranger"]
    assert found.chosen is found.judged[0]
    assert judge(PLAIN, stranger).accepted
    assert judge(PLAIN, replace(stranger, duration_s=202.0)).refused
    assert judge(PLAIN, replace(stranger, title="Tide")).refused


def test_two_hits_of_one_track_are_one_candidate() -> None:
    """The search for the code vouches for it, the search for the title knows its album."""
    found = match(PLAIN, [offer(isrc_rank=0), offer(album="Shore", rank=4)])

    (one,) = found.judged
    assert one.score == 100.0


def test_a_play_count_is_no_artist() -> None:
    """Localised pages are parsed so that "11 Mio. Wiedergaben" stands among the artists."""
    assert verdict(artists=("Ada Loop", "11\u00a0Mio.\u00a0Wiedergaben")).score == verdict().score
    assert verdict(artists=("9,6 Mio. Aufrufe",)).refused


def test_another_script_needs_the_recording_code() -> None:
    """A title that cannot be compared is taken only when the code found it, at the exact length, as a song."""
    wanted = replace(PLAIN, title="光")
    assert verdict(wanted, title="Hikari", isrc_rank=0).accepted
    assert verdict(wanted, title="Hikari").refused
    assert verdict(wanted, title="Hikari", isrc_rank=0, duration_s=202.5).refused
    assert verdict(wanted, title="Hikari (Live)", isrc_rank=0).refused


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Noa Kirel", "נועה קירל", True),
        ("Tuna", "טונה", True),
        ("Кино", "Kino", True),
        ("Noa Kirel", "טונה", False),
        ("The Beatles", "Beatles", True),
        ("Sigur Rós", "SIGUR ROS", True),
        ("אבי אבורומי - Avi Aburomi", "Avi Aburomi", True),
        ("A$AP Rocky", "ASAP Rocky", True),
        ("P!nk", "Pink", True),
        ("Adele", "Odell", False),
        ("Prince", "Princess Nokia", False),
    ],
)
def test_artists_are_known_in_every_spelling(one: str, other: str, *, same: bool) -> None:
    """Accents, articles, signs for letters, and scripts by their consonants."""
    assert same_artist(one, other) is same
    assert same_artist(other, one) is same


@given(title=words, artists=names, apart=st.floats(-0.5, 0.5))
def test_a_track_is_itself(title: str, artists: list[str], apart: float) -> None:
    """Whatever it is called and by whom."""
    wanted = replace(PLAIN, title=title, artists=tuple(artists))
    assert verdict(wanted, title=title, artists=tuple(artists), duration_s=200 + apart).accepted


@given(title=words, artists=names, mark=marks, brackets=st.sampled_from(["{} ({})", "{} [{}]", "{} - {}"]))
def test_a_version_word_on_one_side_refuses(title: str, artists: list[str], mark: str, brackets: str) -> None:
    """Either way round, however it is set off, even when the recording code led there; on both sides it agrees."""
    by = tuple(artists)
    marked = brackets.format(title, mark)
    plain, other = replace(PLAIN, title=title, artists=by), replace(PLAIN, title=marked, artists=by)

    assert verdict(plain, title=marked, artists=by, isrc_rank=0).refused
    assert verdict(other, title=title, artists=by, isrc_rank=0).refused
    assert verdict(other, title=marked, artists=by).accepted


@given(
    title=words,
    artists=names.filter(lambda some: len(some) > 1),
    words_=st.sampled_from(["feat.", "ft.", "with"]),
)
def test_ways_to_write_guests_are_one(title: str, artists: list[str], words_: str) -> None:
    """In the artists, in brackets, after "feat.", "ft." or "with"."""
    main, *guests = artists
    wanted = replace(PLAIN, title=title, artists=tuple(artists))
    written = f"{title} ({words_} {' & '.join(guests)})"

    assert (
        verdict(wanted, title=written, artists=(main,)).score
        == verdict(wanted, title=title, artists=tuple(artists)).score
    )
    assert verdict(
        replace(wanted, title=written, artists=(main,)), title=title, artists=tuple(artists)
    ).accepted


@given(title=words, artists=names, form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_forms_of_unicode_are_equal(title: str, artists: list[str], form: Any) -> None:
    """Composed and decomposed letters, and capitals, judge alike."""
    wanted = replace(PLAIN, title=title, artists=tuple(artists))
    other = tuple(unicodedata.normalize(form, name) for name in artists)

    judged = verdict(wanted, title=unicodedata.normalize(form, title).upper(), artists=other)

    assert judged.score == verdict(wanted, title=title, artists=tuple(artists)).score


@given(
    one=st.tuples(words, names, st.floats(100, 104), st.none() | marks),
    other=st.tuples(words, names, st.floats(100, 104), st.none() | marks),
    same=st.booleans(),
)
def test_matching_is_symmetric(one: Any, other: Any, *, same: bool) -> None:
    """Whether two tracks are refused as different does not hang on which of them is asked for."""
    if same:
        other = (one[0], one[1], other[2], other[3])

    def told(track: Any) -> dict[str, Any]:
        title, artists, length, mark = track
        return {
            "title": f"{title} ({mark})" if mark else title,
            "artists": tuple(artists),
            "duration_s": length,
        }

    there = judge(Wanted(**told(one)), Candidate(id="x", kind="song", **told(other)))
    back = judge(Wanted(**told(other)), Candidate(id="x", kind="song", **told(one)))

    assert there.refused == back.refused


@given(apart=st.floats(0.0, 60.0))
def test_the_further_in_length_the_worse(apart: float) -> None:
    """The score falls with the distance, and beyond the gate there is none."""
    judged = verdict(duration_s=200.0 + apart)
    assert judged.refused == (apart > GATE_S)
    assert judged.score <= verdict(duration_s=200.0 + apart / 2).score


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_judged(title: str, artists: list[str]) -> None:
    """Whatever services serve, the answer is a score between 0 and 100 with its reasons."""
    judged = verdict(title=title, artists=tuple(artists))
    assert 0.0 <= judged.score <= 100.0
    assert judged.why
    assert judge(replace(PLAIN, title=title, artists=tuple(artists)), offer()).why

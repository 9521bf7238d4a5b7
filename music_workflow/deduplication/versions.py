"""The words that tell a version: what makes a recording another one than the plain song, in many languages.

A list can never be complete; `matching` therefore refuses words it cannot explain, and this list only has to say
which words are never a mere ornament. Pure; called by `names` and `matching`.
"""

from __future__ import annotations

import re

from anyascii import anyascii

Words = tuple[str, ...]
"""Lower-case ASCII words, in order."""

_VERSIONS: dict[str, str] = {
    "live": "live concert vivo directo konzert koncert konsert ao_vivo en_vivo en_concert in_concert session sessions"
    " חי הופעה בהופעה концерт ライブ 라이브 現場 现场 festival פסטיבל",
    "demo": "demo demos rehearsal outtake outtakes rough sketch early take takes alternate alternative alt דמו демо",
    "remix": "remix remixes rmx remixed mix rework reworked refix retouch רמיקס ремикс リミックス 리믹스",
    "mashup": "mashup mash_up medley megamix מחרוזת",
    "edit": "edit edited radio short cut trimmed snippet preview shortened reedit",
    "clean": "clean censored",
    "extended": "extended long 12inch hour hours loop looped",
    "acoustic": "acoustic acustico acustica akustik akustyczna acoustique stripped אקוסטי акустика",
    "orchestral": "orchestral orchestra symphonic string strings quartet",
    "lo-fi": "lofi lo_fi chill",
    "instrumental": "instrumental instrumentals inst beat backing minus_one off_vocal playback אינסטרומנטלי",
    "a cappella": "acapella acappella a_cappella vocals_only vocal_only isolated אקפלה",
    "karaoke": "karaoke singalong sing_along קריוקי караоке カラオケ 노래방 lower_key higher_key",
    "cover": "cover covers covered tribute tributes emulation emulated rendition interpretation reinterpretation"
    " parody 8bit 16bit 32bit 8_bit 16_bit 32_bit chiptune lullaby musicbox music_box kazoo made_famous"
    " made_popular originally_performed originally_by performed_by in_the_style style_of reimagined arranged"
    " arrangement reaction tutorial lesson cifra קאבר кавер カバー 커버 歌ってみた marimba ringtone",
    "sped up": "sped spedup speed_up sped_up speed faster fast pitched pitch_up hyper",
    "slowed": "slowed slow_down slowed_down slower chopped screwed daycore",
    "bass boosted": "bassboosted bass_boosted bass_boost boosted",
    "reverb": "reverb reverbed",
    "effects": "8d 9d 16d 3d_audio 432hz 432_hz binaural spatial muffled underwater tempo bpm",
    "remaster": "remaster remastered remastering remasterizado remasterisé remasterizada",
    "re-recording": "rerecorded re_recorded rerecording re_recording taylors_version new_recording",
    "other version": "version versión versione versão versi verzija wersja vers mouture variation גרסה גרסת גירסה"
    " версия バージョン 버전 ver",
}
"""Kind of version -> the words that tell it; an underscore joins words that tell it only together."""

_OWN_KIND = (
    "unplugged nightcore vip bootleg flip dub single mono reprise piano guitar ukulele violin cello harp sax saxophone"
    " jazz bossa dubstep techno trap metal reggae phonk"
)
"""Words each of which is a kind by itself: a piano version is no guitar version."""

_WORD = re.compile(r"[a-z0-9]+")


def listed(words: str) -> frozenset[str]:
    """Make a set of words out of a line of them, each as it looks in ASCII."""
    return frozenset(anyascii(word).lower() for word in words.split())


_KINDS: dict[Words, str] = {
    tuple(_WORD.findall(anyascii(phrase.replace("_", " ")).lower())): kind
    for kind, phrases in _VERSIONS.items()
    for phrase in phrases.split()
} | {(word,): word for word in _OWN_KIND.split()}
_LONGEST_PHRASE = max(map(len, _KINDS))


def version_words(words: Words) -> tuple[frozenset[str], frozenset[str]]:
    """Find the kinds of version that words tell, and which words did not tell one."""
    kinds: set[str] = set()
    rest: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
            if kind := _KINDS.get(words[at : at + length]):
                kinds.add(kind)
                at += length
                break
        else:
            rest.append(words[at])
            at += 1
    return frozenset(kinds), frozenset(rest)

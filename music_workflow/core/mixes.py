"""Whether a recording is a mix or a live set rather than a track. Pure; called by the handlers and the command line.

Length decides: nothing in a title makes a song of four minutes a set ("Live at Wembley" is a version), and
"Original Mix" is no mix. Between half the limit and the limit the title has a say.
"""

from __future__ import annotations

import re

_SET_WORDS = re.compile(
    r"""\b(?:dj[\s-]*(?:set|mix)|live[\s-]*(?:set|mix|stream|@|at\b|from\b|in\b)|mini[\s-]?mix|mix[\s-]?tape|mega[\s-]?mix
    |b2b|essential\ mix|guest\ mix|warm[\s-]?up\ (?:set|mix)|closing\ set|boiler\ room|full\ set|set\s*@
    |radio\ ?show|podcast|continuous(?:\ (?:dj\ )?mix)?|mixed\ by|in\ the\ mix|year\ ?mix|episode\s*\#?\d+)""",
    re.IGNORECASE | re.VERBOSE,
)


def recognise(title: str, duration_s: float | None, limit_minutes: float) -> str | None:
    """Say why a recording counts as a mix.

    Args:
        title: As the service gives it.
        duration_s: None when it is not known yet; nothing is a mix then.
        limit_minutes: What is longer is a mix whatever its title.

    Returns:
        A few words with the figure; None when it is a track.
    """
    if duration_s is None:
        return None
    minutes = duration_s / 60
    if minutes > limit_minutes:
        return f"it lasts {minutes:.0f} minutes, more than {limit_minutes:g}"
    said = _SET_WORDS.search(title)
    if said and minutes > limit_minutes / 2:
        return f"it lasts {minutes:.0f} minutes, and its title says “{said[0]}”"
    return None

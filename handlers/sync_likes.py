"""Asks SoundCloud and Spotify for new likes and files a Sync track row for each, once.

One run is one poll; give the row a Schedule ("every 5 minutes") to follow the likes. Neither service tells anybody of a
like by itself, so asking is the only way; a like stands as a row within a minute of the poll that sees it. How far it
came is remembered in DATA_DIR, and only when the rows are filed. The first poll takes up the newest LIKES_AT_FIRST
likes and leaves the older ones: Sync playlist with the link of your likes takes them all.

If it stays Blocked: no service is set up, or one refuses the credentials; the Question says which settings are needed.
If it waits (Ready, with Run after): no service could be asked just now, or Spotify has sent the app away for a while
(up to a day); it is tried again then, and nothing is lost.
"""

from __future__ import annotations

from handlers.base import Done, Evidence, Job, NoRequest, Tools, TryLater, handler, minutes
from handlers.music_ports import WantedRow, batches
from music_workflow.core import feed
from music_workflow.core.feed import Fresh, Poll
from music_workflow.core.listing import Entry

_BATCH = 200
"""New likes of each service in one run; the next poll goes on."""
_AT_ONCE = 20
_SHOWN = 50


@handler(
    "Sync liked tracks",
    aliases=("Sync likes",),
    attempts=5,
    timeout=minutes(30),
    steps={"ask": 30, "file rows": 65, "remember": 5},
)
def sync_likes(job: Job[NoRequest], tools: Tools) -> Done:
    """One poll, from the question to the remembered answer."""
    settings = tools.library.settings
    poll = job.step("ask", feed.poll, settings, _BATCH)
    if not poll.fresh:
        raise TryLater(f"The likes could not be asked for: {'; '.join(poll.trouble)}", poll.retry_after_s)
    wanted = [_row(one, entry) for one in poll.fresh for entry in one.entries]
    filed = [job.step("file rows", tools.rows.file, rows) for rows in batches(wanted, _AT_ONCE)]
    known = job.step("remember", feed.advance, settings, poll.fresh)
    new = sum(each.new for each in filed)
    return Done(
        summary=f"{_count(new, 'new like')} {'has' if new == 1 else 'have'} a Sync track row now.",
        evidence=(
            *(Evidence(one.name, _words(one)) for one in poll.fresh),
            *(Evidence("Could not be asked", words, "skip") for words in poll.trouble),
            Evidence("Rows filed", f"{new} now, {sum(each.before for each in filed)} by an earlier run"),
            Evidence("Likes known", str(known)),
            *_listed(poll),
        ),
    )


def _row(one: Fresh, entry: Entry) -> WantedRow:
    when = f" on {entry.added_at[:10]}" if entry.added_at else ""
    return WantedRow(
        key=f"like:{entry.key}",
        task_type="Sync track",
        title=entry.name,
        link=entry.link,
        description=f"Liked{when}; seen in {one.name}.",
    )


def _words(one: Fresh) -> str:
    if one.is_first:
        older = f"; {_count(len(one.seen_only), 'older one')} left alone" if one.seen_only else ""
        return f"followed for the first time: the newest {len(one.entries)} taken up{older}"
    more = f"; {one.more} more are left to the next poll" if one.more else ""
    return f"{_count(len(one.entries), 'new like')}{more}"


def _listed(poll: Poll) -> tuple[Evidence, ...]:
    names = [entry.name for one in poll.fresh for entry in one.entries]
    more = (Evidence("And", f"{len(names) - _SHOWN} more"),) if len(names) > _SHOWN else ()
    return (*(Evidence("Liked", name) for name in names[:_SHOWN]), *more)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

"""``music match``: the matcher over searches that were recorded in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def match(
    file: Annotated[Path, typer.Argument(help="Recorded searches, as JSON.", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Say for each track of a file which candidate is certainly it; without one, null and why.

    The score is of the chosen one, or of the best that was not good enough.
    """
    from music_workflow.deduplication import matching, recorded  # noqa: PLC0415 - keeps --help fast

    for track in recorded.read(file):
        found = matching.match(track.wanted, track.candidates)
        best = found.chosen or (found.judged[0] if found.judged else None)
        row = {
            "spotify_id": track.spotify_id,
            "chosen": found.chosen.candidate.id if found.chosen else None,
            "score": best.score if best else 0.0,
            "why": "; ".join(best.why) if best else "no candidate",
        }
        if as_json:
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            typer.echo(f"{row['spotify_id']}  {row['chosen'] or '-':<11}  {row['score']:5.1f}  {row['why']}")

"""Verifies the whole configuration: settings, token, databases, columns, status words, folders, services, engine.

The same examination as `segue doctor`, by the worker itself and with its own environment, with each line on the row's
page: what was looked at, pass, warning or fail, what is the case, and what to do. Warnings (a stand-in in use, an
optional part left out) do not fail it.

If it Failed: something does not work as it is set up; the lines that fail say whose it is and the remedy. Mend it, then
set Status to Ready to look again. If it never starts: run `segue doctor` on the worker's machine, since what is wrong
may be what keeps rows from being read.
"""

from __future__ import annotations

from handlers.base import CannotDo, Diagnosis, Done, Evidence, Job, NoRequest, Tools, handler, minutes


@handler(
    "Verify configuration",
    aliases=("Verify config", "Doctor"),
    attempts=2,
    timeout=minutes(10),
    steps={"examine": 100},
)
def verify_config(job: Job[NoRequest], tools: Tools) -> Done:
    """Examines everything and says so line by line, what is wrong first."""
    found = job.step("examine", tools.doctor.examine)
    ordered = sorted(found, key=lambda one: ("fail", "warn", "pass").index(one.verdict))
    evidence = tuple(
        Evidence(f"{one.service}: {one.name}", f"{one.found} {one.remedy}".strip(), one.verdict)
        for one in ordered
    )
    wrong = [one for one in found if one.verdict == "fail"]
    summary = f"{_count(found, 'pass')} checks passed, {_count(found, 'warn')} warnings, {len(wrong)} failed."
    if wrong:
        named = " ".join(f"{one.service}, {one.name}: {one.found} {one.remedy}".strip() for one in wrong)
        raise CannotDo(f"{summary} {named}", evidence=evidence)
    return Done(summary=summary, evidence=evidence)


def _count(found: tuple[Diagnosis, ...], verdict: str) -> int:
    return sum(one.verdict == verdict for one in found)

"""How a check speaks: a line that passes, warns or fails."""

from __future__ import annotations

from handlers.base import Diagnosis


def passed(service: str, name: str, found: str) -> Diagnosis:
    """It is as it should be."""
    return Diagnosis(service=service, name=name, verdict="pass", found=found)


def warned(service: str, name: str, found: str, remedy: str = "") -> Diagnosis:
    """Segue works, but with less than it could, or with a stand-in."""
    return Diagnosis(service=service, name=name, verdict="warn", found=found, remedy=remedy)


def failed(service: str, name: str, found: str, remedy: str = "") -> Diagnosis:
    """Segue, or this part of it, cannot work like this."""
    return Diagnosis(service=service, name=name, verdict="fail", found=found, remedy=remedy)

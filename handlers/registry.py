"""Finds the handlers: scans this folder once and refuses what is ambiguous or undocumented, loudly and at start."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import handlers
from handlers.base import Handler

_NOT_HANDLERS = {"approval", "base", "earlier_port", "music_ports", "registry"}


class RegistryError(Exception):
    """A handler file is not as it must be; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The task types this worker serves."""

    handlers: Mapping[str, Handler[Any]]
    """Task type -> handler, in alphabetical order."""

    def find(self, task_type: str | None) -> Handler[Any] | None:
        """The handler that serves a Task Type option, by name or alias; None when nobody does."""
        wanted = " ".join((task_type or "").split()).casefold()
        return next(
            (h for h in self.handlers.values() if wanted in (name.casefold() for name in h.names)), None
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Every Task Type option that is served, aliases included."""
        return tuple(name for h in self.handlers.values() for name in h.names)

    def reviews(self, task_type: str) -> bool:
        """Whether a task type checks what another row did."""
        found = self.find(task_type)
        return found is not None and found.reviews

    def runbook(self, task_type: str) -> str:
        """The handler's module docstring."""
        return sys.modules[self.handlers[task_type].module].__doc__ or ""


def load() -> Registry:
    """Imports every file of this folder and collects its handler.

    Raises:
        RegistryError: a file without a handler or with two, a task type served twice, or no docstring.
    """
    return collect(
        importlib.import_module(f"{handlers.__name__}.{info.name}")
        for info in pkgutil.iter_modules(handlers.__path__)
        if info.name not in _NOT_HANDLERS
    )


def collect(modules: Iterable[ModuleType]) -> Registry:
    """The registry of ``modules``, each of which must hold one documented handler."""
    found: dict[str, Handler[Any]] = {}
    served: dict[str, str] = {}
    for module, one in _one_each(modules):
        for name in one.names:
            if other := served.get(name.casefold()):
                raise RegistryError(
                    f"{module.__name__}: the task type {name!r} is already served by {other}."
                )
            served[name.casefold()] = module.__name__
        found[one.task_type] = one
    return Registry(dict(sorted(found.items())))


def _one_each(modules: Iterable[ModuleType]) -> Iterator[tuple[ModuleType, Handler[Any]]]:
    for module in modules:
        here = [value for value in vars(module).values() if isinstance(value, Handler)]
        if len(here) != 1:
            raise RegistryError(f"{module.__name__} must hold exactly one handler; it holds {len(here)}.")
        if not (module.__doc__ or "").strip():
            raise RegistryError(f"{module.__name__} has no docstring; it is the runbook that people read.")
        yield module, here[0]

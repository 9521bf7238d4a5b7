"""``make bench``: runs a benchmark by name (``ARGS=requests``), or says which there are."""

from __future__ import annotations

import pkgutil
import runpy
import sys

import benchmarks


def main() -> int:
    """Runs ``benchmarks.<name>`` with the remaining arguments."""
    names = sorted(info.name for info in pkgutil.iter_modules(benchmarks.__path__) if info.name != "__main__")
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"make bench ARGS=NAME, where NAME is one of: {', '.join(names)}")
        return 0 if len(sys.argv) == 1 else 2
    name = sys.argv.pop(1)
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

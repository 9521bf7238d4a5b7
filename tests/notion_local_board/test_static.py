"""The page's files: what is named is there, and what is there is named."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import httpx
import pytest

from tests.notion_local_board.conftest import Served

STATIC = Path(str(resources.files("notion_local.board"))) / "static"
MODULES = sorted(path.name for path in (STATIC / "js").glob("*.js"))


def test_the_page_asks_for_all_its_modules_at_once() -> None:
    """Without a preload each module would be found only after the one that imports it has arrived."""
    page = (STATIC / "index.html").read_text()

    assert sorted(re.findall(r'src="/static/js/([\w.]+)"|href="/static/js/([\w.]+)"', page)) == sorted(
        (name, "") if name in {"main.js", "theme.js"} else ("", name) for name in MODULES
    )


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_exists(name: str) -> None:
    """Each named import is exported by the module it is taken from."""
    source = (STATIC / "js" / name).read_text()
    for names, module in re.findall(r'import \{([^}]+)\} from "\./([\w.]+)"', source):
        exported = re.findall(
            r"export (?:async )?(?:function|const|class) (\w+)", (STATIC / "js" / module).read_text()
        )
        assert {each.strip() for each in names.split(",") if each.strip()} <= set(exported)


@pytest.mark.parametrize("name", MODULES)
def test_no_module_turns_text_into_markup(name: str) -> None:
    """Text from the workspace becomes nodes; the words that would parse it do not occur."""
    source = (STATIC / "js" / name).read_text()
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    ):
        assert dangerous not in source


def test_a_browser_asks_whether_its_copy_is_the_newest(door: Served) -> None:
    """The second request for a file costs no more than a 304."""
    for path in ("/static/js/main.js", "/static/css/tokens.css"):
        first = httpx.get(door.url + path)
        again = httpx.get(door.url + path, headers={"If-None-Match": first.headers["etag"]})

        assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
        assert again.status_code == 304

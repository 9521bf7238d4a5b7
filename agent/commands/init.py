"""The first evening: from a token to an ``.env`` that fits the owner's workspace. What ``segue init`` does.

Finds the databases that are shared with the integration, proposes which is which, shows what they lack, and only when
it was agreed to writes ``.env`` and adds that. The token is asked for without being shown, and never told or logged.
Nothing in Notion is renamed, retyped or deleted, and no value in ``.env`` is replaced without asking.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import AliasChoices, SecretStr

from agent import setup, wiring
from agent.commands.env_file import EnvFile
from agent.commands.talk import Talk, Unanswered
from agent.settings import Settings
from notion_schema import blocks, discovery, provisioning
from notion_schema.client import Notion
from notion_schema.databases import SPECS
from notion_schema.discovery import Candidate, Proposal
from notion_schema.errors import Incomplete, NotShared, Refused, SchemaDrift
from notion_schema.ids import BadId, parse_id
from notion_schema.places import locate

_TRIES = 3
_HOW_TO_SHARE = "Open each in Notion, or its page: ••• menu, Connections, and choose the integration."


@dataclass(frozen=True)
class Wishes:
    """What was said on the command line.

    Attributes:
        token: The integration's token; asked for when empty and not set.
        page: Link of the page under which missing databases are created; asked for when empty.
    """

    token: str = ""
    page: str = ""


def set_up(settings: Settings, env: EnvFile, talk: Talk, wishes: Wishes) -> bool:
    """Runs the set-up.

    Returns:
        Whether Segue can work now: the token and every required database are in ``.env``.

    Raises:
        Unanswered: Nobody is asked, and a question has no default.
        NotionError: Notion cannot be read, or a change failed; what was agreed before that is done.
    """
    token = _token(settings, talk, wishes)
    settings = settings.model_copy(update={"notion_token": SecretStr(token)})
    with wiring.notion(settings) as notion:
        _introduce(notion, talk)
        chosen = _databases(notion, settings, talk)
        missing = [key for key in SPECS if key not in chosen]
        page = _page(notion, talk, wishes, missing) if missing else ""
        fitted = setup.with_databases(settings, {**dict.fromkeys(setup.VARIABLES, ""), **chosen})
        plan = setup.plan(notion, fitted, page)
        _show(plan, talk)
        written = _written(env, talk, {"NOTION_TOKEN": token, **setup.variables(chosen)})
        if written and not plan.empty and talk.agree("Add this to the workspace in Notion?"):
            try:
                ids = setup.apply(notion, plan)
            except Incomplete as full:
                talk.say(f"! {full.message}")
                ids = full.ids
            made = {key: each for key, each in ids.items() if key not in chosen}
            written = _written(env, talk, setup.variables(made))
            chosen = {**made, **chosen}
    return _closing(talk, chosen, written=written)


# The token -----------------------------------------------------------------------------------------------------------


def _token(settings: Settings, talk: Talk, wishes: Wishes) -> str:
    given = wishes.token.strip() or settings.notion_token.get_secret_value()
    if given:
        return given
    talk.say(
        "Segue needs the token of an internal integration: Notion, Settings, Connections, Develop or manage"
    )
    talk.say("integrations, New integration. It stays in .env on this machine.")
    for _ in range(_TRIES):
        token = talk.secret(
            "Token (not shown)", instead="Give it by --token-file, --token-env, or as NOTION_TOKEN in .env."
        )
        if token and token.isascii() and token.isprintable() and " " not in token:
            return token
        talk.say("That is no token: it is one word of letters, digits and underscores.")
    raise Unanswered("No token was given. Run “segue init” again when you have it.")


def _introduce(notion: Notion, talk: Talk) -> None:
    me = notion.me()
    workspace = (me.get("bot") or {}).get("workspace_name") or "a workspace without a name"
    talk.say(f"Notion knows the token as “{me.get('name') or 'an integration'}” in {workspace}.")


# The databases -------------------------------------------------------------------------------------------------------


def _databases(notion: Notion, settings: Settings, talk: Talk) -> dict[str, str]:
    """Which database is which: database key -> the id that stands for it in the settings."""
    chosen: dict[str, str] = {}
    taken: dict[str, str] = {}
    for key, text in settings.database_ids.items():
        try:
            place, _ = locate(notion, text, SPECS[key].title)
        except (BadId, NotShared, Refused, SchemaDrift) as problem:
            talk.say(f"{SPECS[key].title}: {setup.VARIABLES[key]} does not serve. {problem}")
        else:
            chosen[key], taken[place.data_source_id] = text, key
            talk.say(f"{SPECS[key].title}: “{place.title}”, as the settings say.")
    wanted = [spec for key, spec in SPECS.items() if key not in chosen]
    if not wanted:
        return chosen
    proposals = discovery.propose(notion, wanted, taken=taken)
    if not chosen and not any(proposal.candidates for proposal in proposals.values()):
        talk.say(f"Nothing like Segue's databases is shared with this integration. {_HOW_TO_SHARE}")
        talk.say("What was shared a moment ago may take Notion a minute to show.")
    for key, proposal in proposals.items():
        left = [one for one in proposal.candidates if one.data_source_id not in taken]
        candidate = _choose(talk, Proposal(proposal.spec, tuple(left)))
        if candidate is not None:
            chosen[key], taken[candidate.data_source_id] = candidate.id, key
    return chosen


def _choose(talk: Talk, proposal: Proposal) -> Candidate | None:
    title = proposal.spec.title
    if not proposal.candidates:
        return None
    if sure := proposal.certain:
        talk.say(f"{title}: “{sure.title}” ({sure.why}) {sure.url}")
        return sure
    talk.say(f"{title}: several databases may be meant.")
    for number, one in enumerate(proposal.candidates, start=1):
        talk.say(f"  {number}  “{one.title}” ({one.why}) {one.url}")
    talk.say("  0  none of these")
    variable = setup.VARIABLES[proposal.spec.key]
    for _ in range(_TRIES):
        answer = talk.ask(
            f"Which one is {title}?", instead=f"Put the link of the right one into .env as {variable}."
        )
        if answer == "0":
            return None
        if answer.isdecimal() and int(answer) <= len(proposal.candidates):
            return proposal.candidates[int(answer) - 1]
        talk.say(f"Type a number from 0 to {len(proposal.candidates)}.")
    raise Unanswered(f"Which one is {title} stays open. Put its link into .env as {variable}.")


def _page(notion: Notion, talk: Talk, wishes: Wishes, missing: list[str]) -> str:
    """The page under which missing databases shall be created; empty when they shall not."""
    needed = [SPECS[key].title for key in missing if key in setup.REQUIRED]
    talk.say(f"Not found: {', '.join(SPECS[key].title for key in missing)}.")
    answer = wishes.page
    for _ in range(_TRIES):
        answer = answer or talk.ask(
            "Link of the page to create them under (Enter: do without)",
            instead=f"{' and '.join(needed)} must exist: name a page by --page." if needed else "",
        )
        if not answer:
            return ""
        try:
            page = notion.retrieve_page(parse_id(answer))
        except (BadId, NotShared, Refused) as problem:
            talk.say(str(problem))
            answer = ""
            continue
        talk.say(f"They go under “{_title(page)}”.")
        return str(page["id"])
    raise Unanswered("No page was named that can be used. Share one with the integration and run this again.")


def _title(page: Mapping[str, object]) -> str:
    properties = page.get("properties")
    live = properties.values() if isinstance(properties, dict) else ()
    titles = (one["title"] for one in live if one.get("type") == "title")
    return blocks.plain_text(next(titles, [])) or "Untitled"


# Showing and writing -------------------------------------------------------------------------------------------------


def _show(plan: provisioning.Plan, talk: Talk) -> None:
    talk.say()
    if plan.empty:
        talk.say("The databases have everything; nothing is to be added to them.")
    else:
        talk.say("To be added; nothing is renamed, retyped or removed:")
    for line in plan.lines:
        talk.say(f"  {line}")
    talk.say()


def _written(env: EnvFile, talk: Talk, wanted: Mapping[str, str]) -> bool:
    """Writes variables to ``.env``, those that it sets otherwise only when agreed to; whether all stand there now."""
    keep = set()
    for name, said in env.differing(wanted).items():
        what = "another token" if name == "NOTION_TOKEN" else f"“{said}”"
        if not talk.agree(f"{name} in {env.path} is {what}. Replace it?"):
            keep.add(name)
    for name in wanted:
        _warn_of_environment(talk, name, wanted[name])
    new = {
        name: value for name, value in wanted.items() if name not in keep and env.values().get(name) != value
    }
    if new and talk.agree(f"Write {', '.join(new)} to {env.path}?"):
        env.write(new)
    return all(env.values().get(name) == value for name, value in wanted.items())


def _warn_of_environment(talk: Talk, name: str, value: str) -> None:
    """A variable of the process wins over ``.env``; the owner would wonder why nothing changes."""
    for one in _aliases(name):
        if os.environ.get(one, value) != value:
            talk.say(
                f"! {one} is also set in the environment, to something else, and wins over .env. Unset it."
            )


def _aliases(name: str) -> tuple[str, ...]:
    for declared in Settings.model_fields.values():
        alias = declared.validation_alias
        if isinstance(alias, AliasChoices) and name in alias.choices:
            return tuple(str(choice) for choice in alias.choices)
    return (name,)


def _closing(talk: Talk, chosen: Mapping[str, str], *, written: bool) -> bool:
    absent = [SPECS[key].title for key in setup.REQUIRED if key not in chosen]
    if absent:
        talk.say(f"Segue cannot work yet: {' and '.join(absent)} must exist. Run “segue init” again.")
    elif not written:
        talk.say("Segue cannot work yet: .env does not say what was found. Run “segue init” again.")
    else:
        talk.say("Done. “segue doctor” checks everything, “segue run” works.")
    return not absent and written

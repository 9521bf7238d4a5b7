"""``segue webhooks``: what a person needs once, to subscribe Segue to Notion's events."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.commands import loading

app = typer.Typer(help="Notion's events: see docs/webhooks.md.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Notion's events: see docs/webhooks.md."""


@app.command("token")
def token(
    forget: Annotated[
        bool, typer.Option("--forget", help="Delete it, so that a new subscription can be made.")
    ] = False,
) -> None:
    """Show the verification token that Notion sent, to be pasted into the integration's settings."""
    from agent import wiring

    settings = loading.settings(need_notion=False)
    kept = wiring.webhook_token_file(settings)
    if forget:
        typer.echo("The token is forgotten." if kept.forget() else "There was none.")
        return
    if settings.notion_webhook_token.get_secret_value():
        typer.echo("NOTION_WEBHOOK_TOKEN is set and is used; it is not shown here.", err=True)
        raise typer.Exit(1)
    found = kept.read()
    if not found:
        typer.echo(
            "No token has arrived yet. Start `segue run --webhooks`, and in Notion let the subscription send it"
            " to https://YOUR ADDRESS/webhooks/notion.",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(found)

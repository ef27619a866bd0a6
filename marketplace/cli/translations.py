"""The catalogues: collect the texts of the code, find what is not translated, compile what is."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from marketplace.cli import catalogue

translations = AppGroup("translations", help="Collect, check and compile the translations.")


@translations.command("compile")
def compile_catalogues() -> None:
    """Merge the parts of each language into what the site reads."""
    for language, count in catalogue.compile_all().items():
        click.echo(f"{language}: {count} texts")


@translations.command("missing")
def missing() -> None:
    """Print every text of the code without a translation; exit 1 if there is one."""
    lacking = catalogue.missing()
    for text, places in lacking:
        click.echo(f"{places[0]}: {text!r}")
    if lacking:
        raise click.ClickException(f"{len(lacking)} texts are not translated.")


@translations.command("unused")
def unused() -> None:
    """Print every translation whose text the code no longer has."""
    for part, text in catalogue.unused():
        click.echo(f"{Path(part).name}: {text!r}")

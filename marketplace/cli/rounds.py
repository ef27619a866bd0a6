import click


@click.group("rounds")
def rounds() -> None:
    """Not built yet."""


@click.command("replay")
def replay() -> None:
    """Not built yet."""

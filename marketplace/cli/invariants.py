import click


@click.command("check")
def check() -> None:
    """Not built yet."""

"""Messages and tables in the terminal."""

from datetime import datetime

from rich.console import Console
from rich.table import Column, Table


def echo(text: str) -> None:
    """Print a message to standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


def table(columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """Print a table."""
    table = Table(*(Column(column, no_wrap=column == "id") for column in columns))
    for row in rows:
        table.add_row(*map(str, row))
    console = Console()
    if not console.is_terminal:  # files and pipes have no width
        console.width = 200
    console.print(table)


def minute(at: datetime | None) -> str:
    """Return a time to the minute, or “never”."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "never"

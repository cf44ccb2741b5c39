"""What a document shows: strings in its language, in the order in which people read them.

The PDF and the page are both rendered from a `Sheet`, so that they cannot differ.
"""

from typing import Literal, NamedTuple

Align = Literal["left", "right"]


class Fact(NamedTuple):
    """A labelled value."""

    label: str
    value: str
    strong: bool = False


class Column(NamedTuple):
    """A table's column. Those that are aligned to the right contain figures."""

    label: str
    align: Align = "right"


class Cell(NamedTuple):
    """A table's cell, with an optional second line in smaller print."""

    text: str
    details: str = ""


class Table(NamedTuple):
    """A table with a caption for screen readers."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Block(NamedTuple):
    """Lines that belong together, such as an address, below a heading."""

    heading: str
    lines: tuple[str, ...]


class Sheet(NamedTuple):
    """A document as people read it."""

    language: str
    title: str
    """The kind of document and its number."""
    seller: Block
    buyer: Block
    facts: tuple[Fact, ...]
    lines: Table
    taxes: Table | None
    """The amounts per rate. None if nothing is taxed: the total then says everything."""
    totals: tuple[Fact, ...]
    notes: tuple[str, ...]
    footer: tuple[Block, ...]
    """The seller's details."""

"""Ask all cells the same question at once, without waiting long for any of them."""

import asyncio
from collections.abc import Awaitable
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec
import structlog
from litestar import Response

from ...kit import errors
from .model import Cell
from .network import AnyRequest, Cells, expect_cell

T = TypeVar("T")
log = structlog.get_logger()

MISSING_CELLS: Final = "Appoint-Missing-Cells"
"""The header of search results that lack those of some cells."""
DEADLINE_SECONDS: Final = 2.0
"""How long a search waits for other cells."""


class Answers(NamedTuple, Generic[T]):
    by_cell: dict[int, T]
    """The answers by the cell's number, this cell's included."""
    silent: list[str]
    """The names of the cells that did not answer in time."""


async def ask_everywhere(
    cells: Cells, target: str, questions: dict[int, bytes], own: Awaitable[T], type: type[T], *, address: str
) -> Answers[T]:
    """Answer a question here, and post it to the other cells at the same time.

    `questions` contains the body for each cell's number; cells without one are not asked. `own` is this cell's answer,
    and its errors are raised.
    """
    others = [cell for cell in cells.table.others if cell.number in questions]
    answers = [asyncio.create_task(_ask(cells, cell, target, questions[cell.number], address)) for cell in others]
    try:
        answer = await own
    except BaseException:
        for task in answers:
            task.cancel()
        raise
    number = cells.table.own.number if cells.table.own else 0
    by_cell, silent = {number: answer}, list[str]()
    for cell, body in zip(others, await asyncio.gather(*answers), strict=True):
        try:
            by_cell[cell.number] = msgspec.json.decode(body or b"", type=type)
        except msgspec.DecodeError:  # no answer, or one from a different release
            silent.append(cell.name)
    return Answers(by_cell, silent)


async def _ask(cells: Cells, cell: Cell, target: str, body: bytes, address: str) -> bytes | None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await cells.gateway.post(cell, target, body, address=address)
    except (errors.Unavailable, TimeoutError):
        return None


def read_question(request: AnyRequest, body: bytes, type: type[T]) -> T:
    """Return the question in a request from another cell. Raise `NotFound` for a request from anywhere else, and
    `Invalid` if the other cell's release asks in a different way."""
    expect_cell(request)
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.DecodeError:
        raise errors.Invalid from None


def answer(content: object) -> Response[bytes]:
    """Return the answer to another cell's question."""
    return Response(
        msgspec.json.encode(content),
        status_code=200,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )

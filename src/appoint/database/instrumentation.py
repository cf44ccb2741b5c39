"""Metrics and traces for statements: how long each takes, labelled with its name."""

import sys
import time
from functools import cache
from types import CodeType
from typing import Any, Final

import asyncpg
from prometheus_client import Histogram

from ..kit import errors, tracing
from ..kit.metrics import QUERY_SECONDS
from .rows import violates
from .sql import Query

POOL: Final = (*(f"{__package__}.{name}" for name in ("pool", "pooled", "replicas", "retries", "statements")), __name__)

AT_HOME: Final = ("event_of_clinic", "audit_unsealed_of_clinic")
"""Foreign keys that hold while a clinic is at home in this cell."""


async def timed(connection: Any, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
    """Run a statement and measure it. Raise `Unavailable` if it changes a clinic that is not at home in this cell."""
    name, seconds = _caller() if isinstance(sql, str) else _labelled(sql.name)
    text = sql if isinstance(sql, str) else sql.text
    before = time.perf_counter()
    try:
        if tracing.tracer is None or not tracing.is_in_span():
            return await getattr(connection, method)(text, *args)
        with tracing.statement_span(tracing.tracer, name):
            return await getattr(connection, method)(text, *args)
    except asyncpg.ForeignKeyViolationError as error:
        if violates(error, *AT_HOME):  # the clinic has just moved to another cell
            raise errors.Unavailable(retry_after_seconds=1) from error
        raise
    finally:
        seconds.observe(time.perf_counter() - before)


_callers: Final[dict[CodeType, tuple[str, Histogram]]] = {}


@cache
def _labelled(name: str) -> tuple[str, Histogram]:
    return name, QUERY_SECONDS.labels(name)


def _caller() -> tuple[str, Histogram]:
    """Return the `feature.function` label of the repository function that runs the statement, and its histogram. That
    function is the first frame outside the pool."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  inspect.stack is 50 times slower
    while frame.f_back and frame.f_globals["__name__"] in POOL:
        frame = frame.f_back
    labelled = _callers.get(frame.f_code)
    if labelled is None:
        module = frame.f_globals["__name__"].removeprefix("appoint.").partition(".repository")[0]
        labelled = _callers[frame.f_code] = _labelled(f"{module.rpartition('.')[2]}.{frame.f_code.co_name}")
    return labelled

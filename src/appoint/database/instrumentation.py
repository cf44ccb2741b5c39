"""Metrics and traces for statements: how long each takes, labelled with its name."""

import sys
import time
from functools import cache
from types import CodeType
from typing import Any, Final

from prometheus_client import Histogram

from ..kit import tracing
from ..kit.metrics import QUERY_SECONDS
from .sql import Query

POOL: Final = (f"{__package__}.pool", f"{__package__}.retries", __name__)


async def timed(connection: Any, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
    name, seconds = _caller() if isinstance(sql, str) else _labelled(sql.name)
    text = sql if isinstance(sql, str) else sql.text
    before = time.perf_counter()
    try:
        if tracing.tracer is None:
            return await getattr(connection, method)(text, *args)
        with tracing.statement_span(tracing.tracer, name):
            return await getattr(connection, method)(text, *args)
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

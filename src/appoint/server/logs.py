"""Structured logs on standard error: JSON lines, or columns in a terminal. They don't contain personal data, so
exception messages and variable values are left out."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final, cast

import asyncpg
import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ..kit import errors, tracing
from ..settings import Settings

SAFE_MESSAGES: Final = (OSError, errors.AppointError, ImportError)
"""Exceptions whose messages are purely technical. Other messages may repeat a value, such as a name or a note."""


def configure(settings: Settings) -> None:
    """Configure all of the process's logs, including those of libraries."""
    level = getattr(logging, settings.log_level.upper())
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_origin,
        _add_exception,
    ]
    readable = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*shared, readable if console else structlog.processors.JSONRenderer(_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr)
        if console
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _hide_exception_message, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                readable if console else structlog.processors.JSONRenderer(_text),
            ],
        )
    )
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(max(level, logging.WARNING))  # it logs addresses, which may contain names
    logging.captureWarnings(capture=True)


def _json(value: object, **_: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _text(value: object, **_: object) -> str:
    return _json(value).decode()


def _add_origin(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if origin := tracing.CURRENT.get():
        event["request_id"] = origin.request_id
        if origin.traceparent:
            event["trace_id"] = origin.trace_id
    return event


def _hide_exception_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Remove the exception's message from a log message about a failed task. asyncio puts it after the first line;
    other libraries put it in the line itself."""
    event["event"] = re.sub(r"exception=.*", "exception=…>", str(event["event"]).split("\n", 1)[0])
    return event


def _add_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error: Any = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = cast("Any", error)[1]
    if isinstance(error, BaseException):
        event["exception"] = "".join(_format(error, set()))
    return event


def _format(error: BaseException, visited: set[int]) -> Iterator[str]:
    """Yield the traceback as Python prints it, first cause first, but without the exceptions' messages."""
    visited.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier and id(earlier) not in visited:
        yield from _format(earlier, visited)
        yield "\n"
    is_group = isinstance(error, BaseExceptionGroup)
    for part in cast("BaseExceptionGroup[BaseException]", error).exceptions if is_group else ():
        yield from _format(part, visited)
        yield "\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, asyncpg.PostgresError):
        yield f": {error.sqlstate} {error.constraint_name or ''}".rstrip()
    elif isinstance(error, SAFE_MESSAGES):
        yield f": {error}"

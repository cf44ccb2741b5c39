"""Structured logs on standard error: JSON lines, or columns in a terminal. No personal data: neither what exceptions
say nor what variables hold."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ..kit import errors, tracing
from ..settings import Settings

SPEAKING: Final = (OSError, errors.AppointError, ImportError)
"""Exceptions whose words are about machines. Others may repeat a value: a name, a note."""


def configure(settings: Settings) -> None:
    """All logs of the process, those of libraries too."""
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
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _hush, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                readable if console else structlog.processors.JSONRenderer(_text),
            ],
        )
    )
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def _json(value: object, **_: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _text(value: object, **_: object) -> str:
    return _json(value).decode()


def _add_origin(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    if origin := tracing.CURRENT.get():
        event["request_id"] = origin.request_id
        if origin.traceparent:
            event["trace_id"] = origin.trace_id
    return event


def _hush(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """A failed task is printed with its exception's words: by asyncio in the lines after the first, by others in the
    line itself."""
    event["event"] = re.sub(r"exception=.*", "exception=…>", str(event["event"]).split("\n", 1)[0])
    return event


def _add_exception(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event["exception"] = "".join(_told(found, set()))
    return event


def _told(error: BaseException, seen: set[int]) -> Iterator[str]:
    """The traceback as Python would print it, without the words of the exceptions; the first cause first."""
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier and id(earlier) not in seen:
        yield from _told(earlier, seen)
        yield "\n"
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _told(part, seen)
        yield "\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, asyncpg.PostgresError):
        facts: Any = error
        yield f": {facts.sqlstate} {facts.constraint_name or ''}".rstrip()
    elif isinstance(error, SPEAKING):
        yield f": {error}"

"""The page for visitors waiting in a queue. It is rendered once per language and clinic; after that, only a few bytes
of it change."""

from functools import lru_cache
from typing import Final

from babel import Locale
from babel.numbers import format_decimal
from babel.units import format_unit
from markupsafe import escape

from ...clinics.queues.gate import QueuedRequest, QueuePage
from ...clinics.queues.model import QueueState, Wait
from ...kit import clock, regions
from ...kit.date_formats import moment
from ...kit.i18n import base_language, template_functions, translate
from .. import assets
from ..rendering import ANY_SITE, NO_FRAMES, templates

POLICY: Final = (
    "default-src 'none'; img-src data:; style-src {styles}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {frames}"
)
SHEET: Final = "queue.css"
ROUGH_MINUTES: Final = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60)
"""The steps that estimates are rounded up to."""
UNKNOWN: Final = "–"


@lru_cache(2000)
def _page(tag: str, name: str | None, opening: str | None, *, framed: bool) -> bytes:
    """Return the page, with placeholders for what changes."""
    language = base_language(tag)
    title = translate(language, "You’re in the queue")
    if framed:
        title = translate(language, "There is a queue")
    elif opening:
        title = translate(language, "Booking opens on {moment}", moment=opening)
    html = templates.get_template("patient/queue.html").render(
        html_language=regions.script_tag(tag),
        direction=Locale.parse(language).text_direction,
        sheet=assets.style(SHEET)[0],
        title=title,
        name=name,
        framed=framed,
        opening=opening,
        **template_functions(language),
    )
    return html.encode()


def queue_page(tag: str, state: QueueState, wait: Wait, visit: QueuedRequest) -> QueuePage:
    """Return the page that a visitor sees while they wait."""
    now = clock.now()
    opening = None
    if state.opens_at and state.is_lobby(now):
        opening = _opening(state, tag)
    body = _page(tag, state.name, opening, framed=visit.framed)
    if visit.framed:
        body = body.replace(b"%address%", str(escape(f"/c/{state.slug or visit.clinic}")).encode())
    else:
        body = body.replace(b"%place%", _number(wait.ahead, tag).encode())
        body = body.replace(b"%wait%", _estimate(_minutes(wait.seconds), tag).encode())
    policy = POLICY.format(styles=assets.style(SHEET)[1], frames=ANY_SITE if visit.framed else NO_FRAMES)
    return QueuePage(body, base_language(tag), policy)


def _opening(state: QueueState, tag: str) -> str:
    assert state.opens_at
    return moment(state.opens_at, state.time_zone or "UTC", tag)


def _number(ahead: int | None, tag: str) -> str:
    return UNKNOWN if ahead is None else format_decimal(ahead, locale=regions.locale_of(tag))


def _minutes(seconds: int | None) -> int | None:
    """Return the wait in minutes, rounded up so that it rarely takes longer."""
    if seconds is None:
        return None
    minutes = -(-seconds // 60)
    return next((rough for rough in ROUGH_MINUTES if minutes <= rough), -(-minutes // 60) * 60)


@lru_cache(1000)
def _estimate(minutes: int | None, tag: str) -> str:
    """Describe the wait: “about 5 minutes”."""
    language = base_language(tag)
    if minutes is None:
        return translate(language, "Not known yet")
    if minutes == 1:
        return translate(language, "Less than a minute")
    unit, number = ("duration-hour", minutes // 60) if minutes >= 60 else ("duration-minute", minutes)
    return translate(language, "About {time}", time=format_unit(number, unit, locale=regions.locale_of(tag)))

"""The clinic's policy for patients: its notice period and booking horizon. Staff are exempt, and see an advisory
instead.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec
from babel.units import format_unit

from ..clinics.catalogue.model import Catalogue
from ..kit import clock, regions
from ..kit.i18n import translatable, translate

PolicyRule = Literal["too-soon", "too-far", "too-late"]
MINUTES_PER_HOUR: Final = 60
TEXTS: Final = {
    "too-soon": translatable("Inside the notice period for bookings ({length})"),
    "too-far": translatable("Beyond the booking horizon ({length})"),
    "too-late": translatable("Inside the notice period for changes ({length})"),
}


class Advisory(msgspec.Struct, frozen=True, rename="camel"):
    """A rule for patients that a change by staff did not follow."""

    rule: PolicyRule
    limit_minutes: int
    """The notice period or the booking horizon, in minutes."""
    text: str = ""
    """A short note in the caller's language."""

    def in_words(self, language: str) -> "Advisory":
        """Return the advisory with its text in a language."""
        hours = self.limit_minutes / MINUTES_PER_HOUR
        amount, unit = (round(hours / 24), "day") if self.rule == "too-far" else (hours, "hour")
        length = format_unit(amount, f"duration-{unit}", locale=regions.locale_of(language))
        return msgspec.structs.replace(self, text=translate(language, TEXTS[self.rule], length=length))


def booking_violations(catalogue: Catalogue, start: datetime, now: datetime) -> tuple[PolicyRule, ...]:
    """Return the rules that a new appointment at this time violates."""
    rules: list[PolicyRule] = []
    if start < catalogue.earliest_start(now):
        rules.append("too-soon")
    if clock.local_date(start, catalogue.time_zone) > catalogue.last_date(now):
        rules.append("too-far")
    return tuple(rules)


def advise(catalogue: Catalogue, rule: PolicyRule) -> Advisory:
    """Return the advisory for a rule that staff did not follow."""
    limits = {
        "too-soon": catalogue.min_notice_minutes,
        "too-far": catalogue.horizon_days * 24 * MINUTES_PER_HOUR,
        "too-late": catalogue.cancel_notice_minutes,
    }
    return Advisory(rule, limits[rule])

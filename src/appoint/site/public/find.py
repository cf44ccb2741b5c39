"""Finding a clinic, what it offers, and a time: the pages on the way to a booking. In a frame on a clinic's own site
they go by /embed instead of /c.

Each is cheap: so many queries, however many clinics, doctors and times there are.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from babel import Locale
from babel.core import get_global
from litestar import Response, get
from litestar.params import FromPath

from ...booking.availability import repository, service
from ...booking.availability.model import Availability, AvailabilityFilter, OfferedTime
from ...clinics.catalogue import service as catalogue
from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType
from ...http.forms import parse_date, parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.ids import MAX_CLINIC_ID, PLATFORM
from .. import assets
from ..rendering import REVALIDATE, redirect, render, url_with

FRAMED: Final = "/embed/"
CLINICS: Final = 12
"""On a page of the search."""
SPECIALTIES: Final = 200
SOON: Final = 3
"""How many times of a clinic its line in the search shows."""
FEW_DOCTORS: Final = 6
"""As many are links beside each other; more are a list to choose from."""
FEW_TIMES: Final = 10
"""More are told by the part of the day."""
NOON, EVENING = 12, 17
A_DAY: Final = timedelta(days=1)
A_YEAR: Final = timedelta(days=366)
SCRIPT_SECONDS: Final = 3600


class Visit(NamedTuple):
    """Somebody on the way to a booking at a clinic."""

    request: Request
    book: Catalogue
    language: str
    framed: bool
    """On another site, where no cookie remembers the language: the addresses do."""

    def address(self, place: str = "", **query: Any) -> str:
        """Of one of the clinic's pages; what is None is left out."""
        known = {**query, "lang": self.language if self.framed else None}
        said = urlencode({name: value for name, value in known.items() if value is not None})
        return f"{FRAMED if self.framed else '/c/'}{self.book.slug or self.book.clinic_id}{place}" + (
            f"?{said}" if said else ""
        )

    def show(self, template: str, *, cache_control: str = REVALIDATE, **values: Any) -> Response[Any]:
        return render(
            self.request,
            template,
            cache_control=cache_control,
            within="*" if self.framed else "'none'",
            clinic=self.book,
            framed=self.framed,
            address=self.address,
            **values,
        )

    def type(self, id: str | None) -> CatalogueType | None:
        """What can be booked, by what an address says."""
        return next((type for type in self.book.bookable_types if type.id == parse_id(id)), None)

    @property
    def whole_slots(self) -> bool:
        """Whether what can be booked is a slot as it was published, and of no type."""
        return not self.book.bookable_types and bool(self.offering(None))

    def doctor(self, id: str | None, type: CatalogueType | None) -> CatalogueDoctor | None:
        """Who offers it, by what an address says; None: anyone."""
        return next((doctor for doctor in self.offering(type) if str(doctor.id) == id), None)

    def offering(self, type: CatalogueType | None) -> list[CatalogueDoctor]:
        return sorted(self.book.offering(type and type.id), key=attrgetter("name"))


async def visit(request: Request, name: str) -> Visit:
    """Raises `NotFound` for a clinic that is not there, or takes no bookings."""
    book = await catalogue.named(request.services.db, request.cache, name)
    return Visit(request, book, language_for(request), request.scope["path"].startswith(FRAMED))


@get(
    "/",
    operation_id="findClinics",
    opt=route(permission="public", page=True, rate_limit="search"),
    include_in_schema=False,
)
async def find(request: Request) -> Response[Any]:
    said, now, db = query_params(request), clock.now(), request.services.db
    q, specialty, on, after = (
        said.get("q", "").strip(),
        said.get("specialty", "").strip(),
        parse_date(said.get("date")),
        said.get("after", ""),
    )
    if on and not now.date() - A_DAY <= on <= now.date() + A_YEAR:
        on = None
    specialties = await request.cache.get(PLATFORM, "specialties", lambda: repository.specialties(db, most=SPECIALTIES))
    found = await repository.clinics(
        db,
        q=q or None,
        specialty=specialty or None,
        after=int(after) if after.isdecimal() and int(after) <= MAX_CLINIC_ID else None,
        limit=CLINICS,
    )
    shown = found[:CLINICS]
    soonest: dict[int, list[datetime]] = {}
    if shown and (specialty or on):
        soonest = await service.soonest(
            db, clinic_ids=[row["id"] for row in shown], specialty=specialty or None, on=on, now=now, most=SOON
        )
    return render(
        request,
        "public/find.html",
        clinics=shown,
        specialties=specialties,
        q=q,
        specialty=specialty,
        on=on,
        today=now.date(),
        soonest=soonest,
        next=url_with(request, after=str(shown[-1]["id"])) if len(found) > CLINICS else None,
    )


@get(
    ["/c/{name:str}", "/embed/{name:str}"],
    operation_id="showClinic",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def clinic(request: Request, name: FromPath[str]) -> Response[Any]:
    """One query, and none while the clinic is in the cache."""
    here, said = await visit(request, name), query_params(request)
    on, doctor = parse_date(said.get("date")), here.doctor(said.get("doctor"), None)
    offered = [(type, here.offering(type)) for type in here.book.bookable_types]

    def way_to(other: CatalogueDoctor) -> str | None:
        """To their times, where they are for one thing only, or else to what they are for."""
        of = [type.id for type, offering in offered if other in offering]
        if len(of) == 1 or here.whole_slots:
            return here.address("/times", type=of[0] if of else None, doctor=other.id, date=on)
        return here.address(doctor=other.id, date=on) if of else None

    theirs = [type for type, offering in offered if doctor in offering]
    return here.show(
        "public/clinic.html",
        types=theirs or here.book.bookable_types,
        doctor=doctor if theirs else None,
        doctors=here.offering(None),
        way_to=way_to,
        on=on,
    )


class Day(NamedTuple):
    date: date
    free: int


@get(
    ["/c/{name:str}/times", "/embed/{name:str}/times"],
    operation_id="showTimes",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def times(request: Request, name: FromPath[str]) -> Response[Any]:
    """With whom, a month of days, and the times of one of them."""
    here, said, now = await visit(request, name), query_params(request), clock.now()
    type = here.type(said.get("type"))
    if type is None and not here.whole_slots:
        return redirect(here.address())
    doctor = here.doctor(said.get("doctor"), type)
    month = await month_of(
        request,
        here.book,
        said,
        appointment_type_id=type and type.id,
        minutes=None,
        doctor_id=doctor and doctor.id,
        now=now,
    )
    return here.show(
        "public/times.html", type=type, doctor=doctor, doctors=here.offering(type), few=FEW_DOCTORS, month=month
    )


class Month(NamedTuple):
    """A month of days with how much is free on each, and the times of the `chosen` one, as `month.html` shows them."""

    first: date
    before: date | None
    following: date | None
    weekdays: list[date]
    """Seven days, in the order of calendars where the language is spoken."""
    blanks: int
    """How many weekdays stand before the first day."""
    days: list[Day]
    """Without the weeks that are over."""
    chosen: date | None
    times: dict[str, list[OfferedTime]]
    """By the part of the day, each once: of several doctors' the one of whoever has most free in the month."""
    is_empty: bool
    soonest: date | None
    """The first day on which something is free, also after the month."""


async def month_of(
    request: Request,
    book: Catalogue,
    said: Mapping[str, str],
    *,
    appointment_type_id: UUID | None,
    minutes: int | None,
    doctor_id: UUID | None,
    now: datetime,
) -> Month:
    """The month, and the day in it, that an address asks for with `month` and `date`; without them the first in which
    something is free.

    Of times for the type, or of such a length; with neither, of whole slots.
    """
    first, last, language = clock.local_date(now, book.time_zone), book.last_date(now), language_for(request)
    on = parse_date(said.get("date"))
    wanted = parse_date(said.get("month", "") + "-01") or on
    month = min(max(wanted or first, first), last).replace(day=1)

    async def found_in(month: date) -> Availability:
        since, until = max(month, first), min(_following(month) - A_DAY, last)
        asked = AvailabilityFilter(
            from_=since, to=until, appointment_type_id=appointment_type_id, minutes=minutes, doctor_id=doctor_id
        )
        return await service.of_clinic(
            request.services.db,
            request.cache,
            clinic_id=book.clinic_id,
            asked=asked,
            first=since,
            last=until,
            now=now,
        )

    found = await found_in(month)
    if wanted is None and found.next_available and _is_empty(found):
        month = clock.local_date(found.next_available.start_time, book.time_zone).replace(day=1)
        found = await found_in(month)
    free = {day.date: len({(offer.start_time, offer.end_time) for offer in day.slots}) for day in found.days}
    chosen = on if on in free else next((day for day, count in free.items() if count), None)
    following = _following(month)
    week = _week(language)
    this_week = first - timedelta(days=week.index(first.weekday()))
    shown = [day for day in _days(month) if day >= this_week]
    return Month(
        first=month,
        before=(month - A_DAY).replace(day=1) if month > first else None,
        following=following if following <= last else None,
        weekdays=[month + timedelta(days=(number - month.weekday()) % 7) for number in week],
        blanks=week.index(shown[0].weekday()),
        days=[Day(day, free.get(day, 0)) for day in shown],
        chosen=chosen,
        times=_by_part_of_day(_each_once(found, chosen), book.time_zone),
        is_empty=_is_empty(found),
        soonest=found.next_available and clock.local_date(found.next_available.start_time, book.time_zone),
    )


def _each_once(found: Availability, chosen: date | None) -> list[OfferedTime]:
    has_free = Counter(offer.doctor_id for day in found.days for offer in day.slots)
    offers = sorted(
        (offer for day in found.days if day.date == chosen for offer in day.slots),
        key=lambda offer: has_free[offer.doctor_id],
    )
    by_time = {(offer.start_time, offer.end_time): offer for offer in offers}  # the last of each
    return [by_time[time] for time in sorted(by_time)]


def _is_empty(found: Availability) -> bool:
    return not any(day.free for day in found.days)


def _following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _days(month: date) -> list[date]:
    return [month + timedelta(days=number) for number in range((_following(month) - month).days)]


def _week(language: str) -> list[int]:
    """The weekdays, Monday is 0, in the order of calendars where most people speak the language."""
    first = Locale.parse(get_global("likely_subtags").get(language, language)).first_week_day
    return [(first + number) % 7 for number in range(7)]


def _by_part_of_day(times: list[OfferedTime], time_zone: str) -> dict[str, list[OfferedTime]]:
    """By `morning`, `afternoon` and `evening` if they are many; otherwise all by nothing."""
    if len(times) <= FEW_TIMES:
        return {"": times} if times else {}
    parts: dict[str, list[OfferedTime]] = {"morning": [], "afternoon": [], "evening": []}
    for time in times:
        hour = time.start_time.astimezone(clock.zone(time_zone)).hour
        parts["morning" if hour < NOON else "afternoon" if hour < EVENING else "evening"].append(time)
    return {part: those for part, those in parts.items() if those}


@get("/embed.js", operation_id="getEmbedScript", opt=route(permission="public"), include_in_schema=False)
async def embed_script(request: Request) -> Response[bytes]:
    """What puts booking into a clinic's own site: under one name for good, and so only for a while in caches."""
    response = assets.answer(request, assets.built()["embed.js"], f"public, max-age={SCRIPT_SECONDS}")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


PAGES: Final = [find, clinic, times, embed_script]

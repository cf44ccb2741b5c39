"""The patients that staff pages suggest: those whose name is typed, and those who are probably a new patient."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from litestar import MediaType, Response, get
from litestar.params import FromPath

from ... import audit
from ...booking.joins import service as joins
from ...booking.joins.model import PatientSketch
from ...clinics.catalogue import service as catalogue
from ...customers import lists
from ...customers.model import search_terms
from ...http import decoding
from ...http.forms import query_params
from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import errors
from ...kit.i18n import translate
from ..filters import local_date, phone
from ..rendering import NO_STORE

MAX_SUGGESTIONS: Final = 8
MAX_SEARCH_LENGTH: Final = 200
DETAILS: Final = ("name", "birthDate", "phone", "email")


class Person(Protocol):
    """A patient to suggest."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def birth_date(self) -> date | None: ...


@get(
    "/staff/{clinic_id:int}/people.json",
    operation_id="suggestPeople",
    opt=route(permission="see-patients", page=True, narrows=True),
    include_in_schema=False,
)
async def people(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Return patients whose name, contact details or record number match, with phone numbers as people dial them."""
    tag = await _tag(request, clinic_id)
    terms = search_terms(query_params(request).get("q", "")[:MAX_SEARCH_LENGTH], tag)
    matches = (
        await lists.list_by_name(
            request.db,
            clinic_id,
            doctor_id=request.grant.doctor_id,
            terms=terms,
            initial=None,
            after=None,
            limit=MAX_SUGGESTIONS,
        )
        if terms
        else []
    )
    suggestions = matches[:MAX_SUGGESTIONS]
    return await _suggest(request, clinic_id, suggestions, tag, has_more=len(matches) > MAX_SUGGESTIONS)


@get(
    "/staff/{clinic_id:int}/similar.json",
    operation_id="suggestSimilarPatients",
    opt=route(permission="manage-patients", page=True),
    include_in_schema=False,
)
async def similar(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Return patients who are probably the person whose details are being typed. Details that are not complete yet are
    ignored."""
    sketch = _read_sketch({name: text for name in DETAILS if (text := query_params(request).get(name, "").strip())})
    candidates = await joins.find_similar(request.db, clinic_id=clinic_id, sketch=sketch) if sketch else []
    return await _suggest(request, clinic_id, candidates, await _tag(request, clinic_id))


def _read_sketch(details: dict[str, str]) -> PatientSketch | None:
    try:
        return decoding.convert(PatientSketch, details)
    except errors.Invalid as invalid:
        faulty = {fault.pointer.removeprefix("#/") for fault in invalid.faults}
        complete = {name: text for name, text in details.items() if name not in faulty}
        return decoding.convert(PatientSketch, complete) if "name" in complete else None


async def _tag(request: Request, clinic_id: int) -> str:
    return language_tag_for(request, (await catalogue.get(request.db, request.cache, clinic_id)).time_zone)


async def _suggest(
    request: Request, clinic_id: int, suggestions: Iterable[Person], tag: str, *, has_more: bool = False
) -> Response[Any]:
    await audit.record(
        request.services.db, request.user, clinic_id=clinic_id, subjects=[person.id for person in suggestions]
    )
    items = [
        {"customerId": person.id, "name": person.name, "description": _describe(person, tag)} for person in suggestions
    ]
    content = {"items": items, "hasMore": has_more}
    return Response(msgspec.json.encode(content), media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


def _describe(person: Person, tag: str) -> str:
    """Return the person's date of birth, and their phone number or email address."""
    born = person.birth_date and translate(tag, "born {date}", date=local_date(person.birth_date, tag, "medium"))
    contact = phone(person.phone, tag) if person.phone else person.email
    return " · ".join(filter(None, (born, contact)))


PAGES: Final = [people, similar]

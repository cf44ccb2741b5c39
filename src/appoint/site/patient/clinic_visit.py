"""A visit to a clinic's booking pages, either on this site or, through /embed, in a frame on the clinic's own site."""

from operator import attrgetter
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from litestar import Response

from ...clinics.audience import Selective, is_for_children
from ...clinics.catalogue import service as catalogues
from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType
from ...http.forms import parse_id, query_params
from ...http.languages import language_for, language_tag_for
from ...http.request import Request
from ..rendering import ANY_SITE, NO_FRAMES, REVALIDATE, render
from .face import DoctorFace, accent_style, describe_audience, doctor_face

EMBED_PREFIX: Final = "/embed/"


class ClinicVisit(NamedTuple):
    """A visitor who is making a booking at a clinic."""

    request: Request
    catalogue: Catalogue
    language: str
    framed: bool
    """Whether the page is in another site's frame. If so, URLs carry the language, because cookies cannot."""
    also: str = ""
    """The other times that the visitor has chosen for the same visit to the clinic, as in the URL."""

    @property
    def tag(self) -> str:
        """The language, with the region whose formats the pages follow."""
        return language_tag_for(self.request, self.catalogue.time_zone)

    @property
    def asks_code(self) -> bool:
        """Whether the visitor has to enter a code from an email or text message, unless they pay a deposit."""
        return self.request.user.is_stranger and self.catalogue.confirm_address == "always"

    def address(self, path: str = "", **query: Any) -> str:
        """Return the URL of one of the clinic's pages, leaving out parameters that are None."""
        parameters = {"also": self.also or None, **query, "lang": self.language if self.framed else None}
        encoded = urlencode({name: value for name, value in parameters.items() if value is not None})
        prefix = EMBED_PREFIX if self.framed else "/c/"
        return f"{prefix}{self.catalogue.slug or self.catalogue.clinic_id}{path}" + (f"?{encoded}" if encoded else "")

    def render(self, template: str, *, cache_control: str = REVALIDATE, **values: Any) -> Response[Any]:
        return render(
            self.request,
            template,
            clinic_zone=self.catalogue.time_zone,
            cache_control=cache_control,
            frame_ancestors=ANY_SITE if self.framed else NO_FRAMES,
            clinic=self.catalogue,
            accent=accent_style(self.catalogue.profile.colour),
            framed=self.framed,
            address=self.address,
            also=self.also,
            face_of=self.face_of,
            audience_of=self.audience_of,
            **values,
        )

    def face_of(self, doctor: CatalogueDoctor) -> DoctorFace:
        return doctor_face(doctor, self.language)

    def audience_of(self, each: Selective) -> str:
        """Describe the patients that a doctor sees or a type is for."""
        return describe_audience(each, self.language)

    def type(self, id: str | None) -> CatalogueType | None:
        """Return the bookable appointment type with the id in the URL."""
        return next((type for type in self.catalogue.bookable_types if type.id == parse_id(id)), None)

    def questions(self, type: CatalogueType | None, doctor: CatalogueDoctor | None) -> "Questions":
        """Return what to ask about the patient before they book the type with the doctor, or with any doctor."""
        choices = [*([doctor] if doctor else self.doctors_for(type)), *([type] if type else [])]
        return Questions(
            any(each.min_age is not None or each.max_age is not None for each in choices),
            any(each.patients != "everyone" for each in choices),
            is_for_children(type, [doctor] if doctor else self.doctors_for(type)),
        )

    @property
    def whole_slots(self) -> bool:
        """Whether patients book whole published slots, because the clinic has no appointment types."""
        return not self.catalogue.has_bookable_types and bool(self.doctors_for(None))

    def doctor(self, id: str | None, type: CatalogueType | None) -> CatalogueDoctor | None:
        """Return the doctor with the id in the URL, or None for any doctor."""
        return next((doctor for doctor in self.doctors_for(type) if str(doctor.id) == id), None)

    def doctors_for(self, type: CatalogueType | None) -> list[CatalogueDoctor]:
        """Return the doctors who offer a type, ordered by name."""
        return sorted(self.catalogue.doctors_for(type and type.id), key=attrgetter("name"))


class Questions(NamedTuple):
    """The questions that a doctor or an appointment type raises about a patient."""

    birth_date: bool
    known: bool
    """Whether to ask if the patient has been to the clinic before."""
    child: bool = False
    """Whether the patient must be a child, for whom a parent books."""


async def visit_clinic(request: Request, name: str) -> ClinicVisit:
    """Return the visit. Raise `NotFound` if the clinic does not exist or does not take bookings."""
    catalogue = await catalogues.find_by_name(request.services.db, request.cache, name)
    framed = request.scope["path"].startswith(EMBED_PREFIX)
    return ClinicVisit(request, catalogue, language_for(request), framed, query_params(request).get("also", ""))

"""The set-up of a new clinic, for managers: a list of steps, and a short page for each of the first three."""

from typing import Any, Final, cast

import msgspec
from litestar import MediaType, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...clinics.appointment_types import service as types
from ...clinics.appointment_types.model import AppointmentTypeContent
from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...clinics.setup import service
from ...clinics.setup.model import STEPS, TICKS, Progress, Step, Tick
from ...clinics.setup.starter_sets import SETS_BY_KEY, STARTER_SETS, StarterSet
from ...http import decoding
from ...http.forms import parse_form, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, fields
from ...kit.i18n import translate
from ...kit.permissions import widest_grant
from ...scheduling.hours_changes import saving
from ..rendering import NO_STORE, redirect
from ..staff_frame import staff_page
from .hours_parts import weekday_names

MANAGE: Final = route(permission="manage", page=True)
USUAL_HOURS: Final = (("09:00", "12:00"), ("13:00", "17:00"))
"""The suggested hours for a doctor's working days."""
WORKING_DAYS: Final = fields.WEEKDAYS[:5]


@get(
    "/staff/{clinic_id:int}",
    operation_id="openClinic",
    opt=route(permission="list-appointments", page=True, narrows=True),
    include_in_schema=False,
)
async def open_clinic(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Redirect to the day board or, for managers of a clinic that is not set up yet, to its set-up."""
    progress = await service.load_progress(request.db, clinic_id, now=clock.now())
    manages = widest_grant(request.user, "manage", clinic_id) is not None
    return redirect(f"/staff/{clinic_id}/{'setup' if manages and progress.is_open else 'day'}")


@get("/staff/{clinic_id:int}/setup", operation_id="showClinicSetUp", opt=MANAGE, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await staff_page(
        request,
        "staff/setup/steps.html",
        clinic_id=clinic_id,
        place="setup",
        progress=await service.load_progress(request.db, clinic_id, now=clock.now()),
        steps=STEPS,
        ticks=TICKS,
        address=request.services.settings.public_url or str(request.base_url).rstrip("/"),
    )


@post(
    "/staff/{clinic_id:int}/setup",
    operation_id="tickOffStep",
    status_code=HTTP_200_OK,
    opt=MANAGE,
    include_in_schema=False,
)
async def tick_off(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Tick a step off, or hide the list."""
    step = (await parse_form(request)).get("step", "")
    if step not in TICKS:
        raise errors.NotFound
    await request.db.atomic(service.tick, request.user, clinic_id=clinic_id, step=cast("Tick", step))
    return redirect(f"/staff/{clinic_id}/{'day' if step == 'hidden' else 'setup'}")


@get("/staff/{clinic_id:int}/setup/contact", operation_id="showContactStep", opt=MANAGE, include_in_schema=False)
async def contact(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _step_page(
        request, clinic_id, "staff/setup/contact.html", "contact", settings=await clinics.get(request.db, clinic_id)
    )


@get("/staff/{clinic_id:int}/setup/types", operation_id="showTypesStep", opt=MANAGE, include_in_schema=False)
async def show_types(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    selection = SETS_BY_KEY.get(query_params(request).get("specialty", ""), STARTER_SETS[0])
    clinic = await clinics.get(request.db, clinic_id)
    return await _step_page(
        request,
        clinic_id,
        "staff/setup/types.html",
        "types",
        chosen=selection,
        sets=STARTER_SETS,
        names=[translate(clinic.locale, type.name) for type in selection.types],
        taken={each.name for each in await types.list_types(request.db, clinic_id)},
    )


@post(
    "/staff/{clinic_id:int}/setup/types",
    operation_id="addStarterTypes",
    status_code=HTTP_200_OK,
    opt=MANAGE,
    include_in_schema=False,
)
async def add_types(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Add the chosen appointment types, and continue with the next step."""
    form = await parse_form(request)
    starter_set = SETS_BY_KEY.get(form.get("specialty", ""))
    if starter_set is None:
        raise errors.NotFound
    locale = (await clinics.get(request.db, clinic_id)).locale
    contents = _chosen_types(starter_set, form, locale)
    await request.change(clinic_id, service.add_types, request.user, clinic_id=clinic_id, contents=contents)
    progress = await service.load_progress(request.db, clinic_id, now=clock.now())
    return redirect(f"{_path_after(clinic_id, progress, 'types')}?specialty={starter_set.key}")


def _chosen_types(starter_set: StarterSet, form: dict[str, str], locale: str) -> list[AppointmentTypeContent]:
    """Return the types that are ticked in the form, with their lengths from the form. Raise `Invalid`."""
    contents: list[AppointmentTypeContent] = []
    for number, type in enumerate(starter_set.types):
        if f"offer.{number}" in form:
            minutes = form.get(f"minutes.{number}", "")
            content = {
                "name": translate(locale, type.name),
                "minutes": int(minutes) if minutes.isdecimal() else type.minutes,
                "bufferAfterMinutes": type.buffer,
                "mode": "online" if type.online else "inPerson",
            }
            contents.append(decoding.convert(AppointmentTypeContent, content))
    return contents


@get("/staff/{clinic_id:int}/setup/doctors", operation_id="showDoctorsStep", opt=MANAGE, include_in_schema=False)
async def show_doctors(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    starter_set = SETS_BY_KEY.get(query_params(request).get("specialty", ""))
    clinic = await clinics.get(request.db, clinic_id)
    usual = [{"start_time": start, "end_time": end, "time_slot_id": None} for start, end in USUAL_HOURS]
    return await _step_page(
        request,
        clinic_id,
        "staff/setup/doctors.html",
        "doctors",
        doctors=await doctors.list_by_name(request.db, clinic_id),
        specialty=translate(clinic.locale, starter_set.specialty) if starter_set else "",
        weekly={weekday: usual if weekday in WORKING_DAYS else [] for weekday in fields.WEEKDAYS},
        weekdays=weekday_names(request, clinic.time_zone),
        time_slots=[],
    )


@post(
    "/staff/{clinic_id:int}/setup/doctors",
    operation_id="addDoctorWithHours",
    status_code=HTTP_200_OK,
    opt=route(permission="manage", problems=("clinic-inactive",)),
    include_in_schema=False,
)
async def add_doctor(request: Request, clinic_id: FromPath[int], data: JSONBody[saving.DoctorForm]) -> Response[bytes]:
    """Add a doctor and publish their week, or refuse both."""
    doctor = await request.change(
        clinic_id, saving.add_doctor, request.user, clinic_id=clinic_id, form=data, now=clock.now()
    )
    body = msgspec.json.encode({"id": doctor.id, "name": doctor.name})
    return Response(body, media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


async def _step_page(request: Request, clinic_id: int, template: str, step: Step, **values: Any) -> Response[Any]:
    progress = await service.load_progress(request.db, clinic_id, now=clock.now())
    return await staff_page(
        request,
        template,
        clinic_id=clinic_id,
        place="setup",
        next=_path_after(clinic_id, progress, step),
        **values,
    )


def _path_after(clinic_id: int, progress: Progress, step: Step) -> str:
    """Return the path of the step to continue with."""
    following = progress.step_after(step)
    return f"/staff/{clinic_id}/setup{f'/{following}' if following else ''}"


PAGES: Final = [open_clinic, show, tick_off, contact, show_types, add_types, show_doctors, add_doctor]

"""A recording of a video visit, which its doctor can watch. The server streams it in ranges, so that players can
jump."""

import re
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from ...calls.joining import service as joining
from ...calls.recordings import service
from ...http.request import Request
from ...http.routes import route
from ...kit import errors
from ...kit.blobs import BlobStore
from ...kit.ids import clinic_of

RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@get(
    "/staff/{clinic_id:int}/appointments/{appointment_id:uuid}/recordings/{recording_id:uuid}",
    operation_id="watchRecording",
    opt=route(permission="run-appointments", owned_by="appointment_id", page=True, stream=True),
    include_in_schema=False,
)
async def watch(
    request: Request, clinic_id: FromPath[int], appointment_id: FromPath[UUID], recording_id: FromPath[UUID]
) -> Response[Any]:
    """Stream a recording to the appointment's doctor. To everyone else, it does not exist."""
    if clinic_of(appointment_id) != clinic_id:
        raise errors.NotFound
    visit = await joining.get_visit(request.db, appointment_id)
    if not joining.is_doctor(request.user, visit):
        raise errors.NotFound
    recording = await request.db.atomic(
        service.open_recording, request.user, appointment_id=appointment_id, recording_id=recording_id
    )
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store", "Content-Disposition": "inline"}
    part = read_range(request.headers.get("range", ""), recording.size)
    if part is None:
        return Response(b"", status_code=416, headers=headers | {"Content-Range": f"bytes */{recording.size}"})
    start, end = part
    is_whole = (start, end) == (0, recording.size)
    headers["Content-Length"] = str(end - start)
    if not is_whole:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{recording.size}"
    return Stream(
        service.read(request.services.get(BlobStore), recording, start, end),
        status_code=200 if is_whole else 206,
        headers=headers,
        media_type="video/mp4",
    )


def read_range(text: str, size: int) -> tuple[int, int] | None:
    """Return the requested bytes as a half-open range: everything if the header is missing or asks for several ranges,
    and None if it asks for bytes beyond the end."""
    match = RANGE.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        return 0, size
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size
    else:
        start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    return (start, end) if start < end else None


PAGES: Final = [watch]

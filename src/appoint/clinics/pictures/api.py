"""/api/clinics/{clinicId}/logo and …/photo, /api/doctors/{doctorId}/portrait"""

import asyncio
from uuid import UUID

from litestar import Controller, Response, delete, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit.ids import clinic_of
from . import encoding, service
from .model import MAX_BODY_BYTES, EncodedPicture, Picture, Purpose, Upload


class Pictures(Controller):
    tags = ["Pictures"]

    @put(
        "/clinics/{clinic_id:int}/logo",
        operation_id="replaceLogo",
        opt=route(permission="manage"),
        request_max_body_size=MAX_BODY_BYTES,  # a picture of 4 MiB in Base64
    )
    async def replace_logo(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[Upload]
    ) -> Response[Picture]:
        """Upload a clinic's logo, replacing the current one."""
        return await self._set(request, clinic_id, "logo", data)

    @delete(
        "/clinics/{clinic_id:int}/logo",
        operation_id="removeLogo",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage"),
    )
    async def remove_logo(self, request: Request, clinic_id: FromPath[int]) -> None:
        """Remove a clinic's logo."""
        await self._change(request, clinic_id, "logo", None)

    @put(
        "/clinics/{clinic_id:int}/photo",
        operation_id="replacePhoto",
        opt=route(permission="manage"),
        request_max_body_size=MAX_BODY_BYTES,  # a picture of 4 MiB in Base64
    )
    async def replace_photo(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[Upload]
    ) -> Response[Picture]:
        """Upload a clinic's photo, replacing the current one."""
        return await self._set(request, clinic_id, "photo", data)

    @delete(
        "/clinics/{clinic_id:int}/photo",
        operation_id="removePhoto",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage"),
    )
    async def remove_photo(self, request: Request, clinic_id: FromPath[int]) -> None:
        """Remove a clinic's photo."""
        await self._change(request, clinic_id, "photo", None)

    @put(
        "/doctors/{doctor_id:uuid}/portrait",
        operation_id="replacePortrait",
        opt=route(permission="manage"),
        request_max_body_size=MAX_BODY_BYTES,  # a picture of 4 MiB in Base64
    )
    async def replace_portrait(
        self, request: Request, doctor_id: FromPath[UUID], data: JSONBody[Upload]
    ) -> Response[Picture]:
        """Upload a doctor's portrait, replacing the current one."""
        picture = await asyncio.to_thread(encoding.encode, data.content, "portrait")
        await self._change_portrait(request, doctor_id, picture)
        return json_response(request, picture.at(clinic_of(doctor_id)))

    @delete(
        "/doctors/{doctor_id:uuid}/portrait",
        operation_id="removePortrait",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage"),
    )
    async def remove_portrait(self, request: Request, doctor_id: FromPath[UUID]) -> None:
        """Remove a doctor's portrait."""
        await self._change_portrait(request, doctor_id, None)

    async def _set(self, request: Request, clinic_id: int, purpose: Purpose, upload: Upload) -> Response[Picture]:
        picture = await asyncio.to_thread(encoding.encode, upload.content, purpose)
        await self._change(request, clinic_id, purpose, picture)
        return json_response(request, picture.at(clinic_id))

    async def _change(self, request: Request, clinic_id: int, purpose: Purpose, picture: EncodedPicture | None) -> None:
        await request.change(
            clinic_id,
            service.set_clinic_picture,
            request.user,
            clinic_id=clinic_id,
            purpose=purpose,
            picture=picture,
            if_match=request.if_match,
        )

    async def _change_portrait(self, request: Request, doctor_id: UUID, picture: EncodedPicture | None) -> None:
        await request.change(
            clinic_of(doctor_id),
            service.set_portrait,
            request.user,
            doctor_id=doctor_id,
            picture=picture,
            if_match=request.if_match,
        )

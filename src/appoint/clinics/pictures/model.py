"""Pictures as clinics upload them and as Appoint stores them."""

from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from ...kit.structs import RequestBody

Purpose = Literal["logo", "photo", "portrait"]
MAX_UPLOAD_BYTES: Final = 4 * 1024 * 1024
MAX_CONTENT_LENGTH: Final = (MAX_UPLOAD_BYTES + 2) // 3 * 4
"""The length of the largest upload in Base64."""
MAX_BODY_BYTES: Final = MAX_CONTENT_LENGTH + 1024
DOT: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""The smallest picture, as an example."""


class Upload(RequestBody):
    """A picture to upload."""

    content: Annotated[str, Meta(min_length=1, max_length=MAX_CONTENT_LENGTH, examples=[DOT])]
    """A JPEG, PNG or WebP file of at most 4 MiB and 24 megapixels, in Base64. Appoint re-encodes it as WebP, without
    its metadata."""


class Picture(msgspec.Struct, frozen=True, rename="camel"):
    hash: str
    url: str
    """The path that the picture is served at. It changes with the picture, so caches can keep it forever."""


def png_path(clinic_id: int, hash: str) -> str:
    """Return the path at which a logo is served as PNG, for email programs that cannot show WebP."""
    return f"/images/{clinic_id}/{hash}.png"


class EncodedPicture(NamedTuple):
    hash: str
    content: bytes

    def at(self, clinic_id: int) -> Picture:
        """Return the picture with its path at the clinic."""
        return Picture(self.hash, f"/images/{clinic_id}/{self.hash}.webp")

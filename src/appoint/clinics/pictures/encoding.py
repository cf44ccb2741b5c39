"""Re-encode uploaded pictures, so that Appoint never serves any part of the uploaded file."""

import binascii
import hashlib
from base64 import b64decode
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from ...kit import errors
from .model import MAX_UPLOAD_BYTES, EncodedPicture, Purpose

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MAX_PIXELS: Final = 24_000_000
"""More than most phone cameras produce. Decoding takes four bytes per pixel."""
MAX_SIZES: Final[dict[Purpose, tuple[int, int]]] = {"logo": (480, 240), "photo": (1600, 900), "portrait": (400, 400)}
"""The width and height that a stored picture fits into."""
MAX_STORED_BYTES: Final = 512 * 1024
QUALITIES: Final = (82, 60, 40)


def decode_base64(content: str) -> bytes:
    """Return the uploaded file. Raise `Invalid` if it is not in Base64 or too large."""
    try:
        file = b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise errors.Invalid(errors.Fault("#/content", "must be a file in Base64")) from None
    if len(file) > MAX_UPLOAD_BYTES:
        raise errors.Invalid(errors.Fault("#/content", "must be no larger than 4 MB"))
    return file


def encode(content: str, purpose: Purpose) -> EncodedPicture:
    """Return an uploaded picture as WebP, in the size for its purpose and without metadata.

    Check the dimensions before decoding, so that a small file that unpacks to a huge picture costs nothing. Raise
    `Invalid` for a file that is too large, or is not a picture in one of the formats.
    """
    file = decode_base64(content)
    try:
        with Image.open(BytesIO(file), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise errors.Invalid(errors.Fault("#/content", "must have no more than 24 megapixels"))
            picture.draft("RGB", MAX_SIZES[purpose])
            upright = ImageOps.exif_transpose(picture)
            has_transparency = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
            plain = upright.convert("RGBA" if has_transparency else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise errors.Invalid(errors.Fault("#/content", "must be a JPEG, PNG or WebP picture")) from None
    plain.thumbnail(MAX_SIZES[purpose], Image.Resampling.LANCZOS)
    plain.info.clear()
    webp = next(filter(_is_small, (_to_webp(plain, quality) for quality in QUALITIES)), None)
    if webp is None:
        raise errors.Invalid(errors.Fault("#/content", "must be no larger than 4 MB"))
    return EncodedPicture(hashlib.sha256(webp).hexdigest(), webp)


def logo_to_png(webp: bytes) -> bytes:
    """Return a stored logo as PNG. Raise `NotFound` for a larger picture, which would cost more to convert."""
    with Image.open(BytesIO(webp), formats=("WEBP",)) as picture:
        if any(length > most for length, most in zip(picture.size, MAX_SIZES["logo"], strict=True)):
            raise errors.NotFound
        output = BytesIO()
        picture.save(output, "PNG", optimize=True)
        return output.getvalue()


def _to_webp(picture: Image.Image, quality: int) -> bytes:
    output = BytesIO()
    picture.save(output, "WEBP", quality=quality, method=4)
    return output.getvalue()


def _is_small(webp: bytes) -> bool:
    return len(webp) <= MAX_STORED_BYTES

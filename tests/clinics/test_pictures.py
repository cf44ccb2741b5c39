"""Logos, photos and portraits: what clinics can upload, and what Appoint serves."""

from base64 import b64encode
from io import BytesIO
from struct import pack
from zlib import compress, crc32

import pytest
from PIL import Image

from support.app import ADMIN
from support.world import create_clinic, create_doctor


def picture(format="PNG", size=(600, 300), **options):
    output = BytesIO()
    Image.new("RGB", size, "#1f5fa8").save(output, format, **options)
    return output.getvalue()


def chunk(kind, data):
    return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))


def bomb(side):
    """Return a small PNG file that unpacks to a huge picture."""
    header = pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def upload(client, path, file):
    return await client.put(path, json={"content": b64encode(file).decode()}, headers=ADMIN)


@pytest.fixture
async def clinic(client):
    return f"/api/clinics/{await create_clinic(client, slug='lakeside')}"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
async def test_a_logo_is_re_encoded_in_its_own_size(client, clinic, format):
    response = await upload(client, f"{clinic}/logo", picture(format))
    assert response.status_code == 200
    served = await client.get(response.json()["url"])
    with Image.open(BytesIO(served.content)) as logo:
        assert (logo.format, logo.size) == ("WEBP", (480, 240))


async def test_a_picture_is_cached_permanently_and_served_only_as_a_picture(client, clinic):
    served = await client.get((await upload(client, f"{clinic}/photo", picture())).json()["url"])
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


async def test_emails_can_show_a_logo_as_png(client, clinic):
    url = (await upload(client, f"{clinic}/logo", picture())).json()["url"].replace(".webp", ".png")
    served = await client.get(url)
    assert served.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(served.content)) as logo:
        assert (logo.format, logo.size) == ("PNG", (480, 240))


async def test_photos_are_not_converted_to_png(client, clinic):
    url = (await upload(client, f"{clinic}/photo", picture(size=(1600, 900)))).json()["url"]
    assert (await client.get(url.replace(".webp", ".png"))).status_code == 404


async def test_metadata_is_not_served(client, clinic):
    exif = Image.Exif()
    exif[0x010E] = "Ana at home"
    file = picture("JPEG", exif=exif)
    assert b"Ana at home" in file
    served = await client.get((await upload(client, f"{clinic}/photo", file)).json()["url"])
    assert b"Ana at home" not in served.content
    assert b"EXIF" not in served.content


@pytest.mark.parametrize(
    "file",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"",
        picture()[:200],
        bomb(20_000),
        bomb(2**31 - 8),
    ],
    ids=["svg", "gif", "empty", "cut short", "bomb", "larger bomb"],
)
async def test_other_files_are_refused(client, clinic, file):
    refusal = await upload(client, f"{clinic}/logo", file)
    assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/content")


async def test_a_replaced_picture_is_deleted(client, clinic, db):
    first = (await upload(client, f"{clinic}/logo", picture())).json()["url"]
    second = (await upload(client, f"{clinic}/logo", picture(size=(90, 90)))).json()
    assert [(await client.get(url)).status_code for url in (first, second["url"])] == [404, 200]
    assert (await client.get(clinic)).json()["logoHash"] == second["hash"]
    assert (await client.delete(f"{clinic}/logo", headers=ADMIN)).status_code == 204
    assert await db.fetchval("select count(*) from image") == 0


async def test_a_portrait_appears_on_the_clinics_page(client, clinic):
    doctor = await create_doctor(client, int(clinic.rpartition("/")[2]))
    url = (await upload(client, f"/api/doctors/{doctor}/portrait", picture())).json()["url"]
    assert url in (await client.get("/c/lakeside")).text


async def test_strangers_cannot_upload(client, clinic):
    assert (await client.put(f"{clinic}/logo", json={"content": "AAAA"})).status_code == 401

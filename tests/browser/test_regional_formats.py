"""In every region, scripts format dates and times in the same way as the server."""

from datetime import UTC, datetime

from appoint.kit import date_formats, regions

BERLIN = "Europe/Berlin"
TAGS = (
    *("en-GB", "en-US", "en-IN", "en-DE", "en-GR", "en-JP", "de-DE", "de-AT", "de-CH", "de-ES"),
    *("fr-FR", "fr-CA", "es-ES", "es-MX", "es-419"),
)
MORNING, AFTERNOON = datetime(2027, 1, 4, 8, 5, tzinfo=UTC), datetime(2027, 9, 30, 13, 5, tzinfo=UTC)
FORMAT = """
([tags, instants, timeZone]) => tags.map((tag) => instants.map((instant) => [
  new Intl.DateTimeFormat(tag, { timeZone, timeStyle: "short" }).format(new Date(instant)),
  new Intl.DateTimeFormat(tag, { timeZone, dateStyle: "full" }).format(new Date(instant)),
  new Intl.DateTimeFormat(tag, { timeZone, weekday: "short", day: "numeric", month: "short", year: "numeric" })
    .format(new Date(instant)),
]))
"""


async def test_the_browser_and_the_server_format_times_alike_in_every_region(page):
    instants = [MORNING, AFTERNOON]
    in_scripts = await page.evaluate(
        FORMAT, [[regions.script_tag(tag) for tag in TAGS], [each.isoformat() for each in instants], BERLIN]
    )
    for tag, formatted in zip(TAGS, in_scripts, strict=True):
        expected = [
            [
                date_formats.time(at, BERLIN, tag),
                date_formats.day(at, BERLIN, tag),
                date_formats.day(at, BERLIN, tag, "short"),
            ]
            for at in instants
        ]
        plain = [[text.translate(date_formats.SPACE_SUBSTITUTES) for text in texts] for texts in formatted]
        assert (tag, plain) == (tag, expected)

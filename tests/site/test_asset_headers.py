"""What browsers learn about the pages' scripts and styles."""

import pytest

from appoint.site.assets import built


@pytest.mark.parametrize(
    ("suffix", "media_type"), [(".js", "text/javascript; charset=utf-8"), (".css", "text/css; charset=utf-8")]
)
async def test_assets_state_their_character_set_once(client, suffix, media_type):
    asset = next(each for each in built().values() if each.file.endswith(suffix))
    assert (await client.get(asset.url)).headers["Content-Type"] == media_type

"""`.env.example` and `.env.test.example` keep up with the settings."""

import re
from pathlib import Path

import pytest

from appoint.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [".env.example", ".env.test.example"])
def test_every_setting_is_in_the_examples(name: str) -> None:
    named = re.findall(r"^(?:# )?APPOINT_(\w+)=", (ROOT / name).read_text(), re.MULTILINE)
    assert [setting.lower() for setting in named] == list(Settings.model_fields)


def test_the_values_in_the_example_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"APPOINT_{name.upper()}", raising=False)
    uncommented = tmp_path / ".env"
    uncommented.write_text((ROOT / ".env.example").read_text().replace("# APPOINT_", "APPOINT_"))
    assert Settings(_env_file=uncommented) == Settings(_env_file=None)

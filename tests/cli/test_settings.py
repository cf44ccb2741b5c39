"""`.env.example` lists all settings with their defaults."""

import re
from pathlib import Path

import pytest

from appoint.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_example_lists_every_setting() -> None:
    names = re.findall(r"^(?:# )?APPOINT_(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert [name.lower() for name in names] == list(Settings.model_fields)


def test_the_values_in_the_example_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"APPOINT_{name.upper()}", raising=False)
    uncommented = tmp_path / ".env"
    uncommented.write_text((ROOT / ".env.example").read_text().replace("# APPOINT_", "APPOINT_"))
    assert Settings(_env_file=uncommented) == Settings(_env_file=None)

"""The decision index lists every decision, with its title, status and date."""

import re
from pathlib import Path

DECISIONS = Path(__file__).parents[2] / "docs/decisions"


def test_the_index_agrees_with_every_decisions_page():
    index = (DECISIONS / "README.md").read_text()
    entries = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| (\w+) \| ([\d-]+) \|", index, re.MULTILINE)
    pages = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        page = re.match(r"# (\d+)\. (.+)\n\n- Status: (\w+).*\n- Date: ([\d-]+)\n", path.read_text())
        assert page, path
        pages.append((page[1], page[2], path.name, page[3], page[4]))
    assert entries == pages

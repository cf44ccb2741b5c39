"""The style sheets suit languages written from right to left, and use the sizes of the scale."""

import re
from pathlib import Path

import pytest

STYLES = Path(__file__).parents[2] / "frontend" / "styles"


@pytest.mark.parametrize("sheet", sorted(STYLES.glob("*.css")), ids=lambda path: path.name)
def test_styles_use_start_and_end_instead_of_left_and_right(sheet):
    rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    declarations = re.findall(r"([\w-]+)\s*:\s*([^;{}]+)[;}]", rules)
    assert [f"{name}: {value}" for name, value in declarations if is_physical(name, value)] == []


@pytest.mark.parametrize("sheet", sorted(STYLES.glob("*.css")), ids=lambda path: path.name)
def test_text_sizes_come_from_the_scale(sheet):
    sizes = re.findall(r"font-size:\s*([^;}]+)", sheet.read_text())
    assert [size for size in sizes if not re.fullmatch(r"var\(--text-\d\)|inherit|[\d.]+em|11px", size.strip())] == []


def is_physical(name: str, value: str) -> bool:
    """Return whether a declaration names the left or right side, aligns to either, or sets them to different values."""
    sides = value.split()
    four_sides = re.fullmatch("margin|padding|inset|border-(width|style|color)", name) and len(sides) == 4
    alignment = re.fullmatch("float|clear|text-align|text-align-last|justify-(content|items|self)", name)
    return bool(
        re.search("(^|-)(left|right)(-|$)", name)
        or (alignment and value.strip() in ("left", "right"))
        or (four_sides and "(" not in value and sides[1] != sides[3])
    )

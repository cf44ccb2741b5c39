"""Renders a document as PDF/A-3U, the archive format: fonts and colours are in the file, and its text can be searched.

Equal documents give equal bytes, whenever and wherever they are rendered, so a digest identifies what was issued. The
layout follows DIN 5008, form B: the buyer's address shows in the window of an envelope.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from html import escape
from pathlib import Path
from typing import Final, cast
from unicodedata import normalize

from fpdf import FPDF, FontFace, XPos, YPos
from fpdf.enums import DocumentCompliance, TableBordersLayout, TextEmphasis
from fpdf.fonts import TTFFont

from ...kit.i18n import INVISIBLE_CHARACTERS, translate
from .sheet import Block, Fact, Sheet, Table

FONTS: Final = Path(__file__).parent / "fonts"
"""`make setup` builds it from npm packages."""
FONT_FILES: Final = {
    "inter": ("inter-latin-400.ttf", "inter-latin-650.ttf"),
    "inter-ext": ("inter-latin-ext-400.ttf", "inter-latin-ext-650.ttf"),
    "dejavu": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
}
"""Each family's regular and bold file. Inter is the pages' typeface; DejaVu has the letters of names in other scripts,
such as Greek, Cyrillic, Arabic and Hebrew."""
MISSING_LETTER: Final = "\N{REPLACEMENT CHARACTER}"
"""DejaVu has it, and is in use if anything is missing."""
LEFT, RIGHT, TOP, BOTTOM = 25.0, 20.0, 20.0, 38.0
WIDTH: Final = 210.0 - LEFT - RIGHT
ADDRESS_TOP, FACTS_LEFT, TITLE_TOP = 50.0, 114.0, 100.0
INK, QUIET, LINE, ACCENT = (32, 36, 38), (95, 101, 104), (216, 214, 208), (0, 96, 89)
TEXT_SIZE, SMALL_SIZE, FOOTER_SIZE, TITLE_SIZE = 9.5, 7.5, 6.5, 17.0
LINE_HEIGHT, FACT_HEIGHT = 5.0, 5.8
MIN_DESCRIPTION_WIDTH, MAX_LABEL_SHARE = 45.0, 0.6

# fontTools logs each table of every font that it subsets, and the name of every letter in an invoice.
logging.getLogger("fontTools").setLevel(logging.WARNING)


def render(sheet: Sheet, issued_on: date) -> bytes:
    """Return the document as a PDF/A-3U file."""
    pdf = _SheetPdf(sheet, issued_on)
    pdf.draw_sheet()
    return bytes(pdf.output())


class _SheetPdf(FPDF):
    """A4 pages with the seller at the top and its details at the bottom."""

    def __init__(self, sheet: Sheet, issued_on: date) -> None:
        super().__init__(format="A4", unit="mm", enforce_compliance=DocumentCompliance.PDFA_3U)
        self._sheet = sheet
        self._letters = self._add_fonts()
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(True, BOTTOM)  # noqa: FBT003
        self.c_margin = 0
        self._describe(issued_on)

    def _add_fonts(self) -> frozenset[int]:
        """Add the fonts that the document needs, and return the letters that they have."""
        letters_left = {ord(letter) for text in _strings(self._sheet) for letter in _clean(text)}
        letters: set[int] = set()
        families: list[str] = []
        for family, (regular, bold) in FONT_FILES.items():
            if families and not letters_left:
                break
            self.add_font(family, "", FONTS / regular)
            self.add_font(family, "B", FONTS / bold)
            families.append(family)
            letters.update(*(font.cmap for font in self.fonts.values() if isinstance(font, TTFFont)))
            letters_left -= letters
        self.set_fallback_fonts(families[1:], exact_match=False)
        return frozenset(letters)

    def _describe(self, issued_on: date) -> None:
        """Write the metadata. Its dates are the date of issue, so that equal documents have equal bytes."""
        sheet, issued_at = self._sheet, datetime.combine(issued_on, time(), UTC)
        self.set_title(sheet.title)
        self.set_author(sheet.seller.lines[0])
        self.set_lang(sheet.language)
        self.set_creation_date(issued_at)
        self.set_xmp_metadata(_metadata(sheet, issued_at))

    def draw_sheet(self) -> None:
        sheet = self._sheet
        self.add_page()
        self._draw_letterhead()
        self.set_y(TITLE_TOP)
        self._write(sheet.title, size=TITLE_SIZE, bold=True, height=8)
        self.ln(4)
        if sheet.lines.rows:
            self._draw_table(sheet.lines)
        self._draw_totals(sheet.totals)
        if sheet.taxes:
            self.ln(6)
            self._draw_table(sheet.taxes)
        self.ln(6)
        for note in sheet.notes:
            self._write(note)
            self.ln(1.5)

    def header(self) -> None:
        self.set_fill_color(*ACCENT)
        self.rect(0, 0, 210, 2.5, style="F")
        if self.page_no() > 1:
            self.set_xy(LEFT, 12)
            self._write(f"{self._sheet.seller.lines[0]} · {self._sheet.title}", size=SMALL_SIZE, colour=QUIET)
            self.set_xy(LEFT, TOP)

    def footer(self) -> None:
        self.set_draw_color(*LINE)
        self.line(LEFT, 297 - BOTTOM + 6, 210 - RIGHT, 297 - BOTTOM + 6)
        blocks = self._sheet.footer
        left, gap = LEFT, 4.0
        widths = [self._block_width(block) for block in blocks]
        share = (WIDTH - gap * (len(blocks) - 1)) / max(sum(widths), 1)
        for block, width in zip(blocks, widths, strict=True):
            self._draw_block(block, left, 297 - BOTTOM + 8, width * share)
            left += width * share + gap
        self.set_xy(LEFT, 297 - 9)
        page = translate(self._sheet.language, "Page {number} of {total}", number=self.page_no(), total="{nb}")
        self._write(page, size=SMALL_SIZE, colour=QUIET)

    def _draw_letterhead(self) -> None:
        sheet = self._sheet
        name, *address = sheet.seller.lines
        self.set_xy(LEFT, 17)
        self._write(name, size=13, bold=True, colour=ACCENT, height=6)
        self.set_xy(LEFT, ADDRESS_TOP - 5)
        self._write(" · ".join((name, *address)), size=FOOTER_SIZE, colour=QUIET, width=85, height=3)
        self.set_xy(LEFT, max(self.get_y() + 1.5, ADDRESS_TOP))
        self._write("\n".join(sheet.buyer.lines), size=10.5, width=85, height=LINE_HEIGHT)
        self.set_y(ADDRESS_TOP)
        self._draw_facts(sheet.facts, FACTS_LEFT)

    def _draw_facts(self, facts: Sequence[Fact], left: float, *, tabular: bool = False) -> None:
        """Render labels at the left and values at the right, on more than one line if they are long."""
        self._use_font(TEXT_SIZE, bold=True)
        width = 210 - RIGHT - left
        label_width = min(max(self._text_width(fact.label) for fact in facts) + 3, width * MAX_LABEL_SHARE)
        for fact in facts:
            top = self.get_y()
            self.set_xy(left, top)
            colour = INK if fact.strong else QUIET
            self._write(fact.label, width=label_width, colour=colour, bold=fact.strong)
            bottom = self.get_y()
            self.set_xy(left + label_width, top)
            self._write(fact.value, width=width - label_width, bold=fact.strong, align="R", tabular=tabular)
            self.set_y(max(bottom, self.get_y()) + FACT_HEIGHT - LINE_HEIGHT)

    def _block_width(self, block: Block) -> float:
        self._use_font(FOOTER_SIZE, bold=True)
        return max(self._text_width(line) for line in (block.heading, *block.lines))

    def _draw_block(self, block: Block, left: float, top: float, width: float) -> None:
        self.set_xy(left, top)
        self._write(block.heading, size=FOOTER_SIZE, width=width, bold=True, height=3)
        self.set_x(left)
        self._write("\n".join(block.lines), size=FOOTER_SIZE, width=width, colour=QUIET, height=3)

    def _draw_table(self, table: Table) -> None:
        self._use_font(TEXT_SIZE, tabular=True)
        self.set_draw_color(*LINE)
        with self.table(
            col_widths=self._column_widths(table),
            width=WIDTH,
            align="LEFT",
            text_align=tuple("LEFT" if column.align == "left" else "RIGHT" for column in table.columns),
            v_align="TOP",
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="", color=QUIET, size_pt=SMALL_SIZE),
            line_height=LINE_HEIGHT,
            padding=(1.6, 0, 1.6, 0),
        ) as grid:
            heading = grid.row()
            for column in table.columns:
                heading.cell(self._legible(column.label))
            for row in table.rows:
                cells = grid.row()
                for cell in row:
                    cells.cell(self._legible("\n".join(filter(None, (cell.text, cell.details)))))

    def _column_widths(self, table: Table) -> tuple[float, ...]:
        """Return widths that fit every figure, and give the rest to the columns with text."""
        texts = [[column.label, *(row[index].text for row in table.rows)] for index, column in enumerate(table.columns)]
        figures = [max(map(self._text_width, column)) + 5 for column in texts]
        is_text = [column.align == "left" for column in table.columns]
        rest = WIDTH - sum(width for width, text in zip(figures, is_text, strict=True) if not text)
        rest = max(rest, MIN_DESCRIPTION_WIDTH)
        return tuple(rest if text else width for width, text in zip(figures, is_text, strict=True))

    def _text_width(self, text: str) -> float:
        return self.get_string_width(self._legible(text))

    def _draw_totals(self, totals: Sequence[Fact]) -> None:
        self.ln(3)
        if self.will_page_break(len(totals) * FACT_HEIGHT):
            self.add_page()
        self._draw_facts(totals, FACTS_LEFT, tabular=True)

    def _write(
        self,
        text: str,
        *,
        size: float = TEXT_SIZE,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
        width: float = WIDTH,
        height: float = LINE_HEIGHT,
        align: str = "L",
        tabular: bool = False,
    ) -> None:
        """Write text at the current position, wrapped to the width, and move below it."""
        self._use_font(size, bold=bold, tabular=tabular)
        self.set_text_color(*colour)
        self.multi_cell(width, height, self._legible(text), align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def set_font(self, family: str | None = None, style: str | TextEmphasis = "", size: float = 0) -> None:
        """Write the font into the page at once. fpdf2 would wait for the next text, and if that begins with a letter
        from a fallback font, the lines after it would keep the previous font and size.
        """
        super().set_font(family, style, size)
        if self.page and self.current_font:
            self._out(self._set_font_for_page(self.current_font, self.font_size_pt))

    def _use_font(self, size: float, *, bold: bool = False, tabular: bool = False) -> None:
        """Tabular figures line up in columns, but Inter's tabular hyphens are too wide for text."""
        self.set_font("inter", "B" if bold else "", size)
        self.set_text_shaping(features={"tnum": tabular, "kern": True, "liga": False})

    def _legible(self, text: str) -> str:
        """Replace letters that no font has: PDF/A forbids references to missing glyphs."""
        return "".join(
            letter if letter == "\n" or ord(letter) in self._letters else MISSING_LETTER for letter in _clean(text)
        )


def _clean(text: str) -> str:
    return INVISIBLE_CHARACTERS.sub("", normalize("NFC", text).replace("\r\n", "\n"))


def _strings(part: object) -> Iterator[str]:
    """Iterate over all strings in nested tuples."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for item in cast("tuple[object, ...]", part):
            yield from _strings(item)


def _metadata(sheet: Sheet, issued_at: datetime) -> str:
    """Return the XMP metadata. fpdf2's own would contain the current time."""
    issued, title, author = issued_at.isoformat(), escape(sheet.title), escape(sheet.seller.lines[0])
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about=""
        xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:xmp="http://ns.adobe.com/xap/1.0/"
        xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
        xmp:CreateDate="{issued}" xmp:ModifyDate="{issued}" xmp:MetadataDate="{issued}">
      <pdfaid:part>3</pdfaid:part>
      <pdfaid:conformance>U</pdfaid:conformance>
      <dc:language><rdf:Bag><rdf:li>{escape(sheet.language)}</rdf:li></rdf:Bag></dc:language>
      <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
      <dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
    </rdf:Description>
  </rdf:RDF>
</x:xmpmeta>"""

"""Pictures side by side on one sheet, with what each is and a legend of the classes."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from paribus.labels import Colour

GAP, TEXT, ACROSS = 12, 15, 4  # pixels between pictures, of the letters, and pictures in a row
_INK, _PAPER, _LINE = (29, 33, 38), (255, 255, 255), (140, 148, 156)

Panel = tuple[str, Image.Image]
Key = tuple[str, Colour]


def sheet(panels: Sequence[Panel], legends: Sequence[Sequence[Key]], title: str) -> Image.Image:
    """The panels in rows of at most four, each under its caption, the title above and the legends below.

    All panels are drawn at the size of the first.
    """
    width, height = panels[0][1].size
    across = min(len(panels), ACROSS)
    down = -(-len(panels) // across)
    full = GAP + across * (width + GAP)
    font = ImageFont.load_default(TEXT)
    keys = [row for legend in legends for row in _rows_of_keys(legend, full - 2 * GAP, font)]
    line, cell = TEXT + 8, TEXT + 8 + height + GAP
    canvas = Image.new("RGB", (full, GAP + line + down * cell + len(keys) * line + GAP), _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((GAP, GAP), _fitting(title, full - 2 * GAP, font), _INK, font)
    for number, (caption, picture) in enumerate(panels):
        left, top = GAP + number % across * (width + GAP), GAP + line + number // across * cell
        pen.text((left, top), _fitting(caption, width, font), _INK, font)
        same_size = picture.convert("RGB").resize((width, height), Image.Resampling.NEAREST)
        canvas.paste(same_size, (left, top + line - 2))
    for number, row in enumerate(keys):
        _draw_keys(pen, row, GAP + line + down * cell + number * line, font)
    return canvas


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _rows_of_keys(legend: Sequence[Key], room: int, font: Font) -> list[list[Key]]:
    rows: list[list[Key]] = []
    left = room + 1.0
    for key in legend:
        wide = TEXT + 6 + font.getlength(_plain(key[0])) + 18
        if left + wide > room:
            rows.append([])
            left = 0.0
        rows[-1].append(key)
        left += wide
    return rows


def _draw_keys(pen: ImageDraw.ImageDraw, row: Sequence[Key], top: int, font: Font) -> None:
    left = float(GAP)
    for name, colour in row:
        pen.rectangle((left, top + 2, left + TEXT - 2, top + TEXT), fill=colour, outline=_LINE)
        pen.text((left + TEXT + 5, top), _plain(name), _INK, font)
        left += TEXT + 6 + font.getlength(_plain(name)) + 18


def _fitting(text: str, room: int, font: Font) -> str:
    """The text, cut where the room ends."""
    shown = _plain(text)
    while shown and font.getlength(shown) > room:
        shown = shown.removesuffix("…")[:-1] + "…"
    return shown


def _plain(text: str) -> str:
    """What the built-in font can draw without surprises: nothing that controls or cannot be encoded."""
    return "".join(c if c.isprintable() and not 0xD800 <= ord(c) < 0xE000 else "?" for c in text)

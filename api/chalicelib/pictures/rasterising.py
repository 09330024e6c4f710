"""From SVG to PNG, by resvg, with the font that the page has: a function has no fonts of its own."""

from pathlib import Path

from resvg_py import svg_to_bytes

_FONTS = sorted(str(path) for path in Path(__file__).parent.glob("source-sans-3-*.ttf"))


def to_png(svg: str) -> bytes:
    """As many pixels as the picture says that it is wide and high. Raises ValueError for what is no SVG."""
    return bytes(
        svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_files=_FONTS, sans_serif_family="Source Sans 3")
    )

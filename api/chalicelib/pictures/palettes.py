"""The colours of pictures that stand alone: those of the page's style sheet, to which a test holds them."""

from collections.abc import Mapping

type Palette = Mapping[str, str]
"""Name of a colour, as `page.css` has it -> its value."""

LIGHT: Palette = {
    "paper": "#fbfaf7",
    "ink": "#1d1c1a",
    "quiet": "#5d5a53",
    "rule": "#ddd8cc",
    "m0": "#2a5d8f",
    "m1": "#a8402d",
    "m2": "#2c7a5f",
    "m3": "#7a5195",
    "m4": "#8a6d1f",
    "m5": "#48606b",
}
DARK: Palette = {
    "paper": "#151514",
    "ink": "#eceae4",
    "quiet": "#aaa69c",
    "rule": "#3a3833",
    "m0": "#84b6e6",
    "m1": "#ea917f",
    "m2": "#7cc9a9",
    "m3": "#c5a3db",
    "m4": "#d9be76",
    "m5": "#a3bac5",
}


def style_of(theme: str) -> str:
    """The style sheet of a picture; `theme` is light, dark or auto, which is what the reader's system is."""
    if theme == "auto":
        return f"{_rules(LIGHT)}@media (prefers-color-scheme:dark){{{_rules(DARK)}}}"
    return _rules(DARK if theme == "dark" else LIGHT)


def _rules(palette: Palette) -> str:
    own = "".join(
        f".m{n} .heading,.m{n} .note,.m{n} .bars,.m{n} .spread{{fill:{palette[f'm{n}']}}}"
        f".m{n} .line,.m{n} .dots,.m{n} .spread{{stroke:{palette[f'm{n}']}}}"
        for n in range(6)
    )
    return (
        f".paper{{fill:{palette['paper']}}}"
        f"text{{font:12px 'Source Sans 3',sans-serif;fill:{palette['quiet']}}}"
        f".title{{font-size:22px;font-weight:600;fill:{palette['ink']}}}.about{{font-size:15px}}"
        ".heading,.note{font-size:14px}.heading{font-weight:600}"
        f".rule{{stroke:{palette['rule']}}}.spread{{fill-opacity:.45;stroke-dasharray:2 2}}"
        ".line{fill:none;stroke-width:2;stroke-linejoin:round}"
        f".dots{{fill:none;stroke-width:4;stroke-linecap:round}}{own}"
    )

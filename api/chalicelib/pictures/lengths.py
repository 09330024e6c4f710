"""How large the parts of a chart are, the same for the still picture and for Plotly, which takes its place."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """In pixels."""

    panel: float
    gap: float
    """Between two panels: the lower one's heading stands there."""
    left: float
    right: float
    top: float
    bottom: float

    def height(self, panels: int) -> float:
        return self.top + self.bottom + panels * self.panel + max(0, panels - 1) * self.gap


def main_lengths() -> Lengths:
    """Of the main chart."""
    return Lengths(panel=122, gap=34, left=48, right=8, top=24, bottom=38)


def small_lengths(panels: int) -> Lengths:
    """Of a chart of the last days, weeks or months: 300 pixels high unless there are many panels."""
    gap, top, bottom = 34, 22, 24
    panel = max(40, round((300 - top - bottom - gap * (panels - 1)) / panels))
    return Lengths(panel=panel, gap=gap, left=42, right=6, top=top, bottom=bottom)

"""A run's journey as a picture: an SVG that stands alone, to attach to an incident."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from infra.tracing.journey import Journey
from infra.tracing.rows import Scale, TraceRow, duration, rows
from shared.printing import without_controls
from shared.runs import Run

_COLOURS = {"fetcher": "#0e7490", "merger": "#b45309", "notifier": "#7e22ce", "api": "#15803d"}
_WIDTH, _LEFT, _RIGHT = 1240, 470, 90
_ROW, _TOP = 19, 96
_STEPS = [size * 10**power for power in range(3, 9) for size in (1, 2, 5)]
"""Microseconds between two lines of the scale."""
_STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2937 }
.title { font-size: 18px; font-weight: 600 } .sub, .took { fill: #4b5563 } .hop { font-weight: 600 }
.step { fill: #4b5563; font-size: 11px } .took { font-size: 11px } .bad { fill: #b91c1c }
.said { fill: #6b7280; font-weight: 400; font-size: 11px } .bad .said { fill: #b91c1c }
.axis { stroke: #eef0f3 } .tick { fill: #9ca3af; font-size: 10px; text-anchor: middle }
.gap { fill: #f3f4f6 } .gaptext { fill: #6b7280; font-size: 10px; text-anchor: middle }
.wait { stroke: #2563eb; stroke-width: 1.5; stroke-dasharray: 2 2 }
"""


def picture(journey: Journey, *, run: Run, stage: str) -> str:
    """The SVG document: a colour a service, red a fault; long gaps are drawn shorter than they were, and say so."""
    shown = rows(journey)
    height = _TOP + _ROW * len(shown) + 46
    title = f"Run {run.run_id} of stage {stage}: {run.state}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        f' role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="title" x="20" y="32">{escape(title)}</text>',
        f'<text class="sub" x="20" y="52">{escape(_spent(journey))}</text>',
        *([f'<text class="bad" x="20" y="70">{escape(_cut(run.reason, 180))}</text>'] if run.reason else []),
        *_axis(journey, height),
        *_gaps(journey, height),
        *(part for n, row in enumerate(shown) for part in _bar(row, _TOP + _ROW * n, journey)),
        *_legend(height),
        "</svg>",
    ]
    return without_controls("\n".join(parts)) + "\n"  # XML has no way to say a control character


def _spent(journey: Journey) -> str:
    waits = "".join(f", {duration(took)} waiting ({kind})" for kind, took in journey.waits.items())
    return f"{duration(journey.took)} from the first hop to the last: {duration(journey.work)} at work{waits}"


def _x(scale: Scale, time: int) -> float:
    return round(_LEFT + scale.place(time) * (_WIDTH - _LEFT - _RIGHT), 1)


def _axis(journey: Journey, height: int) -> Iterator[str]:
    """Marks at round times; none where a gap is drawn shorter than it was."""
    scale = Scale(journey)
    step = next((step for step in _STEPS if journey.work / step <= 7), _STEPS[-1])
    for n in range(int(min(journey.took / step, 400)) + 1):
        time = journey.began + n * step
        if not any(began < time < ended for began, ended in scale.broken):
            x = _x(scale, time)
            yield f'<line class="axis" x1="{x}" x2="{x}" y1="{_TOP - 4}" y2="{height - 36}"/>'
            yield f'<text class="tick" x="{x}" y="{height - 30}">{duration(n * step) if n else "0"}</text>'


def _gaps(journey: Journey, height: int) -> Iterator[str]:
    """Grey where nobody was at work."""
    scale = Scale(journey)
    broken = set(scale.broken)
    for gap in journey.gaps:
        left, right = _x(scale, gap.began), _x(scale, gap.ended)
        width = max(right - left, 0.8)
        yield f'<rect class="gap" x="{left}" y="{_TOP - 10}" width="{width:.1f}" height="{height - _TOP - 26}"/>'
        if width > 30 or (gap.began, gap.ended) in broken:
            cut = "// " if (gap.began, gap.ended) in broken else ""
            text = f"{cut}{duration(gap.took)} {gap.waiting_for}"
            yield f'<text class="gaptext" x="{(left + right) / 2:.1f}" y="{_TOP - 14}">{escape(text)}</text>'


def _bar(row: TraceRow, top: int, journey: Journey) -> Iterator[str]:
    scale = Scale(journey)
    left, right = _x(scale, row.began), _x(scale, row.ended)
    colour = "#b91c1c" if row.failure == "fault" else _COLOURS.get(row.service, "#374151")
    hop = row.kind == "hop"
    indent = 20 + 14 * row.depth
    room = (_LEFT - indent - 10) // 6 - len(row.title)
    bad = " bad" if row.failure == "fault" else ""
    words = row.cause if row.failure == "fault" and row.cause else row.details
    details = f'<tspan class="said" dx="6">{escape(_cut(words, room))}</tspan>' if words else ""
    yield f'<text class="{row.kind}{bad}" x="{indent}" y="{top + 13}">{escape(row.title)}{details}</text>'
    if row.waited:
        start = _x(scale, row.began - row.waited)
        yield f'<line class="wait" x1="{start}" x2="{left}" y1="{top + 9}" y2="{top + 9}"/>'
    height, inset = (13, 3) if hop else (7, 6)
    yield (
        f'<rect x="{left}" y="{top + inset}" width="{max(right - left, 1.5):.1f}" height="{height}" rx="2"'
        f' fill="{colour}" fill-opacity="{1 if hop else 0.55}"><title>{escape(_tooltip(row, journey))}</title></rect>'
    )
    yield f'<text class="took" x="{max(right, left + 1.5) + 5:.1f}" y="{top + 13}">{duration(row.took)}</text>'


def _tooltip(row: TraceRow, journey: Journey) -> str:
    waited = f"\nwaited {duration(row.waited)} after {row.after}" if row.waited is not None else ""
    cause = f"\n{row.cause}" if row.cause else ""
    at = duration(row.began - journey.began)
    return f"{row.title}\n{row.details}\nat {at}, took {duration(row.took)}{waited}{cause}"


def _legend(height: int) -> Iterator[str]:
    for n, (service, colour) in enumerate({**_COLOURS, "fault": "#b91c1c"}.items()):
        x = 20 + 110 * n
        yield f'<rect x="{x}" y="{height - 24}" width="12" height="12" rx="2" fill="{colour}"/>'
        yield f'<text class="sub" x="{x + 18}" y="{height - 14}">{service}</text>'
    yield f'<line class="wait" x1="590" x2="620" y1="{height - 18}" y2="{height - 18}"/>'
    yield f'<text class="sub" x="628" y="{height - 14}">queueing</text>'
    yield f'<rect class="gap" x="720" y="{height - 24}" width="30" height="12"/>'
    yield f'<text class="sub" x="758" y="{height - 14}">nobody at work</text>'


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"

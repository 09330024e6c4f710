"""Charts to take elsewhere: `/chart.svg`, `/chart.png`, and `/embed`, a page that others may frame.

All are drawn from the figures that were rendered when the run committed, so that they show what the dashboard shows.
"""

import functools
from typing import Any
from urllib.parse import urlencode

from chalicelib.dashboard.periods import CHOICES, own_table
from chalicelib.pages.formatting import plain_date
from chalicelib.pictures.chart_files import ChartWords, chart_svg
from chalicelib.pictures.lengths import main_lengths
from chalicelib.pictures.panels import DrawnFigure, Scene, scene_of
from chalicelib.pictures.stills import still
from chalicelib.routes.dashboard_answer import policy
from chalicelib.routes.site import Site
from chalicelib.routes.table_answers import dashboard_view
from chalicelib.tabulation.bucket_labels import labels_between
from chalicelib.web.documents import CURRENT, HTML, PNG, SVG, Document, Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.dataset import Dataset
from shared.exact import loads

_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
"""What a picture may do that is opened by itself: have its own style."""
_KEPT = 32


def answer_svg(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/chart.svg`."""
    return Reply(headers=CURRENT | _POLICY | _name(site, args, "svg"), document=Document(SVG, plain=_svg(site, args)))


def answer_png(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/chart.png`."""
    return Reply(headers=CURRENT | _name(site, args, "png"), document=_png(_svg(site, args)))


def answer_embed(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/embed`."""
    from chalicelib.pages.html_pages import render_html  # deferred: a picture needs no template

    figure, scene = _drawn(site, args)
    kept = {name: args.get(name) for name in ("as_of", "series") if args.get(name)}
    page = render_html(
        "embed.html",
        dataset=site.dataset,
        assets=site.assets,
        theme=args["theme"],
        words=_words(site, args, figure, scene),
        picture=still(scene, main_lengths(), order=_order(site.dataset)),
        page=f".?{urlencode(kept)}" if kept else ".",
    )
    headers = CURRENT | {"Content-Security-Policy": policy(framed_by="*"), "Referrer-Policy": "no-referrer"}
    return Reply(headers=headers, document=Document(HTML, plain=page.encode()))


def _svg(site: Site, args: Arguments) -> bytes:
    figure, scene = _drawn(site, args)
    width, height = args["size"]
    words = _words(site, args, figure, scene)
    picture = chart_svg(scene, words, order=_order(site.dataset), width=width, height=height, theme=args["theme"])
    return picture.encode()


@functools.lru_cache(maxsize=_KEPT)
def _png(svg: bytes) -> Document:
    from chalicelib.pictures.rasterising import to_png  # deferred: nothing else needs it

    return Document(PNG, plain=to_png(svg.decode()))


def _drawn(site: Site, args: Arguments) -> tuple[DrawnFigure, Scene]:
    """The figure that is asked for, and the panels of it; of a dataset that is empty, none."""
    measures = _measures(site.dataset, args)
    by = args["by"] or own_table(site.dataset.period)
    if by not in CHOICES[site.dataset.period]:
        choices = " and ".join(CHOICES[site.dataset.period])
        raise ThingUnknown("by", by, f"nothing is published {by}; there is {choices}")
    if args["show"] == "cumulative" and not site.dataset.totals:
        raise ThingUnknown("show", "cumulative", f"{site.dataset.name} has no running total")
    run_id = site.run_at(args["as_of"])
    figures = _figures(dashboard_view(site, run_id, "figures.json", args)) if run_id else {}
    figure: DrawnFigure = figures.get(by, {}).get(args["show"], _EMPTY)
    start, end = labels_between(args["from"], args["to"], table=by, period=site.dataset.period)
    logarithmic = args["scale"] == "log"
    return figure, scene_of(figure, measures=measures, start=start or "", end=end or "~", logarithmic=logarithmic)


_EMPTY: DrawnFigure = {"data": [], "layout": {"annotations": [], "meta": {"title": "No data yet"}}}


@functools.lru_cache(maxsize=8)
def _figures(document: Document) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = loads(document.plain)
    return found


def _measures(dataset: Dataset, args: Arguments) -> tuple[str, ...]:
    names = tuple(args["measure"].split(",")) if args["measure"] else dataset.measure_names
    for name in names:
        if name not in dataset.measure_names:
            has = ", ".join(dataset.measure_names)
            raise ThingUnknown("measure", name, f"{dataset.name} has no measure {name!r}; it has {has}")
    return names


def _order(dataset: Dataset) -> dict[str, int]:
    return {name: n for n, name in enumerate(dataset.measure_names)}


def _words(site: Site, args: Arguments, figure: DrawnFigure, scene: Scene) -> ChartWords:
    series = args.get("series") or ""
    about = [figure["layout"]["meta"]["title"]]
    about += [f"from {plain_date(args['from'])}"] if args["from"] else []
    about += [f"to {plain_date(args['to'])}"] if args["to"] else []
    about += ["on a logarithmic scale"] if args["scale"] == "log" else []
    about += [f"as known on {plain_date(args['as_of'])}"] if args["as_of"] else []
    if figure["data"] and not any(panel.bars or panel.dots or panel.lines for panel in scene.panels):
        dates = [date for trace in figure["data"] for date in trace["x"]]
        about.append(f"nothing in these dates: the data go from {plain_date(min(dates))} to {plain_date(max(dates))}")
    measures = {panel.measure for panel in scene.panels}
    feeds = [feed for feed in site.dataset.feeds if measures & set(feed.measures) or not measures]
    return ChartWords(
        title=f"{site.dataset.title}: {series}" if series else site.dataset.title,
        about=", ".join(about),
        credits=[site.settings.notice, *dict.fromkeys(feed.credit for feed in feeds)],
    )


def _name(site: Site, args: Arguments, ending: str) -> dict[str, str]:
    stem = "-".join(
        [site.dataset.name, args["by"] or own_table(site.dataset.period), *(args["measure"] or "").split(",")]
    )
    return {"Content-Disposition": f'inline; filename="{stem.rstrip("-")}.{ending}"'}

"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const locale = navigator.languages?.length ? navigator.languages : ["en"];
  const body = document.body;

  // --- numbers and dates in the reader's way -------------------------------------------------------------------

  const numbers = {
    format(value, settings = {}) {
      // As many decimals as are written: 18.60 stays 18.60.
      const digits = String(value).split(".")[1]?.length ?? 0;
      return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, ...settings })
        .format(Number(value));
    },
  };
  const signed = { format: (value) => numbers.format(value, { signDisplay: "exceptZero" }) };
  const percents = new Intl.NumberFormat(locale, {
    style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero",
  });
  const dateStyles = {
    long: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
    medium: { day: "numeric", month: "short", year: "numeric" },
    day: { day: "numeric", month: "short" },
    short: { weekday: "short", day: "numeric", month: "short" },
    month: { month: "short", year: "numeric" },
    "month-long": { month: "long", year: "numeric" },
  };
  // In UTC everywhere: a run bears the same day for every reader, which is that of its address and of the mails.
  const clock = { hour: "2-digit", minute: "2-digit", timeZone: "UTC", timeZoneName: "short" };
  const momentStyles = {
    moment: { ...dateStyles.medium, ...clock },
    "moment-short": { ...dateStyles.day, ...clock },
  };
  const asDate = (iso, style) =>
    new Intl.DateTimeFormat(locale, { ...dateStyles[style], timeZone: "UTC" }).format(new Date(`${iso}T00:00:00Z`));
  const asMoment = (iso, style) => new Intl.DateTimeFormat(locale, momentStyles[style]).format(new Date(iso));

  function localise(within) {
    for (const element of $$("data[value]", within)) {
      const format = element.classList.contains("percent") ? percents
        : element.classList.contains("signed") ? signed : numbers;
      element.textContent = format.format(element.value);
    }
    for (const element of $$("time[data-style]", within)) {
      const { style } = element.dataset;
      element.textContent = style in momentStyles ? asMoment(element.dateTime, style) : asDate(element.dateTime, style);
    }
  }

  function tellAges() {
    const ages = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
    for (const element of $$("[data-since]")) {
      const hours = (new Date(element.dataset.since) - Date.now()) / 3600e3;
      if (Math.abs(hours) > 24 * 30) continue;
      const text = Math.abs(hours) < 36 ? ages.format(Math.round(hours), "hour")
        : ages.format(Math.round(hours / 24), "day");
      element.textContent = `(${text})`;
    }
  }

  function plotlyLocale() {
    // Month and day names and separators from the browser itself: no language files to ship.
    const names = (options, dates) => {
      const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
      return dates.map((day) => format.format(day));
    };
    const months = Array.from({ length: 12 }, (_, n) => new Date(Date.UTC(2020, n, 1)));
    const days = Array.from({ length: 7 }, (_, n) => new Date(Date.UTC(2020, 10, 1 + n)));
    const parts = Object.fromEntries(
      new Intl.NumberFormat(locale, { useGrouping: "always" }).formatToParts(1234567.8).map((p) => [p.type, p.value]));
    const separators = (parts.decimal ?? ".") + (parts.group ?? " ");
    Plotly.register({
      moduleType: "locale", name: "reader", dictionary: {},
      format: {
        days: names({ weekday: "long" }, days), shortDays: names({ weekday: "short" }, days),
        months: names({ month: "long" }, months), shortMonths: names({ month: "short" }, months),
        date: "%Y-%m-%d", decimal: separators[0], thousands: separators[1],
      },
    });
    return separators;
  }

  // --- the view, which the address carries ---------------------------------------------------------------------

  const controls = $("#controls");
  const choices = controls ? $$('input[name="by"]', controls).map((choice) => choice.value) : [];
  const shows = $("#controls fieldset[hidden]") ? ["new"] : ["new", "cumulative"];
  const usual = { show: "new", by: choices[0], scale: "linear", hide: "", from: "", to: "" };

  function readView() {
    const params = new URLSearchParams(location.hash.slice(1));
    const view = { ...usual };
    for (const name of Object.keys(usual)) if (params.has(name)) view[name] = params.get(name);
    for (const [name, allowed] of [["show", shows], ["by", choices], ["scale", ["linear", "log"]]]) {
      if (!allowed.includes(view[name])) view[name] = usual[name];
    }
    for (const name of ["from", "to"]) if (!/^\d{4}-\d\d-\d\d$/.test(view[name])) view[name] = "";
    return view;
  }

  function writeView(view) {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(view)) if (value !== usual[name]) params.set(name, value);
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (!(name in view)) params.set(name, value);
    const hash = params.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  function viewOfControls() {
    const hidden = $$('input[name="measure"]', controls).filter((box) => !box.checked).map((box) => box.value);
    const { show, by, scale, from, to } = controls.elements;
    return {
      show: show.value, by: by.value, scale: scale.value, hide: hidden.join(","), from: from.value, to: to.value,
    };
  }

  function setControls(view) {
    const { show, by, scale, from, to } = controls.elements;
    [show.value, by.value, scale.value, from.value, to.value] = [view.show, view.by, view.scale, view.from, view.to];
    const hidden = view.hide.split(",");
    for (const box of $$('input[name="measure"]', controls)) box.checked = !hidden.includes(box.value);
  }

  // --- drawing -------------------------------------------------------------------------------------------------

  let palette = {};

  function readPalette() {
    // Once for each theme: to ask while the page is being drawn makes the browser lay it out each time.
    const styles = getComputedStyle(document.documentElement);
    const names = ["--ink", "--quiet", "--rule", "--card", "--wash", "--sans", "--m0", "--m1", "--m2", "--m3", "--m4", "--m5"];
    palette = Object.fromEntries(names.map((name) => [name, styles.getPropertyValue(name).trim()]));
  }

  const colour = (name) => palette[name];
  const options = { displayModeBar: false, responsive: true, locale: "reader", doubleClick: "autosize" };
  let figures = {};
  let separators = ".,";

  const measureOf = (note) => note.name.replace(/^(heading|note)-/, "");

  function themed(figure, settings = {}) {
    const copy = structuredClone(figure);
    const ink = colour("--ink"), quiet = colour("--quiet"), rule = colour("--rule");
    const index = new Map($$('input[name="measure"]', controls).map((box) => [box.value, box.dataset.index % 6]));
    for (const trace of copy.data) {
      const own = colour(`--m${index.get(trace.meta) ?? 0}`);
      if (trace.marker) trace.marker.color = own;
      if (trace.line) trace.line.color = own;
    }
    Object.assign(copy.layout, {
      hoversubplots: "axis",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", separators,
      font: { family: colour("--sans"), size: 12, color: quiet },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: rule, font: { color: ink } },
      ...settings,
    });
    for (const [name, axis] of Object.entries(copy.layout)) {
      if (!/^[xy]axis/.test(name)) continue;
      Object.assign(axis, { gridcolor: rule, zerolinecolor: rule, linecolor: rule });
      if (name[0] === "y") axis.showline = false;
      if (name[0] === "x") axis.showgrid = false;
    }
    for (const note of copy.layout.annotations) {
      const measure = measureOf(note);
      const heading = note.name.startsWith("heading-");
      note.font = { size: 14, weight: heading ? 600 : 400, color: colour(`--m${index.get(measure) ?? 0}`) };
      note.text = note.text.replace(/\d{4}-\d\d-\d\d/, (day) => asDate(day, "medium"));
    }
    return copy;
  }

  function showMeasures(figure, hidden) {
    // One panel for each measure that is switched on; the axes are numbered anew from the top.
    const shown = $$('input[name="measure"]', controls).map((box) => box.value).filter((m) => !hidden.includes(m));
    const { layout } = figure;
    const { panel, gap } = layout.meta;
    const inside = shown.length * panel + (shown.length - 1) * gap;
    layout.height = layout.margin.t + layout.margin.b + Math.max(inside, 60);
    figure.data = figure.data.filter((trace) => shown.includes(trace.meta));
    layout.annotations = layout.annotations.filter((note) => shown.includes(measureOf(note)));
    const axes = Object.fromEntries(figure.data.map((trace) => [trace.meta, layout[`yaxis${trace.yaxis.slice(1)}`]]));
    for (const name of Object.keys(layout)) if (/^yaxis/.test(name)) delete layout[name];
    shown.forEach((measure, n) => {
      const number = n ? String(n + 1) : "";
      const low = (shown.length - 1 - n) * (panel + gap);
      layout[`yaxis${number}`] = { ...axes[measure], domain: [low / inside, (low + panel) / inside] };
      layout.xaxis.anchor = `y${number}`;
      for (const trace of figure.data) if (trace.meta === measure) trace.yaxis = `y${number}`;
      for (const note of layout.annotations) if (measureOf(note) === measure) note.yref = `y${number} domain`;
    });
    return shown;
  }

  function makeLogarithmic(figure) {
    // A bar starts at zero, which a logarithmic scale does not have: points it is.
    for (const trace of figure.data) {
      if (trace.type === "bar") {
        Object.assign(trace, { type: "scatter", mode: "markers" });
        for (const name of ["width", "offset"]) delete trace[name];
        delete trace.marker.pattern;
      }
      if (trace.mode === "markers") Object.assign(trace.marker, { size: 4, opacity: 0.5 });
      trace.y = trace.y.map((value) => (value === null || value <= 0 ? null : value));
    }
    const shown = figure.data[0]?.x ?? [];
    if (shown.length > 1) figure.layout.xaxis.range = [shown[0], shown.at(-1)];
    for (const [name, axis] of Object.entries(figure.layout)) {
      if (/^yaxis/.test(name)) Object.assign(axis, { type: "log", dtick: 1, rangemode: "normal" });
    }
  }

  function showDates(figure, view) {
    // What is left out is not drawn, so that each scale fits what is shown.
    if (!view.from && !view.to) return;
    for (const trace of figure.data) {
      const kept = [...trace.x.keys()].filter((n) => within(view, trace.x[n]));
      const some = (list) => kept.map((n) => list[n]);
      for (const name of ["x", "y", "width", "offset", "customdata", "hovertext"]) {
        if (Array.isArray(trace[name])) trace[name] = some(trace[name]);
      }
      if (Array.isArray(trace.marker?.opacity)) trace.marker.opacity = some(trace.marker.opacity);
      if (trace.marker?.pattern) trace.marker.pattern.shape = some(trace.marker.pattern.shape);
    }
  }

  async function draw(plot, figure) {
    // Plotly takes the place of the still picture, which is as high: nothing below moves.
    const still = $(".still", plot);
    if (still) {
      plot.style.minHeight = `${plot.clientHeight}px`;
      plot.classList.add("taken-over");
    }
    await Plotly.react(plot, figure.data, figure.layout, options);
    if (still) {
      still.remove();
      plot.style.minHeight = "";
    }
  }

  function showNotes(figure, view) {
    // A line across the panels for each date that an operator wrote something about; the list below them has the words.
    const days = [...new Set($$("[data-note]").map((note) => note.dataset.note))].filter((day) => within(view, day));
    figure.layout.shapes = [...(figure.layout.shapes ?? []), ...days.map((day) => ({
      type: "line", xref: "x", yref: "paper", x0: day, x1: day, y0: 0, y1: 1, layer: "below",
      line: { color: colour("--wait"), width: 1.5, dash: "dot" },
    }))];
  }

  let drawing = false;

  async function drawMain(view) {
    const source = figures[view.by]?.[view.show];
    if (!source) return;
    const plot = $("#plot-main");
    const figure = themed(source);
    const shown = showMeasures(figure, view.hide.split(","));
    plot.classList.toggle("empty", shown.length === 0);
    showDates(figure, view);
    if (view.by === "monthly" && datesOf(figure.data).length <= 24) {
      Object.assign(figure.layout.xaxis, { dtick: "M1", tickformat: "%b\n%Y", ticklabelmode: "period" });
    }
    if (view.scale === "log") makeLogarithmic(figure);
    showNotes(figure, view);
    figure.layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
    drawing = true;
    await draw(plot, figure);
    drawing = false;
    plot.dataset.drawn = `${view.by} ${view.show} ${view.scale}`;
  }

  async function drawSmall() {
    for (const plot of $$("[data-plot]")) {
      const name = plot.dataset.plot;
      if (name === "main") continue;
      const source = name === "revisions" ? figures.revisions?.all : figures[name]?.recent;
      if (!source) continue;
      const figure = themed(source, { dragmode: false });
      if (name !== "revisions") showMeasures(figure, []);
      figure.layout.xaxis.fixedrange = true;
      if (name === "weekly") {
        const weeks = source.data[0].x.filter((_, n, all) => (all.length - 1 - n) % 2 === 0);
        Object.assign(figure.layout.xaxis, { tickvals: weeks, ticktext: weeks.map((week) => asDate(week, "day")) });
      }
      for (const [key, axis] of Object.entries(figure.layout)) {
        if (/^yaxis/.test(key) && name !== "revisions") Object.assign(axis, { nticks: 3 });
      }
      if (name === "revisions") {
        const { yaxis } = figure.layout;
        yaxis.ticktext = yaxis.ticktext.map((day) => asDate(day, "day"));
      }
      await draw(plot, figure);
      if (name === "revisions" && !plot.dataset.drawn) plot.on("plotly_click", openRevised);
      plot.dataset.drawn = "yes";
    }
  }

  function openRevised({ points }) {
    // A mark leads to its date's page, as the date does in the table below it. It may name a series of its own.
    const query = new URLSearchParams(location.search);
    const kept = new URLSearchParams([...query].filter(([name]) => name === "as_of"));
    if (body.dataset.series) kept.set("series", body.dataset.series);
    location.href = `data/${points[0].x.slice(0, 10)}${kept.size ? `?${kept}` : ""}`;
  }

  // --- the chart as a table, and as a file ---------------------------------------------------------------------

  function firstOf(by, label) {
    // The first day of the week or month of a label.
    if (by === "monthly") return `${label.slice(0, 7)}-01`;
    if (by === "daily") return label;
    const day = new Date(`${label}T00:00:00Z`);
    day.setUTCDate(day.getUTCDate() - 6);
    return day.toISOString().slice(0, 10);
  }

  function within(view, label) {
    // A week or a month is shown where any day of it is.
    const last = view.by === "monthly" ? `${label.slice(0, 7)}-31` : label;
    return (!view.from || last >= view.from) && (!view.to || firstOf(view.by, label) <= view.to);
  }

  function tableTraces(view) {
    const hidden = view.hide.split(",");
    return figures[view.by][view.show].data.filter((trace) => !hidden.includes(trace.meta) && trace.name !== "7-day mean");
  }

  function datesOf(traces) {
    // Points without a value may stand for a break in a line.
    const known = traces.flatMap((trace) => trace.x.filter((_, n) => trace.y[n] !== null));
    return [...new Set(known)].sort();
  }

  function fillTable(view) {
    const holder = $("#main-table");
    const source = figures[view.by]?.[view.show];
    if (!holder.open || !source) return;
    const traces = tableTraces(view);
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const [n, title] of ["Date", ...traces.map((t) => t.name)].entries()) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = title;
      head.append(cell);
    }
    const rows = table.createTBody();
    const columns = traces.map((trace) => new Map(trace.x.map((date, n) => [date, (trace.customdata ?? trace.y)[n]])));
    for (const date of datesOf(traces).reverse()) {
      if (!within(view, date)) continue;
      const row = rows.insertRow();
      const label = document.createElement("th");
      label.scope = "row";
      label.textContent = asDate(date, view.by === "monthly" ? "month" : "medium");
      row.append(label);
      for (const column of columns) {
        const value = column.get(date) ?? null;
        row.insertCell().textContent = value === null ? "–" : numbers.format(value);
      }
    }
    $(".scroll", holder).replaceChildren(table);
  }

  const isWhole = (view) => !view.hide && (view.show === "new" || view.by === "daily");

  function linkDownload(view) {
    const query = new URLSearchParams();
    const asOf = new URLSearchParams(location.search).get("as_of");
    if (asOf) query.set("as_of", asOf);
    if (body.dataset.series) query.set("series", body.dataset.series);
    if (view.from) query.set("from", view.from);
    if (view.to) query.set("to", view.to);
    const table = view.show === "cumulative" ? "data" : view.by;
    $("#download").href = `${table}?${new URLSearchParams([...query, ["format", "csv"]])}`;
    if (view.by !== usual.by) query.set("by", view.by);
    if (view.show !== usual.show) query.set("show", view.show);
    if (view.scale === "log") query.set("scale", "log");
    const shown = $$('input[name="measure"]', controls).map((box) => box.value).filter((m) => !view.hide.split(",").includes(m));
    if (view.hide && shown.length) query.set("measure", shown.join(","));
    for (const link of $$("a[data-chart]")) link.href = `${link.dataset.chart}?${new URLSearchParams([...query, ["theme", "light"]])}`;
    $("#copy-embed").dataset.address = new URL(`embed?${query}`, location.href);
  }

  function saveShown(event) {
    // What no table of the API is alone: chosen measures, and totals at the ends of weeks and months.
    const view = viewOfControls();
    if (isWhole(view)) return;
    event.preventDefault();
    const traces = tableTraces(view);
    const columns = traces.map((trace) => new Map(trace.x.map((date, n) => [date, (trace.customdata ?? trace.y)[n]])));
    const lines = datesOf(traces).filter((date) => within(view, date))
      .map((date) => [date, ...columns.map((column) => column.get(date) ?? "")].join(","));
    const text = [["date", ...traces.map((trace) => trace.meta)].join(","), ...lines, ""].join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = `${view.by}-${view.show}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
  }

  // --- what the chart shows, in words --------------------------------------------------------------------------

  let firstCaption = null;

  function titleOf(view) {
    const scale = view.scale === "log" ? ", on a logarithmic scale" : "";
    const from = view.from && `, from ${asDate(view.from, "medium")}`, to = view.to && `, to ${asDate(view.to, "medium")}`;
    return (figures[view.by]?.[view.show]?.layout.meta.title ?? "") + scale + from + to.replace(", ", from ? " " : ", ");
  }

  function caption(view) {
    // The page's own words are of what it opens with; of any other view these are.
    const place = $("#course-summary");
    firstCaption ??= [...place.childNodes];
    if (Object.keys(usual).every((name) => view[name] === usual[name])) {
      place.replaceChildren(...firstCaption);
      return;
    }
    const traces = tableTraces(view);
    if (!traces.length) {
      place.textContent = "No measure is chosen: switch one on to see it.";
      return;
    }
    const shown = datesOf(traces).filter((date) => within(view, date));
    if (!shown.length) {
      place.textContent = `There is nothing to show in these dates: the data go from ${asDate(dates[0], "medium")} to ${asDate(dates.at(-1), "medium")}.`;
      return;
    }
    const style = view.by === "monthly" ? "month" : "medium";
    const noun = { daily: "date", weekly: "week", monthly: "month" }[view.by] + (shown.length === 1 ? "" : "s");
    const sentences = [`${numbers.format(shown.length)} ${noun} from ${asDate(shown[0], style)} to ${asDate(shown.at(-1), style)}.`];
    place.textContent = [...sentences, ...traces.map((trace) => extremes(trace, view, style))].join(" ");
  }

  function extremes(trace, view, style) {
    // Numbers that stand for more or less than their day, week or month are pale or hatched, and no record.
    const opacity = trace.marker?.opacity, most = Array.isArray(opacity) ? Math.max(...opacity) : opacity;
    const known = trace.x.map((date, n) => ({ date, value: trace.y[n], n })).filter(({ date, value, n }) =>
      value !== null && within(view, date)
      && (!Array.isArray(opacity) || opacity[n] === most) && !trace.marker?.pattern?.shape[n]);
    if (!known.length) return `${trace.name}: no complete number in these dates.`;
    const high = known.reduce((best, one) => (one.value > best.value ? one : best));
    const last = known.at(-1);
    const of = ({ date, value }) => `${numbers.format(value)} (${asDate(date, style)})`;
    return high === last ? `${trace.name}: highest at the end, ${of(high)}.` : `${trace.name}: highest ${of(high)}, last ${of(last)}.`;
  }

  function keepView() {
    // Another date or series is looked at in the same view.
    for (const form of $$('form.known[method="get"]')) {
      form.addEventListener("submit", () => { form.action = `.${location.hash}`; });
    }
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.('a[href="."], a[href^="?"]');
      if (link) link.hash = location.hash;
    });
  }

  // --- putting it together -------------------------------------------------------------------------------------

  async function show(view) {
    setControls(view);
    setBrush(view);
    $("#main-title").textContent = titleOf(view);
    caption(view);
    linkDownload(view);
    fillTable(view);
    await drawMain(view);
  }

  async function changed() {
    const view = viewOfControls();
    if (view.from && view.to && view.from > view.to) [view.from, view.to] = [view.to, view.from];
    writeView(view);
    await show(view);
  }

  function dragged(event) {
    if (drawing) return;
    const start = event["xaxis.range[0]"] ?? event["xaxis.range"]?.[0];
    const end = event["xaxis.range[1]"] ?? event["xaxis.range"]?.[1];
    const { from, to } = controls.elements;
    if (start && end) {
      [from.value, to.value] = [String(start).slice(0, 10), String(end).slice(0, 10)];
    } else if (event["xaxis.autorange"]) {
      from.value = to.value = "";
    } else {
      return;
    }
    changed();
  }

  // --- the range to drag ---------------------------------------------------------------------------------------

  const brush = $("#brush");
  let dates = [];

  function setBrush(view) {
    const [from, to] = $$("input", brush);
    const first = dates.findIndex((date) => date >= view.from);
    const last = view.to ? dates.findLastIndex((date) => date <= view.to) : dates.length - 1;
    from.value = first < 0 ? dates.length - 1 : first;
    to.value = Math.max(last, 0);
    paintBrush();
  }

  function paintBrush() {
    const [from, to] = $$("input", brush);
    for (const handle of [from, to]) handle.setAttribute("aria-valuetext", asDate(dates[handle.value], "medium"));
    const { style } = $(".window", brush);
    const share = (value) => `${(100 * value) / Math.max(dates.length - 1, 1)}%`;
    [style.left, style.right] = [share(from.value), share(dates.length - 1 - to.value)];
  }

  let frame = 0;

  function brushed() {
    // Drawn at most once a frame, with what was asked for last.
    const [from, to] = $$("input", brush).map((handle) => Number(handle.value));
    const inputs = controls.elements;
    inputs.from.value = from > 0 ? dates[Math.min(from, to)] : "";
    inputs.to.value = to < dates.length - 1 ? dates[Math.max(from, to)] : "";
    paintBrush();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => drawMain(viewOfControls()));
  }

  function listenToBrush() {
    const [from, to] = $$("input", brush);
    brush.addEventListener("input", brushed);
    brush.addEventListener("change", changed);
    const pane = $(".window", brush);
    pane.addEventListener("pointerdown", (event) => {
      const start = [event.clientX, Number(from.value), Number(to.value)];
      const days = (x) => Math.round(((x - start[0]) / brush.clientWidth) * (dates.length - 1));
      const move = (moved) => {
        const by = Math.max(-start[1], Math.min(days(moved.clientX), dates.length - 1 - start[2]));
        [from.value, to.value] = [start[1] + by, start[2] + by];
        brushed();
      };
      pane.setPointerCapture(event.pointerId);
      pane.addEventListener("pointermove", move);
      pane.addEventListener("lostpointercapture", () => {
        pane.removeEventListener("pointermove", move);
        changed();
      }, { once: true });
    });
  }

  function lastDays(days) {
    const { from, to } = controls.elements;
    if (!days) {
      from.value = to.value = "";
      return;
    }
    const end = new Date(`${to.max}T00:00:00Z`);
    end.setUTCDate(end.getUTCDate() - Number(days) + 1);
    [from.value, to.value] = [end.toISOString().slice(0, 10), to.max];
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      $("#copied").textContent = "Copied.";
    } catch {
      $("#copied").textContent = text;
    }
  }

  function listen() {
    controls.addEventListener("change", changed);
    controls.addEventListener("submit", (event) => event.preventDefault());
    for (const button of $$("button[data-days]", controls)) {
      button.addEventListener("click", () => { lastDays(button.dataset.days); changed(); });
    }
    addEventListener("hashchange", () => show(readView()));
    $("#main-table").addEventListener("toggle", () => fillTable(viewOfControls()));
    $("#download").addEventListener("click", saveShown);
    $("#share").addEventListener("click", () => copy(location.href));
    $("#copy-embed").addEventListener("click", (event) => {
      const { address } = event.currentTarget.dataset, { height } = $("#plot-main").layout;
      const title = document.title.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
      copy(`<iframe src="${address.replaceAll("&", "&amp;")}" title="${title}" width="100%" height="${height + 160}" style="border:0"></iframe>`);
    });
    listenToBrush();
    $("#plot-main").on("plotly_relayout", dragged);
  }

  function chooseTheme() {
    const choice = $("#theme");
    choice.value = document.documentElement.dataset.theme ?? "auto";
    const redraw = () => {
      readPalette();
      if (body.dataset.ready === "yes") {
        drawMain(viewOfControls());
        drawSmall();
      }
    };
    choice.addEventListener("change", () => {
      if (choice.value === "auto") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = choice.value;
      try {
        localStorage.setItem("theme", choice.value);
      } catch {
        // It holds for this page then.
      }
      redraw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    addEventListener("beforeprint", () => {
      const before = document.documentElement.dataset.theme;
      document.documentElement.dataset.theme = "light";
      redraw();
      addEventListener("afterprint", () => {
        if (before) document.documentElement.dataset.theme = before;
        else delete document.documentElement.dataset.theme;
        redraw();
      }, { once: true });
    });
  }

  async function start() {
    localise(document);
    tellAges();
    chooseTheme();
    if (!controls) return;
    const view = readView();
    keepView();
    try {
      const answer = await window.figures;
      if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
      figures = await answer.json();
      if (!window.Plotly) throw new Error("Plotly is not there");
    } catch {
      $("#still-only").textContent =
        "The charts could not be made to move: what they need did not load. They are shown as they were drawn.";
      for (const element of $$(".needs-script")) element.hidden = true;
      body.dataset.ready = "still";
      return;
    }
    controls.inert = false;
    dates = datesOf(figures[choices[0]].new.data);
    for (const handle of $$("input", brush)) handle.max = Math.max(dates.length - 1, 0);
    separators = plotlyLocale();
    readPalette();
    await show(view);
    listen();
    await drawSmall();
    performance.mark("drawn");
    body.dataset.ready = "yes";
  }

  start();
})();

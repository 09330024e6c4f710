"use strict";
// All series: found as one types, sorted by any column, up to three compared. The list comes when it is first needed.
(() => {
  const section = document.querySelector("#every-series");
  if (!section) return;
  const $ = (selector) => section.querySelector(selector);
  const SHOWN = 100, MOST = 3;
  const locale = navigator.languages?.length ? navigator.languages : ["en"];
  const measures = section.dataset.measures.split(" ");
  const body = $("tbody"), finder = $(".finder"), status = $("[role=status]"), compared = $("#compared");
  let rows = null, order = null, descending = true, chosen = [];

  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  function written(value, settings = {}) {
    if (value === null) return "–";
    const digits = String(value).split(".")[1]?.length ?? 0;
    return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, ...settings })
      .format(value);
  }

  let loading = null;
  const load = () => (loading ??= fetchRows());

  async function fetchRows() {
    const all = [];
    for (let page = section.dataset.list; page;) {
      const answer = await fetch(page, { cache: "no-cache" });
      if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
      all.push(...await answer.json());
      const next = answer.headers.get("Link")?.match(/<([^>]*)>; rel="next"/);
      page = next && new URL(next[1], answer.url).href;
    }
    rows = all.map((row) => ({ ...row, folded: folded(row.series) }));
    sortBy("0");
  }

  function sortBy(column) {
    descending = order === column ? !descending : column !== "name";
    order = column;
    const name = measures[Number(column.replace("change-", ""))];
    const key = column === "name" ? (row) => row.folded
      : column.startsWith("change-") ? (row) => row.changes[name] : (row) => row[name];
    rows.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
    });
    for (const button of section.querySelectorAll("th button")) {
      const heading = button.closest("th");
      if (button.dataset.sort === column) heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    }
    show();
  }

  function show() {
    const wanted = folded(finder.elements.find.value.trim());
    const found = wanted ? rows.filter((row) => row.folded.includes(wanted)) : rows;
    body.replaceChildren(...found.slice(0, SHOWN).map(rowOf));
    status.textContent = found.length > SHOWN
      ? `${written(found.length)} found, the first ${SHOWN} shown` : `${written(found.length)} found`;
  }

  function rowOf(row) {
    const line = document.createElement("tr");
    const heading = document.createElement("th");
    heading.scope = "row";
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: chosen.includes(row.series) });
    box.setAttribute("aria-label", `Compare ${row.series}`);
    box.addEventListener("change", () => choose(row.series, box.checked));
    const link = document.createElement("a");
    const query = new URLSearchParams(location.search);
    query.set("series", row.series);
    link.href = `?${query}`;
    link.textContent = row.series;
    heading.append(box, " ", link);
    if (row.behind) heading.append(" ", dated(row.date));
    line.append(heading);
    for (const name of measures) {
      line.insertCell().textContent = written(row[name]);
      const change = row.changes[name];
      line.insertCell().textContent = change === null ? "" : written(change, { signDisplay: "exceptZero" });
    }
    line.insertCell().append(spark(row.line));
    return line;
  }

  function dated(date) {
    const time = document.createElement("time");
    Object.assign(time, { dateTime: date, className: "quiet" });
    time.textContent = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(date));
    return time;
  }

  function spark(values) {
    // The same shape as the page's own small lines.
    const known = values.map((value, n) => [n, value]).filter(([, value]) => value !== null);
    const namespace = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(namespace, "svg");
    if (known.length < 2) return picture;
    const most = Math.max(...known.map(([, value]) => value)), least = Math.min(0, ...known.map(([, value]) => value));
    const across = 220 / (values.length - 1), up = 38 / (most - least || 1);
    picture.setAttribute("class", "spark");
    picture.setAttribute("viewBox", "0 0 220 44");
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("aria-hidden", "true");
    const stretches = values.reduce((found, value, n) => {
      if (value === null) found.push([]);
      else found.at(-1).push(`${(n * across).toFixed(1)},${(41 - (value - least) * up).toFixed(1)}`);
      return found;
    }, [[]]);
    for (const points of stretches.filter((one) => one.length)) {
      const drawn = document.createElementNS(namespace, "polyline");
      drawn.setAttribute("points", (points.length > 1 ? points : [...points, ...points]).join(" "));
      picture.append(drawn);
    }
    return picture;
  }

  // --- two or three in one chart; the address carries which ----------------------------------------------------

  function choose(name, wanted) {
    chosen = wanted ? [...chosen.filter((one) => one !== name), name].slice(-MOST) : chosen.filter((one) => one !== name);
    const params = new URLSearchParams(location.hash.slice(1));
    if (chosen.length) params.set("compare", JSON.stringify(chosen));
    else params.delete("compare");
    history.replaceState(null, "", params.size ? `#${params}` : location.pathname + location.search);
    if (rows) show();
    compare();
  }

  function chosenInAddress() {
    try {
      const named = JSON.parse(new URLSearchParams(location.hash.slice(1)).get("compare") ?? "[]");
      return Array.isArray(named) ? named.filter((name) => typeof name === "string").slice(0, MOST) : [];
    } catch {
      return [];
    }
  }

  async function compare() {
    compared.hidden = chosen.length === 0 || !window.Plotly;
    if (compared.hidden) return;
    const by = document.querySelector('input[name="by"]:checked')?.value ?? "weekly";
    const names = [...chosen];
    const tables = await Promise.all(names.map(async (name) => {
      const query = new URLSearchParams(location.search);
      query.set("series", name);
      const answer = await fetch(`${by}?${query}`);
      return answer.ok ? answer.json() : [];
    }));
    if (names.join() !== chosen.join()) return;
    const styles = getComputedStyle(document.documentElement);
    const colour = (name) => styles.getPropertyValue(name).trim();
    const data = names.map((name, n) => ({
      type: "scatter", mode: "lines", name, line: { width: 2, color: colour(`--m${n}`), dash: ["solid", "dash", "dot"][n] },
      x: tables[n].map((row) => row.date), y: tables[n].map((row) => row[measures[0]]),
    }));
    const layout = {
      margin: { l: 48, r: 8, t: 8, b: 32 }, height: 280, showlegend: true, legend: { orientation: "h", y: 1.15 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified", dragmode: false,
      font: { family: colour("--sans"), size: 12, color: colour("--quiet") },
      xaxis: { type: "date", showgrid: false, fixedrange: true },
      yaxis: { rangemode: "tozero", exponentformat: "B", gridcolor: colour("--rule"), fixedrange: true },
    };
    compared.querySelector(".names").textContent = names.join(", ");
    const options = { displayModeBar: false, responsive: true };
    await Plotly.react(compared.querySelector(".plot"), data, layout, options);
    compared.dataset.drawn = names.join("|");
  }

  finder.hidden = false;
  finder.addEventListener("submit", (event) => event.preventDefault());
  finder.elements.find.addEventListener("focus", load, { once: true });
  let due = 0;  // several letters within a frame are shown once, so that typing does not wait for the table
  finder.elements.find.addEventListener("input", async () => {
    await load();
    due ||= requestAnimationFrame(() => { due = 0; show(); });
  });
  for (const button of section.querySelectorAll("th button")) {
    button.addEventListener("click", async () => { const had = rows; await load(); if (had) sortBy(button.dataset.sort); });
  }
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    observer.disconnect();
    load();
  }).observe(section);
  document.addEventListener("change", (event) => { if (event.target.name === "by") compare(); });
  chosen = chosenInAddress();
  compare();
})();

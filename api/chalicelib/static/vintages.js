"use strict";
// Draws the figure that the page carries, in the page's colours.
(() => {
  const plot = document.querySelector("[data-figure]");
  if (!plot) return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = () => {
    const { data, layout } = JSON.parse(plot.dataset.figure);
    data.forEach((trace, n) => { if (trace.line) trace.line.color = colour(`--m${n}`); });
    for (const axis of [layout.xaxis, layout.yaxis]) Object.assign(axis, { gridcolor: colour("--rule"), zerolinecolor: colour("--rule") });
    Plotly.react(plot, data, {
      ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: colour("--sans"), size: 12, color: colour("--quiet") },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--rule"), font: { color: colour("--ink") } },
    }, { displayModeBar: false, responsive: true }).then(() => { plot.dataset.drawn = "yes"; });
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();

"use strict";
// What must not wait for the rest of the page: the theme, so that it does not flash, and the request for the figures,
// so that they come while the page and Plotly are still on their way.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // Storage may be forbidden; the system's theme is as good.
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  root.classList.add("scripted");
  // The browser's copy may be of the run before the page's: it is asked for, and answered with 304 where it is not.
  const { figures } = document.currentScript.dataset; // the overview has none
  window.figures = figures ? fetch(figures, { cache: "no-cache" }) : Promise.resolve();
  window.figures.catch(() => {}); // whoever waits for them tells
})();

// Small pictures, drawn in the colour of the text around them; never the only carrier of a meaning.

import { svg } from "./dom.js";

const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm4.8 11.3L20 20",
  download: "M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 20h14",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4m11.2 11.2L19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  moon: "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 0v18m0-15a6 6 0 0 1 0 12",
  text: "M4 19 9 6l5 13M5.8 15h6.4M15 19l3.5-9 3.5 9m-5.8-3h4.6",
  action_item: "M4 12.5 9.5 18 20 6.5",
  decision: "M6 21V4m0 1h11l-2.5 4L17 13H6",
  question: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4m0 3.5v.5",
  strong_moment: "M13 3 5 14h6l-1 7 8-11h-6z",
  up: "m6 15 6-6 6 6",
  down: "m6 9 6 6 6-6",
};

export function icon(name) {
  const path = svg("path", { d: PATHS[name] ?? PATHS.strong_moment, fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round" });
  return svg("svg", { viewBox: "0 0 24 24", width: "18", height: "18", "aria-hidden": "true", class: "icon" }, path);
}

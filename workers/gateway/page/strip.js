// The last minutes of a meeting's talk: a row per speaker, a bar for each stretch of speech.

import { svg } from "./dom.js";

const SPAN_MS = 120_000;
const ROWS = 4;
const ROW = 9;
const WIDTH = 300;
const HIGH = 38; // of the strip on the page, into which the rows are stretched
const CORNER = 2;

// Of the stretches until `nowMs` of the meeting; speakers share rows once these run out.
export function strip(talk, nowMs) {
  const speakers = [...new Set(talk.map(({ speaker }) => speaker.id))];
  const rows = Math.max(1, Math.min(ROWS, speakers.length));
  const bars = talk.map(({ speaker, start_ms: start, end_ms: end }) => {
    const index = speakers.indexOf(speaker.id);
    const from = Math.max(0, 1 - (nowMs - start) / SPAN_MS) * WIDTH;
    const to = Math.max(0, 1 - (nowMs - (end ?? nowMs)) / SPAN_MS) * WIDTH;
    return svg("rect", { x: from, y: (index % rows) * ROW + 1, width: Math.max(to - from, to > 0 ? 2 : 0), height: ROW - 3, rx: CORNER, ry: (CORNER * rows * ROW) / HIGH, class: `fill-${index % 8}` });
  });
  return svg("svg", { class: "strip", viewBox: `0 0 ${WIDTH} ${rows * ROW}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...bars);
}

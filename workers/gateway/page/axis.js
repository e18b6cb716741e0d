// The time axis that everything on the timeline shares: columns of equal length.

import { clock } from "./format.js";

const STEPS_MS = [2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600].map((s) => s * 1000);
const SHORTEST_MS = 60_000;
const COLUMN_PX = 15;
const LABEL_PX = 72;
const WRITTEN_PX = 48; // of a label, at most

// The finest columns that fit a meeting of `durationMs` into `widthPx`, the last one begun included.
export function axisFor(durationMs, widthPx) {
  const most = Math.max(8, Math.floor(widthPx / COLUMN_PX));
  const needed = Math.max(durationMs, SHORTEST_MS);
  const step = STEPS_MS.find((ms) => needed / ms <= most) ?? Math.ceil(needed / most / 3_600_000) * 3_600_000;
  const columns = Math.max(1, Math.ceil(needed / step));
  return { step, columns, spanMs: step * columns };
}

// Which columns get a label, and what it says.
export function labels({ step, columns }, widthPx) {
  const every = Math.max(1, Math.ceil(LABEL_PX / (widthPx / columns)));
  const found = [];
  const last = columns * (1 - WRITTEN_PX / widthPx); // a label behind it would be cut off
  for (let column = 0; column <= last; column += every) found.push({ column, text: clock(column * step) });
  return found;
}

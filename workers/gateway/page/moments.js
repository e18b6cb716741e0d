// Phrases heard, as chips on the timeline. The newest have their words; where there is no room, a
// dot stays that says the same when it is asked.

import { el, oncePerFrame } from "./dom.js";
import { clock } from "./format.js";

const ROWS = 2;
const ROW_PX = 32;
const DOT_PX = 16;
const GAP_PX = 6;

export class Moments {
  constructor(speakers, onChosen) {
    this.speakers = speakers;
    this.onChosen = onChosen;
    this.chips = new Map();
    this.spanMs = 1;
    this.high = 0;
    this.empty = el("li", { class: "empty" }, "No keyword or command heard yet");
    this.node = el("ul", { class: "moments", "aria-label": "Keywords and commands" }, this.empty);
    this.arrange = oncePerFrame(() => this.place());
  }

  add(result) {
    if (this.chips.has(result.id)) return;
    this.empty.remove();
    const name = this.speakers.meet(result.speaker).label;
    const about = `${result.category}, said by ${name}, heard in the ${result.source === "acoustic" ? "voice" : "text"}`;
    const title = `${result.phrase} ${clock(result.start_ms)}: ${about}`;
    const button = el("button", { class: "chip", type: "button", title, onclick: () => this.onChosen(result.utterance) },
      el("i", { class: `dot ${this.speakers.colour(result.speaker)}` }), el("span", {}, result.phrase), el("small", {}, clock(result.start_ms)), el("em", { class: "unseen" }, about));
    const item = el("li", {}, button);
    const chip = { item, startMs: result.start_ms };
    this.chips.set(result.id, chip);
    const later = [...this.chips.values()].filter((other) => other.startMs > chip.startMs);
    const next = later.reduce((first, other) => (first === null || other.startMs < first.startMs ? other : first), null);
    this.node.insertBefore(item, next?.item ?? null);
    this.arrange();
  }

  scale(spanMs) {
    this.spanMs = spanMs;
    this.arrange();
  }

  // From the newest to the oldest, each into the first row where its words fit before those already there.
  place() {
    const width = this.node.clientWidth;
    const chips = [...this.chips.values()].sort((a, b) => b.startMs - a.startMs);
    for (const { item } of chips) item.className = "";
    const widths = chips.map(({ item }) => item.offsetWidth);
    const free = Array(ROWS).fill(width);
    const rows = [];
    chips.forEach(({ item, startMs }, i) => {
      const at = (startMs / this.spanMs) * width;
      const left = Math.max(0, Math.min(at, width - widths[i]));
      const row = free.findIndex((edge) => left + widths[i] <= edge);
      if (row >= 0) free[row] = left - GAP_PX;
      item.className = row >= 0 ? "" : "as-dot";
      item.style.left = `${row >= 0 ? left : Math.min(at, width - 10)}px`;
      rows.push(row);
    });
    this.stack(chips, rows);
  }

  // The first row is the lowest, next to the time it is about; dots are beneath. Never less high than before.
  stack(chips, rows) {
    const dots = rows.includes(-1) ? DOT_PX : 0;
    this.high = Math.max(this.high, (Math.max(...rows, 0) + 1) * ROW_PX + dots);
    this.node.style.height = `${this.high}px`;
    chips.forEach(({ item }, i) => {
      item.style.top = `${rows[i] < 0 ? this.high - DOT_PX : this.high - dots - (rows[i] + 1) * ROW_PX}px`;
    });
  }
}

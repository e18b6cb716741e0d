// The mood of each speaker over time, as a grid that eyes, keys and screen readers can walk.

import { el, setAttribute } from "./dom.js";
import { clock, signed } from "./format.js";

const STEPS = 4; // of colour on each side of neutral, or above calm

export const FEELINGS = {
  polarity: { label: "Mood", low: "negative", high: "positive", source: "text", lowest: -STEPS, value: (s) => s.polarity, shown: signed },
  arousal: { label: "Energy", low: "calm", high: "excited", source: "tone", lowest: 0, value: (s) => s.arousal, shown: (v) => v.toFixed(2) },
};

export class Heatmap {
  constructor(speakers, onChosen) {
    this.speakers = speakers;
    this.onChosen = onChosen;
    this.felt = new Map();
    this.cells = [];
    this.at = { row: 0, column: 0 };
    this.node = el("div", { class: "heatmap", role: "grid", "aria-label": "Mood of each speaker over time" });
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.node.addEventListener("click", (event) => this.choose(event.target.closest(".cell")));
  }

  add(result) {
    const ofSpeaker = this.felt.get(result.speaker.id) ?? new Map();
    ofSpeaker.set(result.id, result);
    this.felt.set(result.speaker.id, ofSpeaker);
    this.speakers.meet(result.speaker);
  }

  draw(axis, feeling) {
    const people = [...this.speakers.known].filter(([id]) => this.felt.has(id));
    if (this.shape !== `${people.length}x${axis.columns}`) this.build(people, axis);
    this.axis = axis;
    people.forEach(([id, row], r) => {
      const columns = average([...this.felt.get(id).values()], axis, FEELINGS[feeling]);
      this.cells[r].forEach((cell, c) => paint(cell, columns[c], { who: row.label, at: c * axis.step, feeling }));
    });
  }

  build(people, axis) {
    this.shape = `${people.length}x${axis.columns}`;
    this.cells = people.map(() => Array.from({ length: axis.columns }, () => el("div", { class: "cell", role: "gridcell", tabindex: "-1" })));
    const rows = people.map(([id, row], r) => {
      const cells = el("div", { class: "cells", role: "presentation" }, ...this.cells[r]);
      cells.style.setProperty("--columns", axis.columns);
      this.cells[r].forEach((cell) => { cell.speaker = id; });
      return el("div", { class: "heat-row", role: "row" }, el("div", { class: `heat-name ${row.colour}`, role: "rowheader", title: row.label }, row.label), cells);
    });
    this.node.replaceChildren(...rows);
    this.move(Math.min(this.at.row, people.length - 1), Math.min(this.at.column, axis.columns - 1));
  }

  move(row, column) {
    if (!this.cells[row]?.[column]) return null;
    this.cells[this.at.row]?.[this.at.column]?.setAttribute("tabindex", "-1");
    this.at = { row, column };
    this.cells[row][column].setAttribute("tabindex", "0");
    return this.cells[row][column];
  }

  key(event) {
    const { row, column } = this.at;
    const targets = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], Home: [row, 0], End: [row, this.axis.columns - 1] };
    if (event.key in targets) this.move(...targets[event.key])?.focus();
    else if (event.key === "Enter") this.choose(this.cells[row]?.[column]);
    else return;
    event.preventDefault();
  }

  choose(cell) {
    if (!cell) return;
    const row = this.cells.findIndex((cells) => cells.includes(cell));
    const column = this.cells[row].indexOf(cell);
    this.move(row, column);
    const [from, to] = [column * this.axis.step, (column + 1) * this.axis.step];
    const said = [...this.felt.get(cell.speaker).values()].find((s) => s.start_ms < to && s.end_ms > from);
    if (said) this.onChosen(said.utterance);
  }
}

// The mean in each column, weighted by how much of the column is spoken; null where there is nothing.
function average(sentiments, { step, columns }, { source, value }) {
  const sums = Array.from({ length: columns }, () => ({ weight: 0, sum: 0 }));
  for (const sentiment of sentiments) {
    if (sentiment.source !== source) continue;
    const last = Math.min(columns - 1, Math.floor(Math.max(sentiment.start_ms, sentiment.end_ms - 1) / step));
    for (let c = Math.floor(sentiment.start_ms / step); c <= last; c += 1) {
      const weight = Math.min(sentiment.end_ms, (c + 1) * step) - Math.max(sentiment.start_ms, c * step) || 1;
      sums[c].weight += weight;
      sums[c].sum += weight * value(sentiment);
    }
  }
  return sums.map(({ weight, sum }) => (weight ? sum / weight : null));
}

function paint(cell, value, { who, at, feeling }) {
  const { lowest, label, shown } = FEELINGS[feeling];
  const step = value === null ? "none" : Math.max(lowest, Math.min(STEPS, Math.round(value * STEPS)));
  setAttribute(cell, "data-step", step);
  setAttribute(cell, "data-feeling", feeling);
  const about = value === null ? `${who}, ${clock(at)}: nothing` : `${who}, ${clock(at)}: ${label.toLowerCase()} ${shown(value)}`;
  setAttribute(cell, "aria-label", about);
  setAttribute(cell, "title", value === null ? "" : about);
}

export function legend(feeling) {
  const { low, high, lowest } = FEELINGS[feeling];
  const steps = Array.from({ length: STEPS - lowest + 1 }, (_, i) => el("i", { class: "cell", "data-step": lowest + i, "data-feeling": feeling }));
  return [el("span", {}, low), el("span", { class: "ramp", "aria-hidden": "true" }, ...steps), el("span", {}, high)];
}

export function describeFeeling(node, feeling) {
  const { label } = FEELINGS[feeling];
  setAttribute(node, "aria-label", `${label} of each speaker over time`);
}

// Who is there, how much each has spoken, and in what mood.

import { el, percent, setText } from "./dom.js";

const COLOURS = 8;

export class Speakers {
  constructor() {
    this.known = new Map();
    this.rows = el("div", {}, el("p", { class: "empty" }, "Nobody has spoken yet."));
    this.node = el("section", { class: "card" }, el("h2", {}, "Speakers and mood"), this.rows);
  }

  meet(speaker) {
    if (!this.known.has(speaker.id)) {
      if (this.known.size === 0) this.rows.replaceChildren();
      const row = new Row(speaker, this.known.size % COLOURS);
      this.known.set(speaker.id, row);
      this.rows.append(row.node);
    }
    return this.known.get(speaker.id);
  }

  colour(speaker) {
    return speaker.id ? this.meet(speaker).colour : "";
  }

  mood(result) {
    this.meet(result.speaker).mood(result.mood);
  }

  activity(result) {
    this.meet(result.speaker).name.classList.toggle("speaking", result.state === "speaking");
  }

  spoke(result) {
    const row = this.meet(result.speaker);
    row.spoken.set(result.utterance, result.end_ms - result.start_ms);
    const talked = [...this.known.values()].map((each) => [each, [...each.spoken.values()].reduce((a, b) => a + b, 0)]);
    const total = talked.reduce((sum, [, ms]) => sum + ms, 0);
    for (const [each, ms] of talked) setText(each.share, total ? `${percent(ms / total)} of talk` : "");
  }
}

class Row {
  constructor(speaker, index) {
    this.colour = `s${index}`;
    this.spoken = new Map();
    this.name = el("span", { class: `name ${this.colour}` }, speaker.name || speaker.id);
    this.share = el("span", { class: "share" });
    this.polarity = bar(`Tone of ${speaker.name}, from -1, bad, to 1, good`, -1);
    this.arousal = bar(`Energy of ${speaker.name}, from 0, calm, to 1, excited`, 0);
    this.bars = el("div", { class: "bars", hidden: true }, "mood", this.polarity, "energy", this.arousal);
    this.node = el("div", { class: "speaker" }, this.name, this.share, this.bars);
  }

  mood({ polarity, arousal }) {
    this.bars.hidden = false;
    fill(this.polarity, polarity, 50 + Math.min(0, polarity) * 50, Math.abs(polarity) * 50);
    fill(this.arousal, arousal, 0, arousal * 100);
    this.polarity.firstChild.className = polarity < 0 ? "down" : "up";
  }
}

function bar(label, lowest) {
  const attributes = { role: "meter", "aria-label": label, "aria-valuemin": lowest, "aria-valuemax": 1, "aria-valuenow": 0 };
  return el("div", { class: lowest < 0 ? "bar centred" : "bar", ...attributes }, el("i"));
}

function fill(node, value, left, width) {
  node.setAttribute("aria-valuenow", value);
  node.title = value.toFixed(2);
  node.firstChild.style.left = `${left}%`;
  node.firstChild.style.width = `${Math.max(width, 1)}%`;
}

// Who is there, how much each has spoken, and in what mood.

import { el, setAttribute, setText } from "./dom.js";
import { clock, signed } from "./format.js";

const COLOURS = 8;

export class Speakers {
  constructor() {
    this.known = new Map();
    this.rows = el("ul", { class: "speakers" });
    this.empty = el("p", { class: "empty" }, "Nobody has spoken yet.");
    this.node = el("section", { class: "card people", "aria-labelledby": "people" }, el("h2", { id: "people" }, "People"), this.empty, this.rows);
  }

  meet(speaker) {
    if (!this.known.has(speaker.id)) {
      this.empty.hidden = true;
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
    this.meet(result.speaker).speaking(result.state === "speaking");
  }

  silence() {
    for (const row of this.known.values()) row.speaking(false);
  }

  spoke(result) {
    const row = this.meet(result.speaker);
    row.spokenMs += result.end_ms - result.start_ms - (row.utterances.get(result.utterance) ?? 0);
    row.utterances.set(result.utterance, result.end_ms - result.start_ms);
    const total = [...this.known.values()].reduce((sum, { spokenMs }) => sum + spokenMs, 0);
    for (const each of this.known.values()) each.share(total);
  }
}

class Row {
  constructor(speaker, index) {
    const name = speaker.name || speaker.id;
    this.colour = `s${index}`;
    this.label = name;
    this.spokenMs = 0;
    this.utterances = new Map();
    this.name = el("span", { class: "name", title: name }, name);
    this.state = el("span", { class: "unseen" });
    this.talked = el("span", { class: "talked" });
    this.talk = el("i", { class: `fill-${index}` });
    this.polarity = bar(`Mood of ${name}, from −1, negative, to 1, positive`, -1);
    this.arousal = bar(`Energy of ${name}, from 0, calm, to 1, excited`, 0);
    this.moods = el("div", { class: "moods", hidden: true }, el("span", {}, "Mood"), this.polarity, el("span", {}, "Energy"), this.arousal);
    this.avatar = el("span", { class: `avatar fill-${index}`, "aria-hidden": "true" }, initials(name));
    this.node = el("li", {}, this.avatar, el("div", { class: "person" }, this.name, this.state, this.talked), el("div", { class: "bar talk", "aria-hidden": "true" }, this.talk), this.moods);
  }

  speaking(speaking) {
    this.node.classList.toggle("speaking", speaking);
    setText(this.state, speaking ? "(speaking)" : "");
  }

  share(totalMs) {
    const share = totalMs ? this.spokenMs / totalMs : 0;
    setText(this.talked, this.spokenMs ? `${clock(this.spokenMs)} · ${Math.round(share * 100)} %` : "");
    this.talk.style.width = `${share * 100}%`;
  }

  mood({ polarity, arousal }) {
    this.moods.hidden = false;
    fill(this.polarity, polarity, 50 + Math.min(0, polarity) * 50, Math.abs(polarity) * 50);
    fill(this.arousal, arousal, 0, arousal * 100);
    this.polarity.firstChild.className = polarity < 0 ? "down" : "up";
  }
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => [...word][0].toLocaleUpperCase()).join("");
}

function bar(label, lowest) {
  const attributes = { role: "meter", "aria-label": label, "aria-valuemin": lowest, "aria-valuemax": 1, "aria-valuenow": 0 };
  return el("div", { class: lowest < 0 ? "bar centred" : "bar", ...attributes }, el("i"));
}

function fill(node, value, left, width) {
  setAttribute(node, "aria-valuenow", value.toFixed(2));
  node.title = signed(value);
  node.firstChild.style.left = `${left}%`;
  node.firstChild.style.width = `${Math.max(width, 1)}%`;
}

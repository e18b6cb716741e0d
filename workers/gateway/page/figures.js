// The state of a meeting in a line of figures.

import { el, setAttribute, setText } from "./dom.js";
import { clock, percent, seconds } from "./format.js";
import { levelOf } from "./levels.js";

const WORDS = { live: "Connected", reconnecting: "Reconnecting…", paused: "Paused", ended: "Complete" };
const LATE_MS = 5000;

export class Figures {
  constructor() {
    this.values = {};
    this.node = el("dl", { class: "figures" },
      this.figure("length", "Length", "How long the meeting is"),
      this.figure("level", "Level", "What the meeting gets"),
      this.figure("latency", "Latency", "How late captions are: the median of the last ones"),
      this.figure("waiting", "Waiting", "Audio and speech that is still worked on"),
      this.figure("coverage", "Coverage", "Share of the audio that has its final result"),
      this.figure("stream", "Stream", "The connection to the gateway"));
  }

  figure(name, label, title) {
    this.values[name] = el("dd", {}, "–");
    return el("div", { class: `figure-${name}`, title }, el("dt", {}, label), this.values[name]);
  }

  set(name, text, tone = "") {
    setText(this.values[name], text);
    setAttribute(this.values[name], "class", tone);
  }

  meeting({ duration_ms: durationMs, coverage, missing }) {
    const waitingMs = missing.unheard_ms + missing.untranscribed_ms;
    this.set("length", clock(durationMs));
    this.set("waiting", waitingMs < 100 ? "nothing" : seconds(waitingMs), waitingMs > LATE_MS ? "warn" : "");
    this.set("coverage", percent(coverage), missing.gaps_ms ? "warn" : "");
  }

  level(number) {
    const { name, tone, means } = levelOf(number);
    this.set("level", name, tone);
    this.values.level.parentElement.title = means;
  }

  latency(ms) {
    this.set("latency", seconds(ms), ms > LATE_MS ? "bad" : ms > 2000 ? "warn" : "");
  }

  stream(state) {
    this.set("stream", WORDS[state], state === "reconnecting" ? "warn" : "");
  }
}

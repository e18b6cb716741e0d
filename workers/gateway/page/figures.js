// The state of a meeting in a line of figures.

import { el, setAttribute, setText } from "./dom.js";
import { clock, percent, seconds } from "./format.js";
import { levelOf } from "./levels.js";

const WORDS = { live: "Connected", reconnecting: "Reconnecting…", paused: "Paused" };
export const LATE_MS = 20_000; // longer than anybody speaks in one breath: no final text was due yet
const NOTHING_MS = 100;
const SLOW_MS = 2000;
const TOO_SLOW_MS = 5000;

export class Figures {
  constructor() {
    this.values = {};
    this.node = el("dl", { class: "figures" },
      this.figure("started", "Started", "When the meeting began"),
      this.figure("length", "Length", "How long the meeting is"),
      this.figure("level", "Level", "What the meeting gets"),
      this.figure("latency", "Latency", "How late captions are: the median of the last ones"),
      this.figure("waiting", "In progress", "Audio and speech that has no final text yet"),
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

  meeting({ started_at_ms: startedMs, ended_at_ms: endedMs, duration_ms: durationMs, coverage, missing }) {
    const waitingMs = missing.unheard_ms + missing.untranscribed_ms;
    this.set("started", new Date(startedMs).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
    this.values.waiting.parentElement.hidden = endedMs !== null && waitingMs < NOTHING_MS;
    this.set("length", clock(durationMs));
    this.set("waiting", waitingMs < NOTHING_MS ? "nothing" : seconds(waitingMs), waitingMs > LATE_MS ? "warn" : "");
    this.set("coverage", percent(coverage), missing.gaps_ms ? "warn" : "");
  }

  level(number) {
    const { name, tone, means } = levelOf(number);
    this.set("level", name, tone);
    this.values.level.parentElement.title = means;
  }

  latency(ms) {
    this.set("latency", seconds(ms), ms > TOO_SLOW_MS ? "bad" : ms > SLOW_MS ? "warn" : "");
  }

  stream(state) {
    this.set("stream", WORDS[state], state === "reconnecting" ? "warn" : "");
  }
}

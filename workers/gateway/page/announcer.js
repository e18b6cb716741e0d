// Captions for screen readers: finals only, gathered, so that one does not cut off another and a
// quick discussion does not bury the listener.

import { el } from "./dom.js";

const PACE_MS = 2500;
const AT_ONCE = 4;
const KEPT = 20;

export class Announcer {
  constructor(log, { enabled, signal }) {
    this.log = log;
    this.enabled = enabled;
    this.waiting = [];
    signal.addEventListener("abort", () => { this.waiting = []; log.replaceChildren(); });
  }

  say(text) {
    if (!this.enabled) return;
    this.waiting.push(text);
    this.timer ??= setTimeout(() => this.speak(), PACE_MS);
  }

  speak() {
    this.timer = undefined;
    const left = this.waiting.length - AT_ONCE;
    const texts = this.waiting.splice(0, this.waiting.length).slice(-AT_ONCE);
    if (left > 0) texts.unshift(`${left} more captions before this`);
    this.log.append(...texts.map((text) => el("p", {}, text)));
    while (this.log.childElementCount > KEPT) this.log.firstElementChild.remove();
  }
}

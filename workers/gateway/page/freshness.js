// Whether what is shown is still so: says since when the gateway has been silent.

import { el, setText } from "./dom.js";

const STALE_MS = 8000;

export class Freshness {
  // `node` is what fades when it is stale; `fresh` is what is said while it is not.
  constructor(node, fresh, signal) {
    Object.assign(this, { node, fresh });
    this.words = el("p", { class: "quiet fresh", role: "status" }, fresh);
    this.seen();
    const timer = setInterval(() => this.age(), 1000);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    document.addEventListener("visibilitychange", () => this.seen(), { signal }); // nothing is asked for meanwhile
  }

  // Something came just now, or is about to be asked for.
  seen() {
    this.seenAt = performance.now();
    this.age();
  }

  age() {
    const oldMs = performance.now() - this.seenAt;
    const stale = oldMs >= STALE_MS;
    setText(this.words, stale ? `Last seen ${Math.round(oldMs / 10_000) * 10} s ago: the gateway does not answer` : this.fresh);
    this.words.classList.toggle("warn", stale);
    this.node.classList.toggle("offline", stale);
  }
}

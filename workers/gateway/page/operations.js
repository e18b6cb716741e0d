// The deployment as operators see it: what every pool does, as it happens.

import { getJson } from "./api.js";
import { repeat } from "./attention.js";
import { Censuses } from "./census.js";
import { el, setText } from "./dom.js";
import { Pools } from "./pools.js";
import { Processes } from "./processes.js";
import { Shards } from "./shards.js";
import { Tiles } from "./tiles.js";
import { Trends } from "./trends.js";

const REFRESH_MS = 2000; // processes report this often
const STALE_MS = 8000;

export async function showOperations(view, signal) {
  document.title = "Operations · Hubbub";
  const page = new OperationsPage(signal);
  page.show(await getJson("/v1/operations", signal));
  view.replaceChildren(page.node);
  repeat(REFRESH_MS, signal, async () => page.show(await getJson("/v1/operations", signal)));
  const timer = setInterval(() => page.age(), 1000);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

class OperationsPage {
  constructor(signal) {
    this.censuses = new Censuses();
    this.parts = [new Tiles(), new Pools(), new Trends(signal), new Shards(), new Processes()];
    this.seen = el("p", { class: "quiet", role: "status" });
    this.node = el("div", { class: "operations" }, el("div", { class: "list-head" }, el("h1", {}, "Operations"), this.seen), ...this.parts.map((part) => part.node));
  }

  show({ at_ms: atMs, overview }) {
    this.shownAt = performance.now();
    const census = this.censuses.take(overview, atMs);
    for (const part of this.parts) part.show(census);
    this.age();
  }

  age() {
    const oldMs = performance.now() - this.shownAt;
    setText(this.seen, oldMs < STALE_MS ? "As it happens" : `Last seen ${Math.round(oldMs / 10_000) * 10} s ago: the gateway does not answer`);
    this.node.classList.toggle("offline", oldMs >= STALE_MS);
  }
}

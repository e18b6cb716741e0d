// The deployment as operators see it: what every pool does, as it happens.

import { getJson } from "./api.js";
import { repeat } from "./attention.js";
import { Censuses } from "./census.js";
import { el } from "./dom.js";
import { Freshness } from "./freshness.js";
import { Pools } from "./pools.js";
import { Processes } from "./processes.js";
import { Shards } from "./shards.js";
import { Tiles } from "./tiles.js";
import { Trends } from "./trends.js";

const REFRESH_MS = 2000; // processes report this often

export async function showOperations(view, signal) {
  document.title = "Operations · Hubbub";
  const page = new OperationsPage(signal);
  page.show(await getJson("/v1/operations", signal));
  view.replaceChildren(page.node);
  repeat(REFRESH_MS, signal, async () => page.show(await getJson("/v1/operations", signal)));
}

class OperationsPage {
  constructor(signal) {
    this.censuses = new Censuses();
    this.parts = [new Tiles(), new Pools(), new Trends(signal), new Shards(), new Processes()];
    this.node = el("div", { class: "operations" });
    this.freshness = new Freshness(this.node, "As it happens", signal);
    this.node.append(el("div", { class: "list-head" }, el("h1", {}, "Operations"), this.freshness.words), ...this.parts.map((part) => part.node));
  }

  show({ at_ms: atMs, overview }) {
    this.freshness.seen();
    const census = this.censuses.take(overview, atMs);
    for (const part of this.parts) part.show(census);
  }
}

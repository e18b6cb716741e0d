// Who owns which shard, and where entries wait: a row for each pool, a cell for each shard.

import { el, setAttribute } from "./dom.js";

const COLOURS = 8;
const STEPS = [0, 10, 50, 200, 1000];

export class Shards {
  constructor() {
    this.rows = el("div", { class: "shard-map" });
    this.node = el("section", { class: "card shards", "aria-labelledby": "shards" }, el("h2", { id: "shards" }, "Shards"),
      el("p", { class: "quiet" }, "Each cell is a shard. Its colour is the process that owns it, a dot says that entries wait, the larger the more; a hatched cell has no owner."), this.rows);
  }

  show({ overview, pools }) {
    const staged = pools.filter((pool) => pool.staged);
    const shape = `${staged.map(({ pool }) => pool)}/${overview.shards}`;
    if (this.shape !== shape) this.build(staged, overview.shards);
    this.shape = shape;
    for (const pool of staged) this.paint(pool, overview);
  }

  build(staged, shards) {
    this.cells = new Map(staged.map(({ pool }) => [pool, Array.from({ length: shards }, () => el("li", {}))]));
    this.rows.replaceChildren(...staged.map(({ pool }) => el("div", { class: "shard-row" }, el("span", { class: "shard-pool", id: `shards-${pool}` }, pool), el("ol", { "aria-labelledby": `shards-${pool}` }, ...this.cells.get(pool)))));
  }

  paint({ pool, groups, processes }, { owners }) {
    const members = processes.map(({ member }) => member);
    const lags = new Map();
    for (const { shard, lag } of groups) lags.set(shard, (lags.get(shard) ?? 0) + lag);
    this.cells.get(pool).forEach((cell, shard) => {
      const owner = owners[pool][shard];
      const process = processes.find(({ member }) => member === owner);
      const lag = lags.get(shard) ?? 0;
      const held = process ? `${process.host} · ${process.pid}` : owner ? `${owner}, which is gone` : "nobody";
      setAttribute(cell, "class", owner ? `fill-${Math.max(0, members.indexOf(owner)) % COLOURS}` : "unowned");
      setAttribute(cell, "data-lag", STEPS.filter((step) => lag > step).length);
      setAttribute(cell, "title", `Shard ${shard}: ${held}, lag ${lag}`);
      setAttribute(cell, "aria-label", `Shard ${shard}: ${held}, lag ${lag}`);
    });
  }
}

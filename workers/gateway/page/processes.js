// Every process that reported lately.

import { el } from "./dom.js";
import { clock, megabytes } from "./format.js";
import { levelOf } from "./levels.js";
import { table } from "./table.js";

const HEAD = ["Process", "State", "Up", "Shards", "CPU", "Memory", "Level", "Headroom", "Metrics"];

export class Processes {
  constructor() {
    this.body = el("tbody", {});
    this.node = el("section", { class: "card", "aria-labelledby": "processes" }, el("h2", { id: "processes" }, "Processes"), table("Processes", HEAD, this.body));
  }

  show({ atMs, processes }) {
    this.body.replaceChildren(...processes.map((process) => row(process, atMs)));
  }
}

function row(process, atMs) {
  const emits = process.pool === "emitter";
  const cells = [
    clock(atMs - process.started_at_ms),
    process.shards ? String(process.shards) : "",
    process.share === null ? "–" : `${Math.round(process.share * 100)} %`,
    megabytes(process.rss_bytes),
    emits ? levelOf(process.level).name : "",
    emits ? process.headroom.toFixed(1) : "",
    `:${process.metrics_port}`,
  ];
  return el("tr", { title: process.member }, el("th", { scope: "row" }, process.pool, el("small", {}, `${process.host} · ${process.pid}`)),
    el("td", {}, el("span", { class: `state ${process.ready ? "good" : "warn"}` }, process.ready ? "Ready" : "Not ready")),
    ...cells.map((text) => el("td", { class: "number" }, text)));
}

// A row for each pool: how many work, how far behind they are, what they use.

import { el } from "./dom.js";
import { count, megabytes, seconds } from "./format.js";
import { table } from "./table.js";

const HEAD = ["Pool", "State", "Processes", "Shards", "Lag", "Pending", "Oldest", "CPU", "Memory"];

export class Pools {
  constructor() {
    this.body = el("tbody", {});
    this.node = el("section", { class: "card", "aria-labelledby": "pools" }, el("h2", { id: "pools" }, "Pools"), table("Pools", HEAD, this.body));
  }

  show({ overview, pools }) {
    this.body.replaceChildren(...pools.map((pool) => row(pool, overview.shards)));
  }
}

function row({ pool, state, processes, ready, staged, owned, lag, pending, oldestMs, share, memory }, shards) {
  const alive = ready === processes.length ? String(ready) : `${ready} of ${processes.length}`;
  const cells = [
    alive,
    staged ? `${owned} of ${shards}` : "",
    lag === null ? "" : lag.toLocaleString("en"),
    pending === null ? "" : pending.toLocaleString("en"),
    oldestMs === null ? "" : seconds(oldestMs),
    share === null ? "" : `${Math.round(share * 100)} %`,
    memory ? megabytes(memory) : "",
  ];
  return el("tr", { "data-pool": pool, title: count(processes.length, "process", "processes") },
    el("th", { scope: "row" }, pool), el("td", {}, el("span", { class: `state ${state.tone}` }, state.word)),
    ...cells.map((text) => el("td", { class: "number" }, text)));
}

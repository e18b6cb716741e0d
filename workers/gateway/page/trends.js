// The last minutes of what moves: lag and processor time of each pool.

import { Chart } from "./chart.js";
import { el } from "./dom.js";

const KEPT = 180;
const SHOWN = ["ingest", "vad", "asr", "emitter", "keyword", "sentiment", "gateway", "jobs"];

export class Trends {
  constructor(signal) {
    this.looks = [];
    const series = SHOWN.map((label, i) => ({ label, colour: `--s${i}` }));
    const whole = (value) => value.toLocaleString("en", { notation: "compact" });
    this.lag = new Chart({ label: "Lag of each pool over the last minutes", series, shown: whole, least: 10, height: 170, signal });
    this.busy = new Chart({ label: "Processor time of each pool over the last minutes", series, shown: (value) => `${Math.round(value)} %`, least: 100, height: 170, signal });
    const key = el("ul", { class: "key", "aria-hidden": "true" }, ...SHOWN.map((pool, i) => el("li", {}, el("i", { class: `dot fill-${i}` }), pool)));
    this.node = el("section", { class: "card trends", "aria-labelledby": "trends" }, el("h2", { id: "trends" }, "Last minutes"), key,
      el("div", { class: "charts" }, el("figure", {}, el("figcaption", {}, "Lag, in entries"), this.lag.node), el("figure", {}, el("figcaption", {}, "Processor, in % of one"), this.busy.node)));
  }

  show({ atMs, pools }) {
    if (this.looks.at(-1)?.atMs === atMs) return;
    this.looks = [...this.looks, { atMs, pools: new Map(pools.map((pool) => [pool.pool, pool])) }].slice(-KEPT);
    const times = this.looks.map((look) => look.atMs / 1000);
    const column = (value) => SHOWN.map((pool) => this.looks.map((look) => value(look.pools.get(pool))));
    this.lag.show([times, ...column((pool) => pool?.lag ?? null)]);
    this.busy.show([times, ...column((pool) => (pool && pool.share !== null ? pool.share * 100 : null))]);
  }
}

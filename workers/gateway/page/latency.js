// How late captions are, in figures and over the last minutes.

import { Chart } from "./chart.js";
import { el, oncePerFrame, setText } from "./dom.js";
import { middle, seconds } from "./format.js";

const KEPT = 150;
const MIDDLE_OF = 30;

export class Latency {
  constructor(signal) {
    this.points = [];
    this.partial = el("dd", {}, "–");
    this.final = el("dd", {}, "–");
    this.chart = new Chart({
      label: "Latency of captions as they form and of final texts over the last minutes",
      series: [{ label: "as spoken", colour: "--accent" }, { label: "final", colour: "--warn" }],
      shown: (ms) => seconds(ms),
      least: 500,
      height: 120,
      signal,
    });
    this.draw = oncePerFrame(() => this.drawNow());
    this.node = el("section", { class: "card latency", hidden: true, "aria-labelledby": "latency" }, el("h2", { id: "latency" }, "Latency"),
      el("dl", { class: "keyed" }, el("div", { class: "partials" }, el("dt", {}, "As spoken"), this.partial), el("div", { class: "finals" }, el("dt", {}, "Final text"), this.final)),
      this.chart.node);
  }

  add({ status, latency_ms: latencyMs, emitted_at_ms: atMs }) {
    if (status !== "partial" && status !== "final") return;
    this.node.hidden = false;
    this.points = [...this.points, { at: atMs / 1000, status, latencyMs }].slice(-KEPT);
    this.draw();
  }

  // The median of the last captions of either kind.
  get now() {
    return middle(this.points.slice(-MIDDLE_OF).map(({ latencyMs }) => latencyMs));
  }

  drawNow() {
    const of = (status) => this.points.filter((point) => point.status === status).slice(-MIDDLE_OF).map(({ latencyMs }) => latencyMs);
    setText(this.partial, seconds(middle(of("partial"))));
    setText(this.final, seconds(middle(of("final"))));
    const points = [...this.points].sort((a, b) => a.at - b.at);
    const column = (status) => points.map((point) => (point.status === status ? point.latencyMs : null));
    this.chart.show([points.map(({ at }) => at), column("partial"), column("final")]);
  }
}

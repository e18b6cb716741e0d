// A line chart over time, in the colours of the page, redrawn when these or its width change.

import { el } from "./dom.js";
import uPlot from "./vendor/uplot.js";

const DARK = matchMedia("(prefers-color-scheme: dark)");

export class Chart {
  // `series`: [{label, colour}], a colour being the name of a custom property; `shown` writes a value; the axis
  // reaches to `least` at least.
  constructor({ label, series, shown, least, height, signal }) {
    Object.assign(this, { series, shown, least, height });
    this.data = [[], ...series.map(() => [])];
    this.node = el("div", { class: "chart", role: "img", "aria-label": label });
    this.probe = el("span", { hidden: true });
    this.node.append(this.probe);
    this.node.style.minHeight = `${height}px`; // a line begins with its second point
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.node);
    const recolour = () => this.build();
    DARK.addEventListener("change", recolour, { signal });
    addEventListener("hubbub-theme", recolour, { signal });
    signal.addEventListener("abort", () => { this.resized.disconnect(); this.plot?.destroy(); }, { once: true });
  }

  // `data`: Unix seconds, then the values of each series; null where there is none.
  show(data) {
    this.data = data;
    if (this.plot) this.plot.setData(data);
    else this.build();
  }

  resize() {
    const width = this.node.clientWidth;
    if (!width) return;
    if (this.plot) this.plot.setSize({ width, height: this.height });
    else this.build();
  }

  build() {
    this.plot?.destroy();
    this.plot = null;
    const width = this.node.clientWidth;
    if (width && this.data[0].length > 1) this.plot = new uPlot(this.options(width), this.data, this.node);
  }

  options(width) {
    const axis = { stroke: this.colour("--soft"), grid: { stroke: this.colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    return {
      width,
      height: this.height,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 0, this.least) * 1.05] } },
      axes: [{ ...axis, values: "{HH}:{mm}:{ss}", space: 90, size: 28 }, { ...axis, values: (_, values) => values.map(this.shown), size: 62 }],
      series: [{}, ...this.series.map(({ label, colour }) => ({ label, stroke: this.colour(colour), width: 2, points: { show: false }, spanGaps: true }))],
    };
  }

  // A canvas wants a colour as such, not the name of one that depends on the theme.
  colour(name) {
    this.probe.style.color = `var(${name})`;
    return getComputedStyle(this.probe).color;
  }
}

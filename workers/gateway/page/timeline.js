// The whole meeting in one strip: what was heard when, and in what mood everybody was.

import { axisFor, labels } from "./axis.js";
import { el, oncePerFrame } from "./dom.js";
import { FEELINGS, Heatmap, describeFeeling, legend } from "./heatmap.js";
import { Moments } from "./moments.js";
import { prefer, preferred } from "./preferences.js";

export class Timeline {
  constructor(speakers, onChosen) {
    this.feeling = preferred("feeling", "polarity");
    this.durationMs = 0;
    this.moments = new Moments(speakers, onChosen);
    this.heatmap = new Heatmap(speakers, onChosen);
    this.heatmap.node.hidden = true;
    this.ticks = el("div", { class: "ticks", "aria-hidden": "true" });
    this.legend = el("div", { class: "legend" });
    this.draw = oncePerFrame(() => this.drawNow());
    this.node = el("section", { class: "card timeline", "aria-labelledby": "timeline" },
      el("div", { class: "timeline-head" }, el("h2", { id: "timeline" }, "Timeline"), this.choice(), this.legend),
      el("div", { class: "lane" }, this.moments.node), this.heatmap.node, this.ticks);
    new ResizeObserver(() => this.draw()).observe(this.node);
    this.show(this.feeling);
  }

  choice() {
    this.buttons = Object.entries(FEELINGS).map(([name, { label }]) =>
      el("button", { type: "button", "data-feeling": name, onclick: () => this.show(name) }, label));
    return el("div", { class: "switch", role: "group", "aria-label": "What the colours show" }, ...this.buttons);
  }

  show(feeling) {
    this.feeling = feeling;
    prefer("feeling", feeling);
    for (const button of this.buttons) button.setAttribute("aria-pressed", button.dataset.feeling === feeling);
    this.legend.replaceChildren(...legend(feeling));
    describeFeeling(this.heatmap.node, feeling);
    this.draw();
  }

  keyword(result) {
    this.moments.add(result);
    this.reach(result.end_ms);
  }

  sentiment(result) {
    this.heatmap.add(result);
    this.heatmap.node.hidden = false;
    this.reach(result.end_ms);
    this.draw();
  }

  reach(ms) {
    if (ms <= this.durationMs) return;
    this.durationMs = ms;
    this.draw();
  }

  drawNow() {
    const width = this.ticks.clientWidth;
    if (!width) return;
    const axis = axisFor(this.durationMs, width);
    this.moments.scale(axis.spanMs);
    this.heatmap.draw(axis, this.feeling);
    this.ticks.replaceChildren(...labels(axis, width).map(({ column, text }) => {
      const tick = el("span", {}, text);
      tick.style.left = `${(column / axis.columns) * 100}%`;
      return tick;
    }));
  }
}

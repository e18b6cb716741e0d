// What the meeting came to, once its report is built: its most telling sentences.

import { built, meetingPath } from "./api.js";
import { el } from "./dom.js";
import { clock } from "./format.js";

export class Summary {
  constructor(meeting, signal, onChosen) {
    Object.assign(this, { meeting, signal, onChosen });
    this.list = el("ul", { class: "highlights" });
    this.node = el("section", { class: "card", hidden: true, "aria-labelledby": "summary" }, el("h2", { id: "summary" }, "Summary"), this.list);
  }

  // Once, when the meeting is over. Where no report comes there is no summary, and nothing else is missing.
  async fetch() {
    if (this.asked) return;
    this.asked = true;
    const response = await built(meetingPath(this.meeting, "/report"), { signal: this.signal });
    const { summary } = await response.json();
    this.node.hidden = summary.length === 0;
    this.list.replaceChildren(...summary.map((said) => this.entry(said)));
  }

  entry({ start_ms: startMs, speaker, text }) {
    return el("li", {}, el("button", { type: "button", class: "highlight", onclick: () => this.onChosen(startMs) },
      el("span", { class: "what" }, el("small", {}, `${speaker} · ${clock(startMs)}`), el("span", {}, text))));
  }
}

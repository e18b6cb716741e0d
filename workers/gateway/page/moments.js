// Moments to come back to: phrases heard, and highlights.

import { clock, el } from "./dom.js";

const KINDS = { action_item: "Action item", decision: "Decision", question: "Question", strong_moment: "Strong moment" };

export class Keywords {
  constructor(onChosen) {
    this.onChosen = onChosen;
    this.seen = new Set();
    this.list = el("ul", { class: "chips" });
    this.empty = el("p", { class: "empty" }, "None heard yet.");
    this.node = el("section", { class: "card" }, el("h2", {}, "Keywords and commands"), this.empty, this.list);
  }

  add(result) {
    if (this.seen.has(result.id)) return;
    this.seen.add(result.id);
    this.empty.hidden = true;
    const title = `${result.category}, ${result.speaker.name}, heard in the ${result.source === "acoustic" ? "audio" : "transcript"}`;
    const choose = () => this.onChosen(result.utterance);
    this.list.prepend(el("li", {}, el("button", { class: "chip", type: "button", title, onclick: choose },
      result.phrase, el("small", {}, clock(result.start_ms)))));
  }
}

export class Highlights {
  constructor() {
    this.seen = new Set();
    this.list = el("ul", { class: "highlights" });
    this.node = el("section", { class: "card", hidden: true }, el("h2", {}, "Highlights"), this.list);
  }

  add(result) {
    if (this.seen.has(result.id)) return;
    this.seen.add(result.id);
    this.node.hidden = false;
    this.list.prepend(el("li", {}, el("small", {}, `${KINDS[result.kind] ?? result.kind} · ${clock(result.start_ms)} · ${result.speaker.name}`), result.text));
  }
}

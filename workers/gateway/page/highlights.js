// Moments worth coming back to.

import { el } from "./dom.js";
import { clock } from "./format.js";
import { icon } from "./icons.js";

const KINDS = { action_item: "Action item", decision: "Decision", question: "Open question", strong_moment: "Strong moment" };

export class Highlights {
  constructor(onChosen) {
    this.onChosen = onChosen;
    this.seen = new Set();
    this.list = el("ul", { class: "highlights" });
    this.empty = el("p", { class: "empty" }, "Action items, decisions and open questions appear here.");
    this.node = el("section", { class: "card", "aria-labelledby": "highlights" }, el("h2", { id: "highlights" }, "Highlights"), this.empty, this.list);
  }

  add(result) {
    if (this.seen.has(result.id)) return;
    this.seen.add(result.id);
    this.empty.hidden = true;
    const facts = [KINDS[result.kind] ?? result.kind, result.speaker.name, clock(result.start_ms)].filter(Boolean);
    const owed = [result.owner && `Owner: ${result.owner}`, result.due && `Due: ${result.due.replace(/^for /, "")}`].filter(Boolean);
    this.list.prepend(el("li", {}, el("button", { type: "button", class: "highlight", onclick: () => this.onChosen(result.utterance) },
      el("span", { class: `kind ${result.kind}` }, icon(result.kind)),
      el("span", { class: "what" }, el("small", {}, facts.join(" · ")), el("span", {}, result.text), ...owed.map((text) => el("b", {}, text))))));
  }
}

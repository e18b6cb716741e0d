// Looking for words in the transcript.

import { el, oncePerFrame, setText } from "./dom.js";
import { icon } from "./icons.js";
import { mark, places } from "./marks.js";

export class Search {
  constructor(captions, signal) {
    this.captions = captions;
    this.found = [];
    this.at = -1;
    this.refresh = oncePerFrame(() => this.look());
    this.input = el("input", { type: "search", id: "search", placeholder: "Search the transcript", "aria-label": "Search the transcript", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "Control+K" });
    this.count = el("output", { class: "count", for: "search" });
    this.previous = this.step(-1, "up", "Previous match");
    this.next = this.step(1, "down", "Next match");
    this.node = el("search", { class: "search" }, icon("search"), this.input, this.count, this.previous, this.next);
    this.input.addEventListener("input", () => { this.at = -1; this.look(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    addEventListener("keydown", (event) => this.shortcut(event), { signal });
    signal.addEventListener("abort", () => mark("found", []));
  }

  step(by, picture, label) {
    return el("button", { type: "button", class: "small", "aria-label": label, hidden: true, onclick: () => this.go(by) }, icon(picture));
  }

  look() {
    const wanted = this.input.value.trim();
    const spans = wanted ? this.captions.list.querySelectorAll(".stable, .rest") : [];
    this.found = places(spans, [wanted]);
    mark("found", this.found);
    this.previous.hidden = this.next.hidden = this.found.length === 0;
    this.say(wanted);
  }

  say(wanted) {
    const many = this.found.length === 1 ? "1 match" : `${this.found.length} matches`;
    setText(this.count, !wanted ? "" : this.at >= 0 && this.found.length ? `${this.at + 1} of ${this.found.length}` : this.found.length ? many : "No match");
  }

  go(by) {
    if (!this.found.length) return;
    const first = by > 0 ? 0 : this.found.length - 1;
    this.at = this.at < 0 ? first : (this.at + by + this.found.length) % this.found.length;
    const range = this.found[this.at];
    mark("current", [range]);
    this.captions.following = false;
    range.startContainer.parentElement.closest("li").scrollIntoView({ block: "center" });
    this.say(this.input.value.trim());
  }

  key(event) {
    if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
    if (event.key !== "Escape") return;
    this.input.value = "";
    this.at = -1;
    mark("current", []);
    this.look();
  }

  shortcut(event) {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.input.focus();
    this.input.select();
  }
}

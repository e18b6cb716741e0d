// A button that opens a small panel, closed by Escape and by going elsewhere.

import { el } from "./dom.js";

export class Menu {
  constructor(label, ...content) {
    this.summary = el("summary", {}, ...label);
    this.node = el("details", { class: "menu" }, this.summary, el("div", { class: "card popover" }, ...content));
    this.node.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.node.open) this.close(); });
    this.node.addEventListener("focusout", (event) => { if (!this.node.contains(event.relatedTarget)) this.node.open = false; });
  }

  close() {
    this.node.open = false;
    this.summary.focus();
  }
}

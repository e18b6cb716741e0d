// A table that scrolls within itself where it is wider than the screen.

import { el } from "./dom.js";

export function table(label, head, body) {
  const cells = head.map((text, i) => el("th", { scope: "col", class: i > 1 ? "number" : "" }, text));
  return el("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": label }, el("table", {}, el("thead", {}, el("tr", {}, ...cells)), body));
}

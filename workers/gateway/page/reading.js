// How captions are read here: the size of their text, and whether screen readers hear them.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { Menu } from "./menu.js";
import { prefer, preferred } from "./preferences.js";

const SIZES = { small: "Small text", medium: "Medium text", large: "Large text", huge: "Very large text" };

export class Reading {
  constructor({ onSize, onAnnounce }) {
    const size = el("select", { "aria-label": "Size of captions", onchange: () => this.size(size.value, onSize) },
      ...Object.entries(SIZES).map(([value, label]) => el("option", { value, selected: value === preferred("size", "medium") }, label)));
    const announce = el("input", { type: "checkbox", id: "announce", checked: preferred("announce", true), onchange: () => { prefer("announce", announce.checked); onAnnounce(announce.checked); } });
    const label = el("label", { class: "check" }, announce, "Announce captions to screen readers");
    this.node = new Menu([icon("text"), el("span", { class: "unseen" }, "How captions are read")], size, label).node;
    this.size(preferred("size", "medium"), () => {});
  }

  size(size, onSize) {
    prefer("size", size);
    document.documentElement.dataset.size = size;
    onSize();
  }
}

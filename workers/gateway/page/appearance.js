// The switch between the theme of the system, a light one and a dark one.

import { el, setText } from "./dom.js";
import { icon } from "./icons.js";
import { prefer } from "./preferences.js";

const THEMES = { auto: ["auto", "Theme: as the system"], light: ["sun", "Theme: light"], dark: ["moon", "Theme: dark"] };

export function themeSwitch() {
  const label = el("span", { class: "unseen" });
  const button = el("button", { type: "button", class: "small theme" });
  const show = () => {
    const [picture, words] = THEMES[document.documentElement.dataset.theme] ?? THEMES.auto;
    setText(label, words);
    button.title = words;
    button.replaceChildren(icon(picture), label);
  };
  button.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    document.documentElement.dataset.theme = next;
    prefer("theme", next);
    show();
    dispatchEvent(new Event("hubbub-theme"));
  });
  show();
  return button;
}

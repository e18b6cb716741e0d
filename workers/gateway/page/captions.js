// Captions: a line per utterance, in order of time. A line grows while somebody speaks and keeps
// its height and place when its text settles.

import { el, setText } from "./dom.js";
import { clock } from "./format.js";

const UNTOLD = { deferred: "Not transcribed yet", lost: "Not transcribed" };
const NOBODY = { id: "", name: "" };
const NEAR_BOTTOM_PX = 80;

export class Captions {
  constructor(speakers, { onChange, onFinal }) {
    this.speakers = speakers;
    this.onChange = onChange;
    this.onFinal = onFinal;
    this.lines = new Map();
    this.list = el("ol", {});
    this.empty = el("p", { class: "empty" }, "Nobody has spoken yet. Captions appear here as people speak.");
    this.scroller = el("div", { class: "captions", tabindex: "0", role: "region", "aria-label": "Captions" }, this.empty, this.list);
    this.latest = el("button", { class: "latest", type: "button", hidden: true, onclick: () => this.toEnd() }, "Latest captions ↓");
    this.following = true;
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.resized = new ResizeObserver(() => this.unlock());
    this.resized.observe(this.list);
    this.resized.observe(this.scroller);
  }

  // The past, at once: nothing is measured in between.
  load(results) {
    this.loading = true;
    for (const result of results) this.put(result);
    this.loading = false;
    this.toEnd();
    this.onChange();
  }

  toBeginning() {
    this.following = false;
    this.scroller.scrollTop = 0;
  }

  put(result) {
    const line = this.lines.get(result.utterance) ?? this.open(result.utterance, result);
    if (line.status === "final") return;
    this.keepingPlace(() => this.write(line, result));
    if (result.status === "final" && !this.loading) this.onFinal(result);
  }

  gap(result) {
    if (this.lines.has(result.id)) return;
    const line = this.open(result.id, { ...result, speaker: NOBODY });
    line.status = "final";
    line.item.className = "gap";
    const seconds = ((result.end_ms - result.start_ms) / 1000).toFixed(1);
    this.keepingPlace(() => setText(line.stable, `${seconds} s of audio are missing: ${result.reason}`));
  }

  reveal(utterance) {
    const line = this.lines.get(utterance);
    if (!line) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.following = false;
    line.item.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
    line.item.classList.remove("revealed");
    requestAnimationFrame(() => line.item.classList.add("revealed"));
  }

  // The utterance that is said at a time, or the one before it.
  at(ms) {
    const begun = [...this.lines].filter(([, { start }]) => start <= ms);
    return begun.reduce((last, next) => (last && last[1].start > next[1].start ? last : next), null)?.[0];
  }

  write(line, result) {
    const partial = result.status === "partial";
    const stable = UNTOLD[result.status] ?? (partial ? result.stable : result.text);
    setText(line.stable, stable);
    setText(line.rest, partial ? result.text.slice(stable.length) : "");
    line.status = result.status;
    line.item.classList.toggle("partial", partial);
    line.item.classList.toggle("untold", result.status in UNTOLD);
    if (this.loading) return;
    line.tallest = Math.max(line.tallest, line.item.offsetHeight);
    line.item.style.minHeight = `${line.tallest}px`;
    this.onChange();
  }

  open(key, result) {
    const line = { start: result.start_ms, status: "", tallest: 0, speaker: result.speaker.id };
    line.stable = el("span", { class: "stable" });
    line.rest = el("span", { class: "rest" });
    const who = el("div", { class: `who ${this.speakers.colour(result.speaker)}` }, result.speaker.name || result.speaker.id);
    line.item = el("li", {}, el("time", {}, clock(result.start_ms)), who, el("p", { class: "text" }, line.stable, line.rest));
    line.item.line = line;
    this.lines.set(key, line);
    this.empty.hidden = true;
    this.keepingPlace(() => this.insert(line));
    return line;
  }

  insert(line) {
    let before = this.list.lastElementChild;
    while (before && before.line.start > line.start) before = before.previousElementSibling;
    this.list.insertBefore(line.item, before ? before.nextElementSibling : this.list.firstElementChild);
    for (const item of [line.item, line.item.nextElementSibling]) {
      const previous = item?.previousElementSibling;
      item?.classList.toggle("continued", Boolean(previous && previous.line.speaker === item.line.speaker));
    }
  }

  keepingPlace(change) {
    change();
    if (this.following && !this.loading) this.toEnd();
  }

  atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
  }

  // Whoever scrolls up stays there; at the end, captions are followed.
  scrolled() {
    this.following = this.atEnd();
    this.latest.hidden = this.following;
  }

  toEnd() {
    this.following = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.latest.hidden = true;
  }

  // Lines wrap anew: the heights that were kept are of another width, or of another size of text.
  unlock() {
    if (this.width !== this.list.clientWidth) this.forgetHeights();
    this.width = this.list.clientWidth;
    if (this.following) this.toEnd();
  }

  forgetHeights() {
    for (const line of this.lines.values()) {
      if (line.tallest) line.item.style.minHeight = "";
      line.tallest = 0;
    }
  }
}

// Captions: a line per utterance, in order of time. A line grows while somebody speaks and keeps
// its height and place when its text settles.

import { clock, el, setText } from "./dom.js";

const UNTOLD = { deferred: "not transcribed yet", lost: "not transcribed" };
const NOBODY = { id: "", name: "" };
const NEAR_BOTTOM_PX = 80;
const ANNOUNCE_MS = 1500;
const ANNOUNCED = 20;

export class Captions {
  constructor(speakers) {
    this.speakers = speakers;
    this.lines = new Map();
    this.pending = [];
    this.list = el("ol", {});
    this.scroller = el("div", { class: "captions", tabindex: "0", role: "region", "aria-label": "Captions" }, this.list);
    this.latest = el("button", { class: "latest", type: "button", hidden: true, onclick: () => this.toEnd() }, "Latest ↓");
    this.node = el("div", { class: "card captions-card" }, this.scroller, this.latest);
    this.scroller.addEventListener("scroll", () => { this.latest.hidden = this.atEnd(); });
    new ResizeObserver(() => this.unlock()).observe(this.list);
  }

  put(result, isNew) {
    const line = this.lines.get(result.utterance) ?? this.open(result.utterance, result);
    if (line.status === "final") return;
    this.keepingPlace(() => this.write(line, result));
    if (isNew && result.status === "final") this.announce(result);
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
    this.lines.get(utterance)?.item.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  write(line, result) {
    const stable = UNTOLD[result.status] ? `[${UNTOLD[result.status]}]` : result.status === "final" ? result.text : result.stable;
    setText(line.stable, stable);
    setText(line.rest, result.status === "partial" ? result.text.slice(stable.length) : "");
    line.status = result.status;
    line.item.classList.toggle("partial", result.status === "partial");
    line.item.classList.toggle("untold", result.status in UNTOLD);
    line.tallest = Math.max(line.tallest, line.item.offsetHeight);
    line.item.style.minHeight = `${line.tallest}px`;
  }

  open(key, result) {
    const line = { start: result.start_ms, status: "", tallest: 0, speaker: result.speaker.id };
    line.stable = el("span", { class: "stable" });
    line.rest = el("span", { class: "rest" });
    const who = el("div", { class: `who ${this.speakers.colour(result.speaker)}` }, result.speaker.name || result.speaker.id);
    line.item = el("li", {}, el("time", {}, clock(result.start_ms)), who, el("p", { class: "text" }, line.stable, line.rest));
    line.item.line = line;
    this.lines.set(key, line);
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
    const follow = this.atEnd();
    change();
    if (follow) this.toEnd();
  }

  atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.latest.hidden = true;
  }

  unlock() {
    if (this.width === this.list.clientWidth) return;
    this.width = this.list.clientWidth;
    for (const line of this.lines.values()) {
      line.tallest = 0;
      line.item.style.minHeight = "";
    }
  }

  // Screen readers hear finals only, gathered so that one sentence does not cut off another.
  announce(result) {
    this.pending.push(`${result.speaker.name}: ${result.text}`);
    if (this.pending.length > 1) return;
    setTimeout(() => {
      const log = document.getElementById("spoken");
      log.append(...this.pending.splice(0).map((text) => el("p", {}, text)));
      while (log.childElementCount > ANNOUNCED) log.firstElementChild.remove();
    }, ANNOUNCE_MS);
  }
}

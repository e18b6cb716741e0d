// The meetings: those that are live, with what goes on in them, and those that were.

import { getJson } from "./api.js";
import { repeat } from "./attention.js";
import { el, setText } from "./dom.js";
import { clock, count, percent, seconds } from "./format.js";
import { Freshness } from "./freshness.js";
import { icon } from "./icons.js";
import { LATE_MS } from "./figures.js";
import { levelOf } from "./levels.js";
import { strip } from "./strip.js";

const REFRESH_MS = 2000;
const TYPING_MS = 250;
const AT_FIRST = 100;
const NAMED = 100;
const MOST = 1000; // in one answer of the gateway

export async function showList(view, signal) {
  document.title = "Meetings · Hubbub";
  const list = new MeetingList(signal);
  await list.refresh();
  view.replaceChildren(list.node);
  repeat(REFRESH_MS, signal, () => list.refresh());
}

class MeetingList {
  constructor(signal) {
    this.signal = signal;
    this.limit = AT_FIRST;
    this.summary = el("p", { class: "quiet" });
    this.input = el("input", { type: "search", id: "filter", placeholder: "Find a meeting", "aria-label": "Find a meeting", autocomplete: "off", spellcheck: "false", oninput: () => this.typed() });
    this.live = new Group("Live now", "meetings", card);
    this.ended = new Group("Ended", "card ended", row);
    this.nothing = el("div", { class: "card notice", hidden: true });
    this.more = el("button", { type: "button", class: "more", hidden: true, onclick: () => this.extend() }, "Show more meetings");
    const body = el("div", {}, this.nothing, this.live.node, this.ended.node);
    this.freshness = new Freshness(body, "", signal);
    this.node = el("div", { class: "list" },
      el("div", { class: "list-head" }, el("h1", {}, "Meetings"), this.summary, this.freshness.words, el("search", { class: "search" }, icon("search"), this.input)), body, this.more);
  }

  get wanted() {
    return this.input.value.trim();
  }

  async refresh() {
    const { wanted } = this;
    const { meetings, next } = await getJson(`/v1/meetings?limit=${this.limit}&matching=${encodeURIComponent(wanted)}`, this.signal);
    const pulses = await pulsesOf(meetings.filter((meeting) => meeting.ended_at_ms === null), this.signal);
    this.freshness.seen();
    if (wanted === this.wanted) this.draw(meetings, { next, pulses });
  }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh().catch(() => {}), TYPING_MS); // the next look comes anyway
  }

  async extend() {
    this.limit = Math.min(MOST, this.limit * 2);
    await this.refresh();
  }

  draw(meetings, { next, pulses }) {
    const live = meetings.filter((meeting) => meeting.ended_at_ms === null);
    const ended = meetings.filter((meeting) => meeting.ended_at_ms !== null);
    this.more.hidden = next === null || this.limit >= MOST;
    setText(this.summary, `${count(live.length, "live", "live")}, ${count(ended.length, "ended", "ended")}${next === null ? "" : `, of the ${count(meetings.length, "meeting")} heard last`}`);
    this.live.show(live.map((meeting) => [meeting, pulses.get(meeting.meeting)]));
    this.ended.show(ended.map((meeting) => [meeting]));
    this.nothing.hidden = meetings.length > 0;
    if (!meetings.length) this.nothing.replaceChildren(...(this.wanted ? notFound(this.wanted) : none()));
  }
}

// What goes on in these meetings, by name; an address has only so many names.
async function pulsesOf(meetings, signal) {
  const names = meetings.map(({ meeting }) => encodeURIComponent(meeting));
  const parts = Array.from({ length: Math.ceil(names.length / NAMED) }, (_, i) => names.slice(i * NAMED, (i + 1) * NAMED));
  const found = await Promise.all(parts.map((part) => getJson(`/v1/pulse?meetings=${part.join(",")}`, signal)));
  return new Map(found.flatMap((pulse) => pulse.meetings).map((pulse) => [pulse.meeting, pulse]));
}

// Meetings under a heading; drawn anew only when there is something new to them.
class Group {
  constructor(title, style, item) {
    this.item = item;
    this.list = el("ul", { class: style });
    this.node = el("section", { hidden: true }, el("h2", { class: "group" }, title), this.list);
  }

  show(entries) {
    const told = JSON.stringify(entries);
    if (told === this.told) return;
    this.told = told;
    this.node.hidden = entries.length === 0;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    this.list.replaceChildren(...entries.map((entry) => this.item(...entry)));
    if (focused) this.list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

function address({ meeting }) {
  return `#/meetings/${encodeURIComponent(meeting)}`;
}

function began({ started_at_ms: ms }) {
  return new Date(ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function card(meeting, pulse) {
  return el("li", {}, el("a", { class: "card", href: address(meeting) },
    el("div", { class: "card-head" }, el("h3", {}, meeting.meeting), el("span", { class: "badge live" }, "Live")),
    el("p", { class: "facts" }, `${began(meeting)} · ${clock(meeting.duration_ms)}`),
    ...talk(meeting, pulse),
    el("dl", { class: "row" }, ...figures(meeting, pulse).map(([name, value, tone]) => el("div", {}, el("dt", {}, name), el("dd", { class: tone }, value))))));
}

function figures({ missing }, pulse) {
  const level = levelOf(pulse?.level);
  const waitingMs = missing.unheard_ms + missing.untranscribed_ms;
  const all = [["Level", level.name, level.tone], ["Latency", seconds(pulse?.latency_ms), ""], ["In progress", seconds(waitingMs), waitingMs > LATE_MS ? "warn" : ""]];
  return missing.gaps_ms ? [...all, ["Missing", seconds(missing.gaps_ms), "bad"]] : all;
}

function talk(meeting, pulse) {
  if (!pulse) return [el("p", { class: "last empty" }, "Nothing heard for now")];
  const speaking = pulse.talk.filter(({ end_ms: end }) => end === null).map(({ speaker }) => speaker.name || speaker.id);
  const who = speaking.length ? `${[...new Set(speaking)].join(", ")} speaking` : "Quiet";
  const last = pulse.text ? el("p", { class: "last" }, el("b", {}, `${pulse.speaker.name || pulse.speaker.id}: `), ending(pulse.text)) : "";
  return [strip(pulse.talk, meeting.duration_ms), el("p", { class: speaking.length ? "who-now speaking" : "who-now" }, who), last];
}

function ending(text) {
  const words = text.split(" ");
  return words.length > 18 ? `… ${words.slice(-18).join(" ")}` : text;
}

function row(meeting) {
  const { duration_ms: durationMs, coverage, missing } = meeting;
  return el("li", {}, el("a", { href: address(meeting) }, el("h3", {}, meeting.meeting), el("span", { class: "when" }, began(meeting)), el("span", { class: "number" }, clock(durationMs)),
    el("span", { class: missing.gaps_ms ? "share warn" : "share" }, percent(coverage), el("span", {}, " transcribed"))));
}

function none() {
  return [el("h2", {}, "No meetings yet"),
    el("p", {}, "They appear here as soon as audio arrives. To see one now, play the bundled meeting from a terminal:"), el("p", { class: "actions" }, el("code", {}, "hubbub demo"))];
}

function notFound(wanted) {
  return [el("h2", {}, "No such meeting"), el("p", {}, `None that is kept has “${wanted}” in its name.`)];
}

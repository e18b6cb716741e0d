// The meetings: those that are live, with what goes on in them, and those that were.

import { getJson } from "./api.js";
import { repeat } from "./attention.js";
import { el, setText } from "./dom.js";
import { clock, count, percent, seconds } from "./format.js";
import { icon } from "./icons.js";
import { levelOf } from "./levels.js";
import { strip } from "./strip.js";

const REFRESH_MS = 2000;
const AT_FIRST = 100;
const MOST = 1000; // in one answer of the gateway

export async function showList(view, signal) {
  document.title = "Meetings · Hubbub";
  const list = new MeetingList();
  await list.refresh(signal);
  list.more.addEventListener("click", () => list.extend(signal));
  view.replaceChildren(list.node);
  repeat(REFRESH_MS, signal, () => list.refresh(signal));
}

class MeetingList {
  constructor() {
    this.meetings = [];
    this.limit = AT_FIRST;
    this.pulses = new Map();
    this.summary = el("p", { class: "quiet" });
    this.input = el("input", { type: "search", id: "filter", placeholder: "Find a meeting", "aria-label": "Find a meeting", autocomplete: "off", oninput: () => this.draw() });
    this.body = el("div", {});
    this.more = el("button", { type: "button", class: "more", hidden: true }, "Show more meetings");
    this.node = el("div", { class: "list" },
      el("div", { class: "list-head" }, el("h1", {}, "Meetings"), this.summary, el("search", { class: "search" }, icon("search"), this.input)), this.body, this.more);
  }

  async refresh(signal) {
    const [{ meetings, next }, { meetings: pulses }] = await Promise.all([getJson(`/v1/meetings?limit=${this.limit}`, signal), getJson("/v1/pulse", signal)]);
    this.meetings = meetings;
    this.more.hidden = next === null || this.limit >= MOST;
    this.pulses = new Map(pulses.map((pulse) => [pulse.meeting, pulse]));
    this.draw();
  }

  async extend(signal) {
    this.limit = Math.min(MOST, this.limit * 2);
    await this.refresh(signal);
  }

  draw() {
    const wanted = this.input.value.trim().toLowerCase();
    const chosen = this.meetings.filter(({ meeting }) => meeting.toLowerCase().includes(wanted));
    const live = chosen.filter((meeting) => meeting.ended_at_ms === null);
    const ended = chosen.filter((meeting) => meeting.ended_at_ms !== null);
    setText(this.summary, `${live.length} live, ${ended.length} ended`);
    const focused = document.activeElement?.getAttribute("href");
    this.body.replaceChildren(...(this.meetings.length ? [...group("Live now", live, this.pulses), ...group("Ended", ended, this.pulses)] : [nothing()]));
    if (focused) this.body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

function group(title, meetings, pulses) {
  if (!meetings.length) return [];
  return [el("h2", { class: "group" }, title), el("ul", { class: "meetings" }, ...meetings.map((meeting) => card(meeting, pulses.get(meeting.meeting))))];
}

function card(meeting, pulse) {
  const live = meeting.ended_at_ms === null;
  const started = new Date(meeting.started_at_ms);
  const figures = live ? liveFigures(meeting, pulse) : [["Coverage", percent(meeting.coverage), meeting.missing.gaps_ms ? "warn" : ""]];
  return el("li", {}, el("a", { class: "card", href: `#/meetings/${encodeURIComponent(meeting.meeting)}` },
    el("div", { class: "card-head" }, el("h3", {}, meeting.meeting), el("span", { class: live ? "badge live" : "badge" }, live ? "Live" : "Ended")),
    el("p", { class: "facts" }, `${started.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} · ${clock(meeting.duration_ms)} · ${count(meeting.tracks.length, "track")}`),
    ...(live ? talk(meeting, pulse) : []),
    el("dl", { class: "row" }, ...figures.map(([name, value, tone]) => el("div", {}, el("dt", {}, name), el("dd", { class: tone }, value))))));
}

function liveFigures(meeting, pulse) {
  const level = levelOf(pulse?.level);
  const waitingMs = meeting.missing.unheard_ms + meeting.missing.untranscribed_ms;
  return [["Level", level.name, level.tone], ["Latency", seconds(pulse?.latency_ms), ""], ["Waiting", seconds(waitingMs), waitingMs > 5000 ? "warn" : ""]];
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

function nothing() {
  return el("div", { class: "card notice" }, el("h2", {}, "No meetings yet"),
    el("p", {}, "They appear here as soon as audio arrives. To see one: ", el("code", {}, "hubbub demo")));
}

// The list of meetings.

import { getJson } from "./api.js";
import { clock, el, percent } from "./dom.js";

const REFRESH_MS = 3000;

export async function showList(view, signal) {
  document.title = "Hubbub";
  const { meetings } = await getJson("/v1/meetings", signal);
  render(view, meetings);
  const timer = setInterval(async () => {
    try {
      const found = await getJson("/v1/meetings", signal);
      if (!signal.aborted) render(view, found.meetings);
    } catch {
      // The next refresh tries again; what is shown stays.
    }
  }, REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

function render(view, meetings) {
  const focused = document.activeElement?.getAttribute("href");
  const live = meetings.filter((meeting) => meeting.ended_at_ms === null).length;
  const head = el("div", { class: "list-head" }, el("h1", {}, "Meetings"), el("span", { class: "quiet" }, `${live} live`));
  view.replaceChildren(head, meetings.length ? el("ul", { class: "meetings" }, ...meetings.map(card)) : nothing());
  if (focused) view.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

function card(meeting) {
  const live = meeting.ended_at_ms === null;
  const started = new Date(meeting.started_at_ms);
  return el("li", {}, el("a", { class: "card", href: `#/meetings/${encodeURIComponent(meeting.meeting)}` },
    el("h2", {}, meeting.meeting),
    el("div", { class: "row" },
      el("span", { class: live ? "badge live" : "badge" }, live ? "Live" : "Ended"),
      el("span", {}, started.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })),
      el("span", {}, clock(meeting.duration_ms)),
      el("span", {}, `${meeting.tracks.length} ${meeting.tracks.length === 1 ? "track" : "tracks"}`),
      el("span", { title: "Share of the audio that reached a final result" }, `coverage ${percent(meeting.coverage)}`))));
}

function nothing() {
  return el("div", { class: "card notice" }, el("h2", {}, "No meetings yet"),
    el("p", {}, "They appear here as soon as audio arrives. To see one: ", el("code", {}, "hubbub demo")));
}

// One meeting: first what was, then what happens.

import { follow, getJson, meetingUrl } from "./api.js";
import { Captions } from "./captions.js";
import { clock, el, percent, setText } from "./dom.js";
import { Keywords, Highlights } from "./moments.js";
import { Speakers } from "./speakers.js";

const LEVELS = ["full", "relaxed", "finals only", "keywords only", "recording only"];
const FILES = { vtt: "WebVTT", srt: "SubRip", txt: "Text", md: "Markdown", json: "JSON" };
const REFRESH_MS = 5000;
const LATENCIES = 30;

export async function showMeeting(view, meeting, signal) {
  document.title = `${meeting} · Hubbub`;
  const about = await getJson(meetingUrl(meeting), signal);
  const said = await getJson(meetingUrl(meeting, "/transcript"), signal);
  const [heard, felt, noted] = await Promise.all(
    ["/keywords", "/sentiment", "/highlights"].map((rest) => getJson(meetingUrl(meeting, rest), signal)));
  const page = new MeetingPage(meeting);
  view.replaceChildren(page.node);
  page.tell(about);
  const past = [said.lines, said.open, heard.keywords, felt.sentiments, noted.highlights].flat();
  for (const result of past) page.take(result, false);
  if (said.lines.length) page.level(said.lines.at(-1).level);
  follow(meeting, {
    after: said.as_of,
    signal,
    onResult: (result) => page.take(result, true),
    onState: (state) => page.connection(state),
  });
  const timer = setInterval(() => getJson(meetingUrl(meeting), signal).then((news) => page.tell(news), () => {}), REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

class MeetingPage {
  constructor(meeting) {
    this.speakers = new Speakers();
    this.captions = new Captions(this.speakers);
    this.keywords = new Keywords((utterance) => this.captions.reveal(utterance));
    this.highlights = new Highlights();
    this.latencies = [];
    this.badge = el("span", { class: "badge" }, "…");
    this.figures = Object.fromEntries(["length", "level", "latency", "coverage", "stream"].map((name) => [name, el("dd", {}, "–")]));
    const figures = Object.entries(this.figures).map(([name, value]) => el("div", {}, el("dt", {}, name), value));
    this.node = el("div", { class: "meeting" },
      el("div", { class: "meeting-head" }, el("h1", {}, meeting), this.badge, el("dl", { class: "figures" }, ...figures)),
      this.captions.node,
      el("aside", { class: "side", "aria-label": "About the meeting" },
        this.speakers.node, this.keywords.node, this.highlights.node, files(meeting)));
  }

  take(result, isNew) {
    if (result.type === "transcript") this.transcript(result, isNew);
    else if (result.type === "keyword") this.keywords.add(result);
    else if (result.type === "sentiment") this.speakers.mood(result);
    else if (result.type === "activity") this.speakers.activity(result);
    else if (result.type === "highlight") this.highlights.add(result);
    else this.status(result);
  }

  transcript(result, isNew) {
    this.captions.put(result, isNew);
    if (result.status === "final") this.speakers.spoke(result);
    if (!isNew || result.backfilled) return;
    this.level(result.level);
    this.latencies = [...this.latencies, result.latency_ms].slice(-LATENCIES);
    const middle = [...this.latencies].sort((a, b) => a - b)[this.latencies.length >> 1];
    setText(this.figures.latency, `${(middle / 1000).toFixed(2)} s`);
  }

  status(result) {
    if (result.event === "level_changed") this.level(result.level);
    if (result.event === "gap") this.captions.gap(result);
    if (result.event === "meeting_ended") this.ended(true);
  }

  level(level) {
    setText(this.figures.level, LEVELS[level] ?? String(level));
    this.figures.level.className = level === 0 ? "" : level === 1 ? "warn" : "bad";
  }

  tell(about) {
    this.ended(about.ended_at_ms !== null);
    setText(this.figures.length, clock(about.duration_ms));
    setText(this.figures.coverage, percent(about.coverage));
  }

  ended(ended) {
    this.badge.className = ended ? "badge" : "badge live";
    setText(this.badge, ended ? "Ended" : "Live");
  }

  connection(state) {
    setText(this.figures.stream, state);
    this.figures.stream.className = state === "live" ? "" : "warn";
  }
}

function files(meeting) {
  const links = Object.entries(FILES).map(([extension, label]) =>
    el("a", { href: meetingUrl(meeting, `/transcript.${extension}`), download: `${meeting}.${extension}` }, label));
  return el("section", { class: "card" }, el("h2", {}, "Transcript as file"), el("div", { class: "files" }, ...links));
}

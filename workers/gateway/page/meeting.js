// One meeting: first what was, then what happens.

import { Announcer } from "./announcer.js";
import { Refused, getJson, meetingPath } from "./api.js";
import { repeat } from "./attention.js";
import { Captions } from "./captions.js";
import { el, oncePerFrame, setText } from "./dom.js";
import { Downloads } from "./downloads.js";
import { Figures } from "./figures.js";
import { Highlights } from "./highlights.js";
import { stored } from "./history.js";
import { Latency } from "./latency.js";
import { follow } from "./live.js";
import { mark, places } from "./marks.js";
import { preferred } from "./preferences.js";
import { Reading } from "./reading.js";
import { Search } from "./search.js";
import { Speakers } from "./speakers.js";
import { Summary } from "./summary.js";
import { Timeline } from "./timeline.js";

const REFRESH_MS = 3000;
const OTHERS = "status,keyword,sentiment,highlight"; // than texts; at once, since the gateway looks through a whole shard
const PANES = { captions: "Captions", timeline: "Timeline", people: "People" };

export async function showMeeting(view, meeting, signal) {
  document.title = `${meeting} · Hubbub`;
  const about = await getJson(meetingPath(meeting), signal);
  const said = await getJson(meetingPath(meeting, "/transcript"), signal);
  const others = await stored(meeting, OTHERS, signal); // after the texts, from whose position on the page follows
  const page = new MeetingPage(meeting, signal);
  view.replaceChildren(page.node);
  page.load({ about, texts: [...said.lines, ...said.open], others });
  page.downloads.offerReports(signal).catch(() => {});
  repeat(REFRESH_MS, signal, async () => page.tell(await getJson(meetingPath(meeting), signal)));
  follow(meetingPath(meeting, "/events"), {
    after: said.as_of,
    signal,
    onResult: (result) => page.take(result),
    onState: (state) => page.connection(state),
  }).catch((error) => page.left(error));
}

class MeetingPage {
  constructor(meeting, signal) {
    const reveal = (utterance) => this.reveal(utterance);
    this.speakers = new Speakers();
    this.captions = new Captions(this.speakers, { onChange: oncePerFrame(() => this.remark()), onFinal: (result) => this.announce(result) });
    this.search = new Search(this.captions, signal);
    this.announcer = new Announcer(document.getElementById("spoken"), { enabled: preferred("announce", true), signal });
    this.timeline = new Timeline(this.speakers, reveal);
    this.highlights = new Highlights(reveal);
    this.summary = new Summary(meeting, signal, (ms) => this.reveal(this.captions.at(ms)));
    this.latency = new Latency(signal);
    this.figures = new Figures();
    this.downloads = new Downloads(meeting);
    this.phrases = new Set();
    this.badge = el("span", { class: "badge" }, "…");
    this.trouble = el("p", { class: "trouble", role: "status" });
    this.reading = new Reading({ onSize: () => this.captions.forgetHeights(), onAnnounce: (on) => { this.announcer.enabled = on; } });
    this.node = this.layout(meeting);
    this.show("captions");
  }

  layout(meeting) {
    this.panes = el("nav", { class: "panes", "aria-label": "Parts of the meeting" },
      ...Object.entries(PANES).map(([name, label]) => el("button", { type: "button", "data-pane": name, onclick: () => this.show(name) }, label)));
    return el("div", { class: "meeting" },
      el("div", { class: "meeting-head" }, el("h1", {}, meeting), this.badge, this.downloads.node, this.figures.node),
      this.panes,
      this.timeline.node,
      el("section", { class: "card transcript", "aria-label": "Transcript" },
        el("div", { class: "tools" }, this.search.node, this.reading.node), this.trouble, this.captions.scroller, this.captions.latest),
      el("aside", { class: "side", tabindex: "0", "aria-label": "About the meeting" }, this.summary.node, this.speakers.node, this.highlights.node, this.latency.node));
  }

  show(pane) {
    this.node.dataset.pane = pane;
    for (const button of this.panes.children) button.setAttribute("aria-pressed", button.dataset.pane === pane);
  }

  reveal(utterance) {
    this.show("captions");
    this.captions.reveal(utterance);
  }

  load({ about, texts, others }) {
    this.captions.load(texts);
    if (about.ended_at_ms !== null) this.captions.toBeginning();
    for (const text of texts) if (text.status === "final") this.speakers.spoke(text);
    for (const result of others) this.take(result);
    for (const text of texts) this.timeline.reach(text.end_ms);
    const live = texts.filter((text) => !text.backfilled);
    for (const text of live.slice(-60)) this.latency.add(text);
    if (live.length) this.now(live.at(-1).level);
    this.tell(about);
  }

  take(result) {
    if (result.type === "transcript") this.transcript(result);
    else if (result.type === "keyword") this.keyword(result);
    else if (result.type === "sentiment") this.sentiment(result);
    else if (result.type === "activity") this.speakers.activity(result);
    else if (result.type === "highlight") this.highlights.add(result);
    else if (result.type === "status") this.status(result);
  }

  transcript(result) {
    this.captions.put(result);
    this.timeline.reach(result.end_ms);
    if (result.status === "final") this.speakers.spoke(result);
    if (result.backfilled) return;
    this.latency.add(result);
    this.now(result.level);
  }

  keyword(result) {
    this.timeline.keyword(result);
    this.phrases.add(result.phrase);
    this.captions.onChange();
  }

  sentiment(result) {
    this.timeline.sentiment(result);
    this.speakers.mood(result);
  }

  status(result) {
    if (result.event === "level_changed") this.figures.level(result.level);
    if (result.event === "gap") this.captions.gap(result);
    if (result.event === "meeting_ended") this.ended(true);
  }

  now(level) {
    this.figures.level(level);
    this.figures.latency(this.latency.now);
  }

  announce(result) {
    this.announcer.say(`${result.speaker.name || result.speaker.id}: ${result.text}`);
  }

  remark() {
    mark("keyword", places(this.captions.list.querySelectorAll(".stable"), [...this.phrases]));
    if (this.search.input.value) this.search.refresh();
  }

  tell(about) {
    this.figures.meeting(about);
    this.timeline.reach(about.duration_ms);
    this.ended(about.ended_at_ms !== null);
  }

  ended(ended) {
    this.badge.className = ended ? "badge" : "badge live";
    setText(this.badge, ended ? "Ended" : "Live");
    this.node.classList.toggle("over", ended);
    if (!ended) return;
    this.speakers.silence();
    this.summary.fetch().catch(() => {}); // the same is asked for when a report is downloaded, and told there
  }

  connection(state) {
    this.figures.stream(state);
    const lost = state === "reconnecting";
    setText(this.trouble, lost ? "The connection is lost. It is tried again, and nothing will be missing." : "");
    this.node.classList.toggle("offline", lost);
  }

  left(error) {
    this.figures.set("stream", "Ended", "bad");
    setText(this.trouble, `Nothing more comes: ${error instanceof Refused ? error.message : "the page failed"}`);
    this.node.classList.add("offline");
  }
}

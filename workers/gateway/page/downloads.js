// The meeting as files.

import { Refused, getJson, meetingPath, save } from "./api.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { Menu } from "./menu.js";

const FILES = [
  ["vtt", "WebVTT", "subtitles for the web"],
  ["srt", "SubRip", "subtitles for players"],
  ["txt", "Text", "to read"],
  ["md", "Markdown", "for notes and wikis"],
  ["json", "JSON", "with the time of each word"],
];
const REPORT_PATH = "/v1/meetings/{meeting_id}/report.{extension}";
const REPORTS = [
  ["pdf", "PDF", "to send"],
  ["html", "Web page", "to read and print"],
  ["md", "Markdown", "for notes and wikis"],
];

export class Downloads {
  constructor(meeting) {
    this.meeting = meeting;
    this.problem = el("p", { class: "problem", role: "status" });
    this.list = el("ul", {}, el("li", { class: "group" }, "Transcript"), ...FILES.map(([extension, label, use]) => this.entry({ path: `/transcript.${extension}`, name: `${meeting}.${extension}`, label, use })));
    this.menu = new Menu([icon("download"), el("span", {}, "Download")], this.list, this.problem);
    this.node = this.menu.node;
  }

  // Where this gateway has them.
  async offerReports(signal) {
    const { paths } = await getJson("/openapi.json", signal);
    if (!(REPORT_PATH in paths)) return;
    this.list.append(el("li", { class: "group" }, "Report"));
    for (const [extension, label, use] of REPORTS) {
      this.list.append(this.entry({ path: `/report.${extension}`, name: `${this.meeting}-report.${extension}`, label, use }));
    }
  }

  entry({ path, name, label, use }) {
    return el("li", {}, el("button", { type: "button", "data-file": name, onclick: () => this.fetch(path, name) }, el("b", {}, label), el("small", {}, use)));
  }

  async fetch(path, name) {
    this.problem.textContent = "";
    try {
      await save(meetingPath(this.meeting, path), name, () => { this.problem.textContent = "It is being built; a moment…"; });
      this.problem.textContent = "";
      this.menu.close();
    } catch (error) {
      this.problem.textContent = error instanceof Refused ? error.message : "The gateway cannot be reached at the moment; try again";
    }
  }
}

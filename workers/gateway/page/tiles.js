// The figures an operator looks at first.

import { putAside } from "./census.js";
import { el, setAttribute, setText } from "./dom.js";
import { megabytes, seconds } from "./format.js";
import { levelOf } from "./levels.js";

const TILES = {
  meetings: "Live meetings",
  level: "Worst level",
  headroom: "Headroom",
  waiting: "Waiting speech",
  deferred: "Put aside",
  missing: "Dropped audio",
  dead: "Dead letters",
  redis: "Redis holds",
};

export class Tiles {
  constructor() {
    this.values = {};
    this.node = el("dl", { class: "tiles" }, ...Object.entries(TILES).map(([name, label]) => {
      this.values[name] = [el("dd", {}), el("dd", { class: "note" })];
      return el("div", { class: "card", "data-tile": name }, el("dt", {}, label), ...this.values[name]);
    }));
  }

  show({ overview, processes }) {
    const { live } = overview;
    const emitters = processes.filter(({ pool }) => pool === "emitter");
    const level = levelOf(emitters.length ? Math.max(...emitters.map((process) => process.level)) : undefined);
    const room = emitters.reduce((sum, { headroom }) => sum + headroom, 0);
    this.set("meetings", live.counted);
    this.set("level", emitters.length ? level.name : "No emitter", { tone: emitters.length ? level.tone : "bad", note: emitters.length ? level.means : "Nothing is transcribed" });
    this.set("headroom", emitters.length ? room.toFixed(1) : "–", { tone: room < 0 ? "bad" : room < 1 ? "warn" : "", note: room < 0 ? "meetings too many for full service" : "more meetings at full service" });
    this.set("waiting", seconds(live.untranscribed_ms), { note: `${seconds(live.unheard_ms)} not yet through VAD` });
    this.set("deferred", putAside(overview), { tone: putAside(overview) ? "warn" : "", note: "utterances for quieter times" });
    this.set("missing", seconds(live.gaps_ms + live.lost_ms), { tone: live.gaps_ms + live.lost_ms ? "bad" : "", note: `${seconds(live.gaps_ms)} in gaps, ${seconds(live.lost_ms)} given up, of live meetings` });
    this.set("dead", overview.dead_letters, { tone: overview.dead_letters ? "bad" : "", note: overview.dead_letters ? "see hubbub dead list" : "no entry was given up" });
    this.set("redis", megabytes(overview.redis_bytes), { note: `${overview.shards} shards` });
  }

  set(name, text, { tone = "", note = "" } = {}) {
    const [value, noted] = this.values[name];
    setText(value, String(text));
    setAttribute(value, "class", tone);
    setText(noted, note);
  }
}

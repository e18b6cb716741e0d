// What an overview of the deployment comes to, pool by pool; and how busy processes were of late,
// which takes more than one look.

import { count } from "./format.js";

const POOLS = ["ingest", "vad", "asr", "emitter", "keyword", "sentiment", "gateway", "jobs"];
const ASIDE = new Set(["deferred"]); // streams read on request: their lag is put aside, not behind
const BUSY_OVER_MS = 9000;
const BEHIND = 200;
const LATE_MS = 30_000;

export class Censuses {
  constructor() {
    this.used = new Map();
  }

  take(overview, atMs) {
    const processes = overview.processes.map((process) => ({ ...process, share: this.share(process, atMs), shards: held(overview, process) }));
    this.forget(processes);
    return { atMs, overview, processes, pools: poolsOf(overview).map((pool) => tally(pool, overview, processes)) };
  }

  // The share of one processor that a process took lately; null before it can be told.
  share({ member, cpu_s: used }, atMs) {
    const looks = this.used.get(member) ?? [];
    if (looks.at(-1)?.used !== used) looks.push({ atMs, used });
    while (looks.length > 2 && atMs - looks[1].atMs > BUSY_OVER_MS) looks.shift();
    this.used.set(member, looks);
    const [first, last] = [looks[0], looks.at(-1)];
    return last.atMs > first.atMs ? (last.used - first.used) / ((last.atMs - first.atMs) / 1000) : null;
  }

  forget(processes) {
    const alive = new Set(processes.map(({ member }) => member));
    for (const member of this.used.keys()) if (!alive.has(member)) this.used.delete(member);
  }
}

function poolsOf({ processes, groups, owners, disabled }) {
  const others = [...Object.keys(owners), ...groups.map(({ pool }) => pool), ...processes.map(({ pool }) => pool)];
  return [...new Set([...POOLS, ...others])].filter((pool) => !disabled.includes(pool));
}

function held({ owners }, { member }) {
  return Object.values(owners).flatMap((byShard) => Object.values(byShard)).filter((owner) => owner === member).length;
}

// The processes of a pool; or, of a stage that lives in the processes of another pool, those that own some of it.
function processesOf(pool, { owners }, processes) {
  const own = processes.filter((process) => process.pool === pool);
  const owning = new Set(Object.values(owners[pool] ?? {}));
  return own.length ? { mine: own, lodger: false } : { mine: processes.filter(({ member }) => owning.has(member)), lodger: owning.size > 0 };
}

function tally(pool, overview, processes) {
  const { mine, lodger } = processesOf(pool, overview, processes);
  const groups = overview.groups.filter((group) => group.pool === pool && !ASIDE.has(group.stream));
  // Of results some stay pending for good reason: what moods and baselines rest on.
  const owed = groups.filter(({ stream }) => stream !== "results");
  const sum = (list, name) => list.reduce((total, each) => total + (each[name] ?? 0), 0);
  const counted = {
    pool,
    processes: mine,
    ready: mine.filter(({ ready }) => ready).length,
    staged: pool in overview.owners,
    owned: Object.keys(overview.owners[pool] ?? {}).length,
    groups,
    lag: groups.length ? sum(groups, "lag") : null,
    pending: owed.length ? sum(owed, "pending") : null,
    oldestMs: owed.length ? Math.max(...owed.map(({ oldest_ms: ms }) => ms)) : null,
    share: !lodger && mine.some(({ share }) => share !== null) ? sum(mine, "share") : null,
    memory: lodger ? 0 : sum(mine, "rss_bytes"),
  };
  return { ...counted, state: judge(counted, overview.shards) };
}

function judge({ processes, ready, staged, owned, lag, oldestMs }, shards) {
  if (!processes.length) return { tone: "bad", word: "Not running" };
  if (!ready) return { tone: "warn", word: "Starting" };
  if (staged && owned < shards) return { tone: "bad", word: `${count(shards - owned, "shard")} without an owner` };
  if (lag === null) return { tone: "good", word: "Running" };
  if (lag > BEHIND || oldestMs > LATE_MS) return { tone: "warn", word: "Behind" };
  return { tone: "good", word: "Keeping up" };
}

export function putAside({ groups }) {
  return groups.filter(({ stream }) => ASIDE.has(stream)).reduce((total, { lag, pending }) => total + lag + pending, 0);
}

// Results of a meeting as they happen, over server-sent events read by hand: so the token stays out
// of the address, a silent connection is noticed, and a page nobody sees holds none.

import { Refused, request } from "./api.js";
import { hiddenFor, untilVisible } from "./attention.js";

const SILENCE_MS = 45_000; // the gateway says something every 15 s unless it is set otherwise
const HIDDEN_MS = 60_000;
const FIRST_PAUSE_MS = 300;
const LAST_PAUSE_MS = 8000;
const HOPELESS = new Set([400, 401, 403, 404]);

// Until `signal` aborts; each result once, in order, across lost connections. Throws Refused when
// the gateway does not know the meeting, or the reader, any more.
export async function follow(path, { after, onResult, onState, signal }) {
  const place = { last: after };
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    await untilVisible(signal);
    try {
      await readOnce(path, place, { onResult, onState: () => { pauseMs = FIRST_PAUSE_MS; onState("live"); }, signal });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && HOPELESS.has(error.status)) throw error;
    }
    if (signal.aborted) return;
    onState(document.hidden ? "paused" : "reconnecting");
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
  }
}

async function readOnce(path, place, { onResult, onState, signal }) {
  const over = new AbortController();
  let timer = setTimeout(() => over.abort(), SILENCE_MS);
  const ended = AbortSignal.any([signal, over.signal, hiddenFor(HIDDEN_MS, over.signal)]);
  try {
    const response = await request(`${path}?after=${encodeURIComponent(place.last)}`, { signal: ended });
    onState();
    for await (const event of events(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(() => over.abort(), SILENCE_MS);
      if (event.result) onResult(event.result);
      if (event.id) place.last = event.id;
    }
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

// https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as the gateway writes it.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const blocks = (unread + value).split("\n\n");
    unread = blocks.pop();
    yield* blocks.map(parse);
  }
}

function parse(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  const result = fields.id && fields.data ? JSON.parse(fields.data) : null;
  return { id: fields.id, result };
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms * (0.75 + Math.random() / 2));
    signal.addEventListener("abort", finish);
  });
}

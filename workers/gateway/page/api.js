// Talking to the gateway: documents once, results as they happen.

const TYPES = ["activity", "transcript", "keyword", "sentiment", "highlight", "status"];
const TOKEN = "hubbub-token";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function meetingUrl(meeting, rest = "", query = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const given = new URLSearchParams(token ? { ...query, access_token: token } : query).toString();
  return `/v1/meetings/${encodeURIComponent(meeting)}${rest}${given && "?"}${given}`;
}

export async function getJson(path, signal) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(path, { signal, headers: token ? { Authorization: `Bearer ${token}` } : {} });
  const body = await response.json();
  if (!response.ok) throw new Refused(response.status, body.error.message);
  return body;
}

// Follows a meeting until `signal` aborts. The browser reconnects by itself when a stream ends, but
// gives up when it is answered with an error; then this starts anew after the last result seen.
export function follow(meeting, { after, onResult, onState, signal }) {
  let last = after;
  let source;
  let pause = 500;
  const open = () => {
    if (signal.aborted) return;
    source = new EventSource(meetingUrl(meeting, "/events", { after: last }));
    source.onopen = () => { pause = 500; onState("live"); };
    source.onerror = () => {
      onState("reconnecting");
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(open, pause);
        pause = Math.min(pause * 2, 10000);
      }
    };
    for (const type of TYPES) {
      source.addEventListener(type, (event) => {
        last = event.lastEventId;
        onResult(JSON.parse(event.data));
      });
    }
  };
  open();
  signal.addEventListener("abort", () => source.close());
}

// Talking to the gateway: documents, pages of them, and files.

const TOKEN = "hubbub-token";
const MOST_TRIES = 60;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

export function meetingPath(meeting, rest = "") {
  return `/v1/meetings/${encodeURIComponent(meeting)}${rest}`;
}

// The token goes into a header and never into an address, which histories and logs would keep.
export async function request(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(path, { ...options, headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Refused(response.status, body?.error?.message ?? `The gateway answers ${response.status}`);
}

export async function getJson(path, signal) {
  return (await request(path, { signal })).json();
}

// What the gateway may have to build first: it is asked for again, after `onWait` was told, until it is there.
export async function built(path, { onWait = () => {}, signal } = {}) {
  let response = await request(path, { signal });
  for (let tries = 0; response.status === 202; tries += 1) {
    if (tries === MOST_TRIES) throw new Refused(202, "It is still being built; try again later");
    onWait();
    await new Promise((resolve) => { setTimeout(resolve, Number(response.headers.get("Retry-After") ?? 2) * 1000); });
    response = await request(path, { signal });
  }
  return response;
}

// Saves what is at a path as a file.
export async function save(path, name, onWait) {
  const response = await built(path, { onWait });
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

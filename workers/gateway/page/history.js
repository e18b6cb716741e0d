// Results of a meeting that are stored, of some types, in the order of the stream.

import { getJson, meetingPath } from "./api.js";

const AT_ONCE = 1000;

export async function stored(meeting, types, signal) {
  const found = [];
  for (let page = { as_of: "", more: true }; page.more; ) {
    page = await getJson(meetingPath(meeting, `/results?types=${types}&limit=${AT_ONCE}&after=${page.as_of}`), signal);
    found.push(...page.results.map(({ result }) => result));
  }
  return found;
}

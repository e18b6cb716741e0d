// A list of results that the gateway hands out in pages.

import { getJson } from "./api.js";

// All of them, with the first page for what is said beside the list.
export async function pages(path, name, signal) {
  const first = await getJson(path, signal);
  const items = [...first[name]];
  for (let page = first; page.next; ) {
    page = await getJson(`${path}?cursor=${encodeURIComponent(page.next)}`, signal);
    items.push(...page[name]);
  }
  return { first, items };
}

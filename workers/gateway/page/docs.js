// The OpenAPI document, for people.

import { themeSwitch } from "./appearance.js";
import { el } from "./dom.js";

document.querySelector(".top nav").append(themeSwitch());

const description = await (await fetch("/openapi.json")).json();
const groups = new Map();
for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const [tag] = operation.tags;
    groups.set(tag, [...(groups.get(tag) ?? []), { path, method, ...operation }]);
  }
}

document.getElementById("view").append(
  el("h1", {}, "API"),
  el("p", { class: "quiet" }, `${description.info.description} Version ${description.info.version}. For programs: `, el("a", { href: "/openapi.json" }, "/openapi.json")),
  el("nav", { class: "tags", "aria-label": "Groups of routes" }, ...[...groups.keys()].map((tag) => el("a", { href: `#${tag}` }, title(tag)))),
  ...[...groups].flatMap(([tag, operations]) => [el("h2", { class: "group", id: tag }, title(tag)), ...operations.map(show)]),
);

function title(tag) {
  return tag[0].toUpperCase() + tag.slice(1);
}

function show({ path, method, description: text = "", parameters = [], requestBody, responses }) {
  const rows = parameters.map(({ name, in: place, required, description: about = "" }) =>
    el("tr", {}, el("td", {}, name), el("td", {}, `${place}${required ? ", required" : ""}`), el("td", {}, ...prose(about))));
  return el("section", { class: "card operation" }, el("h3", {}, el("b", {}, method.toUpperCase()), path),
    ...text.split("\n\n").map((paragraph) => el("p", {}, ...prose(paragraph))),
    rows.length ? el("table", {}, el("tbody", {}, ...rows)) : "",
    ...examples("Body", requestBody?.content), ...Object.entries(responses).filter(([status]) => status < 300).flatMap(([status, { content }]) => examples(`Answer ${status}`, content)));
}

// Text with `code` in it; lines were broken where it was written.
function prose(text) {
  return text.replaceAll("\n", " ").split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

function examples(label, content = {}) {
  return Object.entries(content).flatMap(([type, { example, examples: named, schema }]) => {
    const values = named ? Object.entries(named).map(([name, { value }]) => [`, ${name}`, value]) : [["", example]];
    return values.filter(([, value]) => value && schema?.format !== "binary").map(([name, value]) => {
      const words = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      return el("details", {}, el("summary", {}, `${label}: ${type}${name}`), el("pre", { tabindex: "0" }, words));
    });
  });
}

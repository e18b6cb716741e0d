// The OpenAPI document, for people.

import { themeSwitch } from "./appearance.js";
import { el } from "./dom.js";

document.querySelector(".top nav").append(themeSwitch());

const description = await (await fetch("/openapi.json")).json();
const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })));

document.getElementById("view").append(
  el("h1", {}, "API"),
  el("p", { class: "quiet" }, `${description.info.description} Version ${description.info.version}.`),
  ...operations.map(show),
);

function show({ path, method, description: text = "", parameters = [], responses }) {
  const rows = parameters.map((parameter) => [parameter.name, `${parameter.in}${parameter.required ? ", required" : ""}. ${parameter.description ?? ""}`]);
  const answers = Object.entries(responses["200"]?.content ?? {}).map(([type, { schema }]) => [type, schemaName(schema)]);
  const table = [...rows, ...answers].map(([name, about]) => el("tr", {}, el("td", {}, name), el("td", {}, about)));
  return el("section", { class: "card operation" }, el("h2", {}, el("b", {}, method.toUpperCase()), path), el("p", {}, text), el("table", {}, el("tbody", {}, ...table)));
}

function schemaName(schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? `${name}: ${description.components.schemas[name].description?.split("\n")[0] ?? ""}` : "";
}

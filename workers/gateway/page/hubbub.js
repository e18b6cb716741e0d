// Which view is shown: the address after # names it.

import { Refused, hasToken, keepToken } from "./api.js";
import { themeSwitch } from "./appearance.js";
import { el } from "./dom.js";
import { showList } from "./list.js";
import { showMeeting } from "./meeting.js";
import { showOperations } from "./operations.js";

const view = document.getElementById("view");
let leaving = new AbortController();

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [, name] = /^#\/meetings\/(.+)$/.exec(location.hash) ?? [];
  const operations = location.hash === "#/operations";
  tellPlace(operations ? "#/operations" : "#/");
  try {
    if (name) await showMeeting(view, decodeURIComponent(name), signal);
    else await (operations ? showOperations : showList)(view, signal);
  } catch (error) {
    if (!signal.aborted) explain(error);
  }
}

function tellPlace(here) {
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function explain(error) {
  if (error instanceof Refused && [401, 403].includes(error.status)) {
    askForToken(hasToken() ? `This does not open it: ${error.message}.` : "");
    return;
  }
  const message = error instanceof Refused ? error.message : "The gateway cannot be reached at the moment.";
  view.replaceChildren(el("div", { class: "card notice", role: "alert" }, el("h1", {}, "Nothing to show"), el("p", {}, message),
    el("p", { class: "actions" }, el("button", { type: "button", onclick: show }, "Try again"), el("a", { href: "#/" }, "All meetings"))));
}

function askForToken(problem) {
  const input = el("input", { type: "password", required: true, autocomplete: "current-password", id: "token" });
  const form = el("form", { class: "card sign-in" }, el("h1", {}, "Sign in"), el("label", { for: "token" }, "This gateway asks for a token"), input,
    problem ? el("p", { class: "bad", role: "alert" }, problem) : "", el("button", {}, "Open"),
    el("p", { class: "quiet" }, "Whoever runs it makes one with ", el("code", {}, "hubbub token create --scope read"), ". It is forgotten when this tab is closed."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(input.value);
    show();
  });
  view.replaceChildren(form);
  input.focus();
}

document.querySelector(".top nav").append(themeSwitch());
addEventListener("hashchange", () => { show(); view.focus(); });
show();

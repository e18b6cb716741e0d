// Which view is shown: the address after # names it.

import { Refused, getJson, keepToken } from "./api.js";
import { el } from "./dom.js";
import { showList } from "./list.js";
import { showMeeting } from "./meeting.js";

const view = document.getElementById("view");
let leaving = new AbortController();

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const name = /^#\/meetings\/(.+)$/.exec(location.hash);
  try {
    if (name) await showMeeting(view, decodeURIComponent(name[1]), signal);
    else await showList(view, signal);
  } catch (error) {
    if (!signal.aborted) explain(error);
  }
}

function explain(error) {
  if (error instanceof Refused && error.status === 401) {
    askForToken();
    return;
  }
  const again = el("a", { href: "#/" }, "All meetings");
  view.replaceChildren(el("div", { class: "card notice" }, el("h2", {}, "Nothing to show"), el("p", {}, error.message), again));
}

function askForToken() {
  const input = el("input", { type: "password", required: true, autocomplete: "current-password", id: "token" });
  const form = el("form", { class: "card sign-in" }, el("label", { for: "token" }, "This gateway asks for a token"), input, el("button", {}, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(input.value);
    show();
  });
  view.replaceChildren(form);
  input.focus();
}

addEventListener("hashchange", () => { show(); view.focus(); });
show();

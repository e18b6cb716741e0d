// What the person in front of the page has chosen, kept by the browser where it may keep things.

const PREFIX = "hubbub-";

export function preferred(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function prefer(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Nothing may be kept here: the choice holds until the page is left.
  }
}

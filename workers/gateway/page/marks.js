// Marking words in texts that are on the page, without touching the text itself.

const MOST = 2000;

// Ranges over each place in `nodes`, elements with plain text, that has one of the phrases.
export function places(nodes, phrases) {
  const wanted = phrases.map((phrase) => phrase.toLowerCase()).filter(Boolean);
  const found = [];
  for (const node of nodes) {
    const text = node.firstChild;
    if (text && found.length < MOST) for (const phrase of wanted) found.push(...within(text, phrase));
  }
  return found;
}

function within(text, phrase) {
  const lower = text.data.toLowerCase();
  const found = [];
  if (lower.length !== text.data.length) return found; // positions would not be the same
  for (let at = lower.indexOf(phrase); at >= 0; at = lower.indexOf(phrase, at + phrase.length)) {
    const range = new Range();
    range.setStart(text, at);
    range.setEnd(text, at + phrase.length);
    found.push(range);
  }
  return found;
}

// Browsers without highlights show the same page without marks.
export function mark(name, ranges) {
  if ("highlights" in CSS) CSS.highlights.set(name, new Highlight(...ranges));
}

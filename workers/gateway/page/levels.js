// Service levels: what a meeting gets when there is more speech than processor.

export const LEVELS = [
  { name: "Full", tone: "good", means: "Captions form as people speak, with the most accurate final text" },
  { name: "Relaxed", tone: "warn", means: "Captions form less often, final texts are quicker and a little rougher" },
  { name: "Finals only", tone: "warn", means: "A caption appears when a sentence is over" },
  { name: "Keywords only", tone: "bad", means: "Keywords are spotted; the text follows when load falls" },
  { name: "Recording", tone: "bad", means: "Only who speaks is shown; the text follows when load falls" },
];

const UNKNOWN = { name: "–", tone: "", means: "Nothing was said yet" };

export function levelOf(number) {
  return LEVELS[number] ?? UNKNOWN;
}

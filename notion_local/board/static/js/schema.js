// Reading a database's columns: which matter first, which group a board, what a status word looks like.
//
// The words below serve the eye alone (order and colour). What a status *means* is the worker's business.

/** Columns that carry Segue's work, by the names they go under. */
const ROLES = {
  status: ["Status", "Final Status"],
  taskType: ["Task Type"],
  priority: ["Priority"],
  progress: ["Progress", "MCP Progress Percentage"],
  step: ["Step", "MCP Current Action"],
  question: ["Question", "Human Actions Required"],
  error: ["Last error", "MCP Error Details", "Blocking Reason"],
  result: ["Result", "Plain-English Summary", "Execution-Result"],
  link: ["Link", "URL", "Source URL"],
};

const FIRST = [
  "Status",
  "Final Status",
  "Task Type",
  "Priority",
  "Progress",
  "MCP Progress Percentage",
  "Step",
  "Question",
  "Answer",
  "Last error",
  "Result",
  "Link",
  "Run after",
  "Worker",
  "Attempt",
  "Started",
  "Finished",
  "Artist Name",
  "Tempo",
  "Key",
  "Camelot",
  "Audio Duration (seconds)",
  "Audio LUFS Level",
  "Downloaded",
  "Genre",
  "Audio Processing",
  "SoundCloud URL",
  "Spotify URL",
  "M4A File Path",
  "WAV File Path",
  "AIFF File Path",
  "Type",
  "Tags",
  "Source",
  "Platform",
  "URL",
  "Source URL",
  "Description",
  "Start Time",
  "End Time",
  "Duration (s)",
  "Plain-English Summary",
  "Error Count",
  "Agent-Tasks",
  "Run ID",
  "Handed off from",
  "Last edited time",
];

const SHOWN_AT_FIRST = 10;

export function schemaOf(source) {
  const properties = Object.entries(source.properties).map(([name, property]) => ({ ...property, name }));
  const byName = new Map(properties.map((property) => [property.name, property]));
  const title = properties.find((property) => property.type === "title");
  const role = (key) => ROLES[key].map((name) => byName.get(name)).find(Boolean);
  const roles = Object.fromEntries(Object.keys(ROLES).map((key) => [key, role(key)]));
  return { source, title, byName, roles, ordered: inOrder(properties, title) };
}

function inOrder(properties, title) {
  const place = (property) => {
    if (property === title) return -1;
    const index = FIRST.indexOf(property.name);
    return index < 0 ? FIRST.length : index;
  };
  return [...properties].sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
}

/** The columns to show until a person says otherwise. */
export function defaultColumns(schema) {
  const listed = schema.ordered.filter((property) => property === schema.title || FIRST.includes(property.name));
  const enough = listed.length > 4 ? listed : schema.ordered;
  return enough.slice(0, SHOWN_AT_FIRST).map((property) => property.name);
}

export function groupable(schema) {
  return schema.ordered.filter((property) => property.type === "status" || property.type === "select");
}

export const optionsOf = (property) => property[property.type]?.options ?? [];

// rank: from left to right on a board, in the order in which work passes through; tone: the colour where the
// workspace chose none (options made through the API come as "default").
const WORDS = [
  { rank: 0, tone: "gray", words: ["draft", "planning", "backlog", "not started", "to do"] },
  { rank: 1, tone: "purple", words: ["ready", "queued", "unreported", "ready to publish"] },
  { rank: 2, tone: "blue", words: ["in progress", "running", "solution in progress", "troubleshooting"] },
  { rank: 3, tone: "orange", words: ["blocked", "waiting on client", "reported + waiting for response", "partial"] },
  { rank: 4, tone: "yellow", words: ["review", "needs review"] },
  { rank: 5, tone: "red", words: ["failed", "error", "critical", "urgent"] },
  { rank: 6, tone: "green", words: ["completed", "complete", "done", "resolved", "success"] },
  { rank: 7, tone: "gray", words: ["archived", "cancelled", "canceled"] },
];
const UNKNOWN = { rank: 2.5, tone: "default" };

const meaning = (name) => WORDS.find((entry) => entry.words.includes(name.toLowerCase())) ?? UNKNOWN;

export function toneOf(option) {
  const own = option.color && option.color !== "default" ? option.color : null;
  return own ?? meaning(option.name).tone;
}

/** Whether a status word says that something is being done right now. */
export const isRunning = (name) => meaning(name ?? "").rank === 2;

/** Whether rows under this word are put away: their lane starts folded. */
export const isPutAway = (name) => meaning(name ?? "").rank === 7;

/** A board's columns, left to right; the last one takes rows without a value. */
export function lanesOf(property) {
  const options = [...optionsOf(property)];
  if (property.type === "status" || property.name === "Status") {
    options.sort((a, b) => meaning(a.name).rank - meaning(b.name).rank);
  }
  return [...options.map((option) => ({ name: option.name, option })), { name: null, option: null }];
}

/** Fraction 0..1 of a progress figure, whether it is kept as 0..100 or as a percentage of one. */
export function progressFraction(property, number) {
  if (typeof number !== "number") return null;
  const share = property.number?.format === "percent" ? number : number / 100;
  return Math.min(1, Math.max(0, share));
}

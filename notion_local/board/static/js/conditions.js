// What a person narrows a view by. A condition is { property, op, values }: it is sent to the server as a Notion filter,
// and judged here for the single row that changed, so that a live view needs no second query.

import { isEmpty, text } from "./values.js";

const CHOICE = new Set(["select", "status", "multi_select"]);
const TEXT = new Set(["title", "rich_text", "url", "email", "phone_number"]);

/** The comparisons offered for a property type, the usual one first. */
export function operators(type) {
  if (CHOICE.has(type)) return ["is", "is not", "is empty", "is not empty"];
  if (TEXT.has(type)) return ["contains", "is empty", "is not empty"];
  if (type === "number") return ["=", "≥", "≤", "is empty", "is not empty"];
  if (type === "checkbox") return ["checked", "unchecked"];
  if (type === "date") return ["on or after", "on or before", "is empty", "is not empty"];
  if (["relation", "people", "files"].includes(type)) return ["is empty", "is not empty"];
  return [];
}

export const takesValue = (op) => !["is empty", "is not empty", "checked", "unchecked"].includes(op);

const API_WORD = {
  contains: "contains",
  "=": "equals",
  "≥": "greater_than_or_equal_to",
  "≤": "less_than_or_equal_to",
  "on or after": "on_or_after",
  "on or before": "on_or_before",
};

function conditionFilter({ property, op, values }) {
  const on = (condition) => ({ property: property.id, [property.type]: condition });
  if (op === "is empty") return on({ is_empty: true });
  if (op === "is not empty") return on({ is_not_empty: true });
  if (op === "checked") return on({ equals: true });
  if (op === "unchecked") return on({ equals: false });
  const word = property.type === "multi_select" ? ["contains", "does_not_contain"] : ["equals", "does_not_equal"];
  if (op === "is") return { or: values.map((value) => on({ [word[0]]: value })) };
  if (op === "is not") return { and: values.map((value) => on({ [word[1]]: value })) };
  const value = property.type === "number" ? Number(values[0]) : values[0];
  return on({ [API_WORD[op]]: value });
}

/** A search in the words a person sees on a row: its title, and the first few text columns. */
function searchFilter(schema, words) {
  const fields = searched(schema);
  return { or: fields.map((property) => ({ property: property.id, [property.type]: { contains: words } })) };
}

/** The columns that a search looks into. */
export function searched(schema) {
  return schema.ordered.filter((property) => TEXT.has(property.type)).slice(0, 5);
}

/** The Notion filter for a search and conditions; undefined where nothing narrows. */
export function toFilter(schema, search, conditions) {
  const parts = complete(conditions).map(conditionFilter);
  if (search) parts.push(searchFilter(schema, search));
  return parts.length ? { and: parts } : undefined;
}

const complete = (conditions) =>
  conditions.filter(({ op, values }) => !takesValue(op) || values.some((value) => value !== ""));

/** The same judgement for one page, here. */
export function matches(schema, search, conditions, page) {
  const found = !search || searched(schema).some((property) => has(page.properties[property.name], search));
  return found && complete(conditions).every((condition) => holds(condition, page.properties[condition.property.name]));
}

const has = (value, words) => text(value).toLowerCase().includes(words.toLowerCase());

function holds({ op, values }, value) {
  if (op === "is empty") return isEmpty(value);
  if (op === "is not empty") return !isEmpty(value);
  if (op === "checked" || op === "unchecked") return Boolean(value?.checkbox) === (op === "checked");
  if (op === "contains") return has(value, values[0]);
  if (op === "is" || op === "is not") return chosen(value).some((name) => values.includes(name)) === (op === "is");
  return !isEmpty(value) && compare(op, text(value), values[0], value.type);
}

const chosen = (value) =>
  (value?.multi_select ?? [value?.status ?? value?.select]).filter(Boolean).map(({ name }) => name);

function compare(op, left, right, type) {
  const [a, b] = type === "number" ? [Number(left), Number(right)] : [left.slice(0, 10), right];
  if (op === "=") return a === b;
  return op === "≥" || op === "on or after" ? a >= b : a <= b;
}

// In the address: f=Status~is~Ready~Failed, one per condition.
const ESCAPES = { "%": "%25", "~": "%7E" };
const escaped = (part) => part.replace(/[%~]/g, (character) => ESCAPES[character]);

export const format = ({ property, op, values }) => [property.name, op, ...values].map(escaped).join("~");

export function parse(schema, textForm) {
  const [name, op, ...values] = textForm.split("~").map((part) => part.replaceAll("%7E", "~").replaceAll("%25", "%"));
  const property = schema.byName.get(name);
  return property && operators(property.type).includes(op) ? { property, op, values } : null;
}

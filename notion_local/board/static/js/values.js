// What a property's value means: as text, as emptiness, as a thing to compare and as a change to send.

import { textRuns } from "./api.js";

export const plain = (runs) => (runs ?? []).map((run) => run.plain_text ?? run.text?.content ?? "").join("");

/** The title of a page, whatever its title column is called. */
export function titleOf(page) {
  const title = Object.values(page.properties).find((value) => value.type === "title");
  return plain(title?.title).trim();
}

const NUMERIC_FORMATS = {
  percent: (number) => `${round(number * 100)}%`,
  dollar: (number) => `$${number.toLocaleString("en")}`,
  euro: (number) => `€${number.toLocaleString("en")}`,
  pound: (number) => `£${number.toLocaleString("en")}`,
};

const round = (number) => Number(number.toFixed(2));

export function numberText(number, format = "number") {
  if (number === null || number === undefined) return "";
  return (
    NUMERIC_FORMATS[format] ?? ((value) => (Number.isInteger(value) ? value : round(value)).toLocaleString("en"))
  )(number);
}

const AS_TEXT = {
  title: (value) => plain(value.title),
  rich_text: (value) => plain(value.rich_text),
  number: (value) => (value.number ?? "").toString(),
  select: (value) => value.select?.name ?? "",
  status: (value) => value.status?.name ?? "",
  multi_select: (value) => value.multi_select.map((option) => option.name).join(", "),
  checkbox: (value) => (value.checkbox ? "yes" : ""),
  url: (value) => value.url ?? "",
  email: (value) => value.email ?? "",
  phone_number: (value) => value.phone_number ?? "",
  date: (value) => value.date?.start ?? "",
  created_time: (value) => value.created_time,
  last_edited_time: (value) => value.last_edited_time,
  people: (value) => value.people.map((user) => user.name ?? "").join(", "),
  files: (value) => value.files.map((file) => file.name).join(", "),
  relation: (value) => value.relation.map((target) => target.id).join(","),
  unique_id: (value) => [value.unique_id?.prefix, value.unique_id?.number].filter((part) => part != null).join("-"),
  formula: (value) => String(value.formula?.[value.formula.type] ?? ""),
  rollup: (value) => rollupText(value.rollup),
};

function rollupText(rollup) {
  if (rollup?.type === "array") return rollup.array.map(text).filter(Boolean).join(", ");
  const inner = rollup?.[rollup.type];
  return inner?.start ?? (inner ?? "").toString();
}

export const text = (value) => (value && AS_TEXT[value.type] ? AS_TEXT[value.type](value) : "");
export const isEmpty = (value) => text(value) === "";

// A hosted file's address is signed afresh at each reading; the part before the signature is the file's own.
const filePrint = ({ name, type, ...rest }) => [name, type, rest[type]?.url?.split("?")[0]];

/** Equal in what a person can see. */
export function sameValue(a, b) {
  if (!a || !b) return a === b;
  if (a.type === "files") return JSON.stringify(a.files.map(filePrint)) === JSON.stringify(b.files.map(filePrint));
  return JSON.stringify(a[a.type]) === JSON.stringify(b[b.type]);
}

/** The properties in which two versions of a page differ. */
export function changedProperties(before, after) {
  return Object.keys(after.properties).filter((name) => !sameValue(before.properties[name], after.properties[name]));
}

/** Those of them that are worth a glance: every edit changes the time of the last one. */
export function newsIn(before, after) {
  const known = (name) => before.properties[name] !== undefined;
  return changedProperties(before, after).filter(
    (name) => known(name) && after.properties[name].type !== "last_edited_time",
  );
}

const option = (name) => (name === null ? null : { name });

const ENCODERS = {
  title: (input) => textRuns(input),
  rich_text: (input) => textRuns(input),
  number: (input) => input,
  select: option,
  status: option,
  multi_select: (names) => names.map((name) => ({ name })),
  checkbox: Boolean,
  url: (input) => input || null,
  email: (input) => input || null,
  phone_number: (input) => input || null,
  date: (input) => input,
  relation: (ids) => ids.map((id) => ({ id })),
  files: (files) => files,
};

export const isEditable = (type) => type in ENCODERS;

/** The value to send for an edited property. */
export const encode = (type, input) => ({ [type]: ENCODERS[type](input) });

/** The value as it will look once the server has taken it, shown while it is on its way. */
export function preview(property, payload) {
  const value = structuredClone(payload[property.type]);
  const known = property[property.type]?.options ?? [];
  const full = (given) => known.find((each) => each.name === given.name) ?? { ...given, color: "default" };
  const shown = {
    select: (given) => given && full(given),
    status: (given) => given && full(given),
    multi_select: (given) => given.map(full),
    title: (runs) => runs.map((run) => ({ ...run, plain_text: run.text.content })),
    rich_text: (runs) => runs.map((run) => ({ ...run, plain_text: run.text.content })),
  }[property.type];
  return { id: property.id, type: property.type, [property.type]: shown ? shown(value) : value };
}

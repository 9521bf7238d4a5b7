// How a value looks, in a table cell, on a card and in the panel. Reading only; changing is editors.js.

import { h, safeUrl, setVars } from "./dom.js";
import { icon } from "./icons.js";
import { link, richText } from "./richtext.js";
import { isRunning, progressFraction, toneOf } from "./schema.js";
import { calendar, full, timeElement } from "./time.js";
import { isEmpty, numberText } from "./values.js";

const WEEK = 7 * 24 * 3600 * 1000;

export function chip(option) {
  return h(`span.chip.tone-${toneOf(option)}`, {}, option.name);
}

export function statusPill(option) {
  const lamp = isRunning(option.name) ? equalizer() : h("i.dot");
  return h(`span.pill.tone-${toneOf(option)}`, {}, lamp, option.name);
}

/** Three bars that dance while something is being done. */
function equalizer() {
  return h("i.equalizer", { "aria-hidden": "true" }, h("b"), h("b"), h("b"));
}

/** Progress as a waveform that fills from the left. */
export function waveProgress(fraction, tone = "blue") {
  const percent = Math.round(fraction * 100);
  const bar = h(
    `span.wave.tone-${tone}`,
    {
      role: "progressbar",
      "aria-valuenow": percent,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-label": "Progress",
    },
    h("i"),
  );
  setVars(bar, { done: `${percent}%` });
  return h("span.progress", {}, bar, h("span.percent", {}, `${percent}%`));
}

/** The colour of a row's work: its status where there is one. */
export function rowTone(schema, page) {
  const value = schema.roles.status && page.properties[schema.roles.status.name];
  const option = value?.status ?? value?.select;
  return option ? toneOf(option) : "default";
}

const DISPLAYS = {
  title: (value) => [
    h("span.title", {}, richText(value.title).length ? richText(value.title) : h("span.untitled", {}, "Untitled")),
  ],
  rich_text: (value, { open }) => richText(value.rich_text, open),
  status: (value) => (value.status ? [statusPill(value.status)] : []),
  select: (value) => (value.select ? [chip(value.select)] : []),
  multi_select: (value) => value.multi_select.map(chip),
  checkbox: (value) => [
    h("span.tick", { dataset: { on: String(value.checkbox) } }, value.checkbox ? icon("check") : null),
  ],
  url: (value) => (value.url ? [shortLink(value.url)] : []),
  email: (value) => (value.email ? [shortLink(`mailto:${value.email}`, value.email)] : []),
  phone_number: (value) => [value.phone_number],
  date: (value) => (value.date ? [dateText(value.date)] : []),
  created_time: (value) => [timeElement(value.created_time)],
  last_edited_time: (value) => [timeElement(value.last_edited_time)],
  created_by: (value, { names }) => [person(value.created_by, names)],
  last_edited_by: (value, { names }) => [person(value.last_edited_by, names)],
  people: (value, { names }) => value.people.map((user) => person(user, names)),
  relation: (value, services) => [
    ...value.relation.map((target) => pageChip(target.id, services)),
    value.has_more ? "…" : null,
  ],
  files: (value) => value.files.map(fileChip),
  unique_id: (value) => [
    h("span.code", {}, [value.unique_id?.prefix, value.unique_id?.number].filter((part) => part != null).join("-")),
  ],
  formula: (value) => [formulaText(value.formula)],
  rollup: (value, services) => rollup(value.rollup, services),
  button: () => [],
};

/**
 * The elements that show a value. `services` is { names, open, schema }; nothing is returned for an empty value.
 */
export function display(property, value, services, page) {
  if (!value || (isEmpty(value) && !["title", "checkbox"].includes(value.type))) return [];
  if (value.type === "number") return [numeric(property, value.number, services.schema, page)];
  return (DISPLAYS[value.type] ?? (() => [h("span.faint", {}, value.type)]))(value, services);
}

function numeric(property, number, schema, page) {
  if (schema && property === schema.roles.progress) {
    return waveProgress(progressFraction(property, number), rowTone(schema, page));
  }
  const isDuration = /\((s|seconds)\)$/.test(property.name);
  const words = isDuration ? clock(number) : numberText(number, property.number?.format);
  return h("span.number", { title: isDuration ? `${number} s` : null }, words);
}

/** Seconds as a player shows them: 3:07, 1:02:09. */
function clock(seconds) {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

function dateText({ start, end }) {
  const moment = start.includes("T");
  const near = moment && Math.abs(Date.now() - new Date(start).getTime()) < WEEK;
  const first = near && !end ? timeElement(start) : h("span.date", { title: full(start) }, calendar(start));
  return end ? h("span.date", {}, calendar(start), " → ", calendar(end)) : first;
}

function shortLink(address, words) {
  const href = safeUrl(address);
  return href ? link(href, words ?? readable(address)) : document.createTextNode(address);
}

/** An address as one says it: no scheme, no www, no %20. */
function readable(address) {
  const short = address.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
  try {
    return decodeURI(short);
  } catch {
    return short; // not every percent sign is an escape
  }
}

function person(user, names) {
  const label = h("span", {}, user?.name ?? "…");
  const avatar = h("i.avatar", { "aria-hidden": "true" }, initials(user?.name));
  if (user && !user.name)
    names.user(user).then((name) => ((label.textContent = name ?? "Someone"), (avatar.textContent = initials(name))));
  return h("span.person", {}, avatar, label);
}

const initials = (name) =>
  (name ?? "")
    .split(/\s+/)
    .map((part) => [...part][0] ?? "")
    .slice(0, 2)
    .join("")
    .toUpperCase();

/** A linked row, by its name. */
export function pageChip(id, { names, open }) {
  const label = h("span", {}, "…");
  const element = h("a.page-chip", { href: `#row-${id}`, onclick: follow }, icon("page"), label);
  function follow(event) {
    event.preventDefault();
    event.stopPropagation();
    open(id);
  }
  names.page(id).then((title) => {
    label.textContent = title === null ? "not available" : title || "Untitled";
    element.classList.toggle("faint", title === null);
  });
  return element;
}

/** Where a file can be had: uploaded ones by an address that expires, which is why it is read afresh each time. */
export const fileUrl = (file) => file[file.type]?.url ?? "";
export const looksLikePicture = (name) => /\.(png|jpe?g|gif|webp|svg|avif)$/i.test(name.split("?")[0]);

function fileChip(file) {
  const href = safeUrl(fileUrl(file));
  const body =
    looksLikePicture(file.name) && href
      ? h("img.thumb", { src: href, alt: file.name, loading: "lazy" })
      : [icon("files"), file.name];
  return href
    ? h(
        "a.file-chip",
        { href, target: "_blank", rel: "noopener noreferrer", onclick: (event) => event.stopPropagation() },
        body,
      )
    : h("span.file-chip", {}, body);
}

function formulaText(formula) {
  const value = formula?.[formula.type];
  if (formula?.type === "number") return numberText(value);
  if (formula?.type === "date") return value ? calendar(value.start) : "";
  return formula?.type === "boolean" ? (value ? "yes" : "no") : (value ?? "");
}

function rollup(value, services) {
  if (value.type === "array")
    return value.array.flatMap((item) => display({ name: "", type: item.type }, item, services));
  return [value.type === "date" ? dateText(value.date) : numberText(value.number)];
}

// A row as a card: what it is, how far it is, what it waits for.

import { display, rowTone, waveProgress } from "./cells.js";
import { h } from "./dom.js";
import { isRunning, progressFraction, toneOf } from "./schema.js";
import { timeElement } from "./time.js";
import { isEmpty, text, titleOf } from "./values.js";

const FACTS = 4;

export function drawCard(page, { view, services }) {
  const { schema } = view;
  const value = (property) => property && page.properties[property.name];
  const status = text(value(schema.roles.status));
  const progress = progressFraction(schema.roles.progress, value(schema.roles.progress)?.number);
  const underWay = isRunning(status);
  return h(
    `article.card.tone-${rowTone(schema, page)}`,
    {
      tabindex: "0",
      draggable: "true",
      dataset: { id: page.id },
      "aria-label": titleOf(page) || "Untitled",
    },
    labels(page, view, services),
    h("h3", {}, titleOf(page) || h("span.untitled", {}, "Untitled")),
    facts(page, view, services),
    (underWay || (progress > 0 && progress < 1)) && progress !== null && waveProgress(progress, rowTone(schema, page)),
    note(schema, page, status, underWay),
    h("footer", {}, timeElement(page.last_edited_time), underWay && by(page)),
  );
}

/** Task type and priority, the two words one sorts a pile by. */
function labels(page, view, services) {
  const { taskType, priority } = view.schema.roles;
  const shown = [taskType, priority].filter(
    (property) => property && property !== view.group && !isEmpty(page.properties[property.name]),
  );
  return shown.length
    ? h(
        "div.labels",
        {},
        shown.map((property) => display(property, page.properties[property.name], services, page)),
      )
    : null;
}

function facts(page, view, services) {
  const { roles, title } = view.schema;
  const elsewhere = new Set([title, view.group, ...Object.values(roles)]);
  const shown = view.columns
    .map((name) => view.schema.byName.get(name))
    .filter((property) => property && !elsewhere.has(property) && worthShowing(page.properties[property.name]))
    .slice(0, FACTS);
  return shown.length
    ? h(
        "dl.facts",
        {},
        shown.map((property) =>
          h(
            "div",
            {},
            h("dt", {}, property.name.replace(/ \(.*\)$/, "")),
            h("dd", {}, display(property, page.properties[property.name], services, page)),
          ),
        ),
      )
    : null;
}

const OFF_CARD = new Set(["created_time", "last_edited_time", "relation", "checkbox"]);
const worthShowing = (value) => value && !isEmpty(value) && !OFF_CARD.has(value.type);

/** The one sentence that matters now: the step while it runs, the question while it waits, the error, the result. */
function note(schema, page, status, underWay) {
  const { roles } = schema;
  const words = (role) => (roles[role] ? text(page.properties[roles[role].name]) : "");
  const tone = status ? toneOf({ name: status }) : "default";
  if (underWay) return saying("step", words("step"));
  if (tone === "orange" || tone === "red") {
    const sentence = words("question") || words("error");
    return saying(words("question") ? "asks" : "fails", sentence);
  }
  return ["green", "yellow"].includes(tone) ? saying("result", words("result")) : null;
}

const saying = (kind, sentence) => (sentence ? h(`p.note.${kind}`, {}, h("span", {}, sentence)) : null);

function by(page) {
  const worker = page.properties.Worker && text(page.properties.Worker);
  return worker ? h("span.worker", {}, worker) : null;
}

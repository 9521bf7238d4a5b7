// A new row: its title, and for a task at once what is to be done with which link.

import * as api from "./api.js";
import { h } from "./dom.js";
import { chip, statusPill } from "./cells.js";
import { icon } from "./icons.js";
import { openPicker } from "./picker.js";
import { optionsOf } from "./schema.js";
import { encode } from "./values.js";

// The word for "do this now", where a database has it; without it the database's own first word stands.
const READY = "Ready";

/**
 * Ask for a new row of `schema`; `preset` maps property names to values (a lane's status). `onCreated(page, { open })`.
 */
export function askForRow(schema, preset, { onCreated, report }) {
  const { roles, title } = schema;
  const chosen = new Map();
  const asked = [roles.taskType, roles.status, roles.priority].filter(
    (property) => property && ["select", "status"].includes(property.type),
  );
  for (const property of asked) chosen.set(property, preset[property.name] ?? opening(property));
  for (const [name, value] of Object.entries(preset))
    if (schema.byName.has(name)) chosen.set(schema.byName.get(name), value);

  const name = h("textarea.create-title", {
    rows: 1,
    placeholder: roles.taskType ? "What should be done?" : "Untitled",
    "aria-label": title.name,
  });
  const linkField =
    roles.link &&
    h(
      "label.create-link",
      {},
      icon("link"),
      h("input", {
        type: "url",
        placeholder: "Link: a track or an audio file…",
        "aria-label": roles.link.name,
      }),
    );
  const chips = h(
    "div.create-chips",
    {},
    [...chosen.keys()].map((property) => choiceButton(property, chosen)),
  );
  const problem = h("p.problem", { role: "alert" });
  const dialog = h(
    "dialog.create",
    { "aria-label": "New row" },
    h(
      "form",
      { method: "dialog" },
      h(
        "header",
        {},
        `New in ${schema.name}`,
        h(
          "button.quiet.icon-only",
          { type: "button", "aria-label": "Close", onclick: () => dialog.close() },
          icon("close"),
        ),
      ),
      name,
      linkField,
      chips,
      problem,
      h(
        "footer",
        {},
        h("button.quiet", { type: "button", onclick: () => submit(true) }, "Create and open"),
        h("button.primary", { type: "submit" }, "Create", h("kbd", {}, "↵")),
      ),
    ),
  );

  const properties = () => {
    const written = { [title.id]: encode("title", name.value.trim()) };
    const address = linkField?.querySelector("input").value.trim();
    if (address) written[roles.link.id] = encode(roles.link.type, address);
    for (const [property, value] of chosen) if (value !== null) written[property.id] = encode(property.type, value);
    return written;
  };
  const submit = async (open) => {
    dialog.classList.add("busy");
    try {
      const page = await api.createPage(schema.source.id, properties());
      dialog.close();
      onCreated(page, { open });
    } catch (error) {
      dialog.classList.remove("busy");
      problem.textContent = error.message;
      if (!(error instanceof api.ApiError)) report(error);
    }
  };
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(false);
  });
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    submit(false);
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  name.focus();
}

const opening = (property) =>
  (property.type === "status" || property.name === "Status") &&
  optionsOf(property).some((option) => option.name === READY)
    ? READY
    : null;

function choiceButton(property, chosen) {
  const button = h("button.choice", {
    type: "button",
    onclick: () =>
      openPicker(button, {
        items: optionsOf(property).map((option) => ({
          value: option.name,
          label: option.name,
          node: look(property, option),
          checked: chosen.get(property) === option.name,
        })),
        placeholder: property.name,
        onpick: (value) => {
          chosen.set(property, value);
          draw();
        },
      }),
  });
  const draw = () => {
    const option = optionsOf(property).find((each) => each.name === chosen.get(property));
    button.replaceChildren(...(option ? [look(property, option)] : [icon(property.type), property.name]));
  };
  draw();
  return button;
}

const look = (property, option) => (property.type === "status" ? statusPill(option) : chip(option));

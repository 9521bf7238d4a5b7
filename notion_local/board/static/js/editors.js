// Changing a value in place: one small surface per property type, all with the same ending: `save(input)` once, or not.

import * as api from "./api.js";
import { chip, fileUrl, statusPill } from "./cells.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { openPicker } from "./picker.js";
import { openPopover } from "./popover.js";
import { optionsOf, schemaOf } from "./schema.js";
import { isEditable, text, titleOf } from "./values.js";

const LONG = new Set(["title", "rich_text"]);

/** Whether a click on this property does anything. */
export const canEdit = (property) => isEditable(property.type);

/**
 * Open the editor of a property of a page at `anchor`. `save(input)` takes what `encode` in values.js takes.
 */
export async function openEditor(anchor, { page, property, save }) {
  const opener = OPENERS[property.type] ?? editText;
  opener(anchor, { property, value: await whole(page, property), save });
}

// A page shows the first 25 links and runs of a value. Writing it back without the others would delete them.
const SHOWN_OF_LONG_VALUES = 25;

async function whole(page, property) {
  const { type } = property;
  const value = page.properties[property.name];
  const isCut = ["relation", "rich_text", "title"].includes(type) && value?.[type].length >= SHOWN_OF_LONG_VALUES;
  if (!isCut) return value;
  const items = await api.listPropertyItems(page.id, property.id);
  return { ...value, [type]: items.map((item) => item[type]) };
}

const OPENERS = {
  checkbox: (_anchor, { value, save }) => save(!value?.checkbox),
  select: editChoice,
  status: editChoice,
  multi_select: editChoices,
  date: editDate,
  relation: editRelation,
  files: editFiles,
};

function editText(anchor, { property, value, save }) {
  const before = text(value);
  const field = LONG.has(property.type)
    ? h("textarea.edit-text", { rows: 1, "aria-label": property.name }, before)
    : h("input.edit-text", { type: inputType(property.type), step: "any", value: before, "aria-label": property.name });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    close();
  });
  const close = openPopover(anchor, field, {
    over: true,
    label: `Edit ${property.name}`,
    className: "edit",
    onclose: ({ cancelled }) => !cancelled && field.value !== before && save(readText(property.type, field)),
  });
  field.focus();
  field.select();
}

const inputType = (type) => ({ number: "number", url: "url", email: "email", phone_number: "tel" })[type] ?? "text";
const readText = (type, field) => (type === "number" ? (field.value === "" ? null : Number(field.value)) : field.value);

function optionItems(property, current) {
  const show = property.type === "status" ? statusPill : chip;
  return optionsOf(property).map((option) => ({
    value: option.name,
    label: option.name,
    node: show(option),
    checked: current.includes(option.name),
  }));
}

function editChoice(anchor, { property, value, save }) {
  const current = value?.[property.type]?.name ?? null;
  const clear =
    current && property.type === "select" ? [{ value: null, label: "Clear", node: h("span.faint", {}, "Clear") }] : [];
  openPicker(anchor, {
    items: [...optionItems(property, [current]), ...clear],
    label: property.name,
    // Notion makes new select options from what is written; a status vocabulary is fixed.
    create: property.type === "select",
    onpick: (name) => name !== current && save(name),
  });
}

function editChoices(anchor, { property, value, save }) {
  const chosen = new Set((value?.multi_select ?? []).map((option) => option.name));
  const before = [...chosen].join();
  openPicker(anchor, {
    items: optionItems(property, []),
    label: property.name,
    multi: true,
    create: true,
    isChecked: (name) => chosen.has(name),
    onpick: (name) => (chosen.has(name) ? chosen.delete(name) : chosen.add(name)),
    onclose: () => [...chosen].join() !== before && save([...chosen]),
  });
}

function editDate(anchor, { property, value, save }) {
  const before = JSON.stringify(value?.date ?? null);
  const start = momentFields("Start", value?.date?.start);
  const end = momentFields("End", value?.date?.end);
  const read = () => (start.read() ? { start: start.read(), end: end.read() } : null);
  const today = h("button.quiet", { type: "button", onclick: () => start.set(new Date()) }, "Today");
  const clear = h("button.quiet", { type: "button", onclick: () => (start.clear(), end.clear()) }, "Clear");
  const done = h("button.primary", { type: "button", onclick: () => close() }, "Done");
  const body = h("div.edit-date", {}, start.element, end.element, h("div.actions", {}, today, clear, done));
  body.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("input") && close());
  const close = openPopover(anchor, body, {
    label: property.name,
    onclose: ({ cancelled }) => !cancelled && !sameDate(JSON.parse(before), read()) && save(read()),
  });
  start.element.querySelector("input").focus();
}

const sameDate = (a, b) => (a?.start ?? null) === (b?.start ?? null) && (a?.end ?? null) === (b?.end ?? null);

/** A day, and an hour where one is wanted. A value that was not touched is read back exactly as it was given. */
function momentFields(label, given) {
  const day = h("input", { type: "date", "aria-label": `${label} date` });
  const hour = h("input", { type: "time", "aria-label": `${label} time` });
  const show = (date, withHour) => {
    day.value = localDay(date);
    hour.value = withHour ? localHour(date) : "";
  };
  if (given) show(given.includes("T") ? new Date(given) : new Date(`${given}T00:00`), given.includes("T"));
  const opening = day.value + hour.value;
  const read = () => {
    if (!day.value) return null;
    if (given && day.value + hour.value === opening) return given;
    return hour.value ? new Date(`${day.value}T${hour.value}`).toISOString() : day.value;
  };
  return {
    element: h("label.moment", {}, h("span", {}, label), day, hour),
    read,
    set: (date) => show(date, false),
    clear: () => ((day.value = ""), (hour.value = "")),
  };
}

const two = (number) => String(number).padStart(2, "0");
const localDay = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const localHour = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

function editRelation(anchor, { property, value, save }) {
  const chosen = new Set((value?.relation ?? []).map((target) => target.id));
  const before = [...chosen].join();
  openPicker(anchor, {
    items: relationSearch(property, chosen),
    label: property.name,
    placeholder: "Find a row",
    multi: true,
    isChecked: (id) => chosen.has(id),
    onpick: (id) => (chosen.has(id) ? chosen.delete(id) : chosen.add(id)),
    onclose: () => [...chosen].join() !== before && save([...chosen]),
  });
}

function relationSearch(property, chosen) {
  const sourceId = property.relation.data_source_id;
  const titleColumn = api.getSource(sourceId).then((source) => schemaOf(source).title);
  const asItem = (page) => ({
    value: page.id,
    label: titleOf(page) || "Untitled",
    node: h("span", {}, icon("page"), titleOf(page) || "Untitled"),
  });
  return async (typed) => {
    const title = await titleColumn;
    const filter = typed ? { property: title.id, title: { contains: typed } } : undefined;
    const found = await api.queryRows(sourceId, { filter, size: 20, properties: [title.id] });
    const missing = typed ? [] : [...chosen].filter((id) => !found.results.some((page) => page.id === id));
    const linked = await Promise.all(missing.map((id) => api.getPage(id)));
    return [...linked, ...found.results].map(asItem);
  };
}

function editFiles(anchor, { property, value, save }) {
  let files = (value?.files ?? []).map(({ name, type, ...rest }) => ({ name, type, [type]: rest[type] }));
  const list = h("ul.edit-files");
  const chooser = h("input", { type: "file", multiple: true, hidden: true });
  const address = h("input", { type: "url", placeholder: "or paste an address", "aria-label": "File address" });
  const note = h("p.faint", { role: "status" });

  const keep = (next) => {
    files = next;
    draw();
    save(files);
  };
  const draw = () =>
    fill(
      list,
      files.map((file) =>
        h(
          "li",
          {},
          icon("files"),
          h("span", { title: fileUrl(file) }, file.name),
          h(
            "button.quiet",
            {
              type: "button",
              "aria-label": `Remove ${file.name}`,
              onclick: () => keep(files.filter((each) => each !== file)),
            },
            icon("close"),
          ),
        ),
      ),
    );

  chooser.addEventListener("change", async () => {
    note.textContent = "Uploading…";
    try {
      const added = [];
      for (const file of chooser.files)
        added.push({ name: file.name, type: "file_upload", file_upload: { id: await api.uploadFile(file) } });
      keep([...files, ...added]);
      note.textContent = "";
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      note.textContent = error.message;
    }
  });
  address.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !address.checkValidity() || !address.value) return;
    const name = decodeURIComponent(new URL(address.value).pathname.split("/").pop()) || address.value;
    keep([...files, { name, type: "external", external: { url: address.value } }]);
    address.value = "";
  });
  draw();
  const upload = h("button.quiet", { type: "button", onclick: () => chooser.click() }, icon("plus"), "Upload a file");
  openPopover(anchor, h("div.edit-file", {}, list, chooser, upload, address, note), { label: property.name });
  upload.focus();
}

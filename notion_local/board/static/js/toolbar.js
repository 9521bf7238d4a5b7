// Above the rows: which view, searched for what, filtered, sorted, grouped and with which columns.

import { operators, takesValue } from "./conditions.js";
import { debounce, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { openPicker } from "./picker.js";
import { openPopover } from "./popover.js";
import { groupable, optionsOf } from "./schema.js";

/**
 * Draw the toolbar. `state` is { schema, view, search, conditions, sort, group, columns }; every choice is told by
 * `on.view(name)`, `on.search(text)`, `on.conditions(list)`, `on.sort(property, direction | null)`, `on.group(property)`,
 * `on.columns(names | null)`.
 */
export function drawToolbar(element, state, on) {
  const keepsFocus = element.contains(document.activeElement) && document.activeElement.matches("input");
  if (keepsFocus) return fill(element.querySelector(".pills"), pills(state, on));
  return fill(
    element,
    tabs(state, on),
    searchBox(state, on),
    h("div.pills", {}, pills(state, on)),
    h("div.choices", {}, choices(state, on)),
  );
}

function tabs({ view, schema }, on) {
  const tab = (name, label) =>
    h(
      "button",
      { role: "tab", "aria-selected": String(view === name), onclick: () => on.view(name) },
      icon(name),
      label,
    );
  return h(
    "div.tabs",
    { role: "tablist", "aria-label": "View" },
    groupable(schema).length ? tab("board", "Board") : null,
    tab("table", "Table"),
  );
}

function searchBox({ search }, on) {
  const input = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search rows",
    value: search,
    id: "search",
  });
  input.addEventListener(
    "input",
    debounce(200, () => on.search(input.value.trim())),
  );
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (!input.value) input.blur();
    input.value = "";
    on.search("");
  });
  return h("label.search", {}, icon("search"), input, h("kbd", {}, "/"));
}

function pills({ conditions }, on) {
  const without = (index) => conditions.filter((_, at) => at !== index);
  return conditions.map((condition, index) =>
    h(
      "span.pill-filter",
      {},
      h(
        "button",
        {
          onclick: (event) =>
            editValues(event.currentTarget, condition, (changed) => on.conditions(conditions.with(index, changed))),
        },
        `${condition.property.name} ${condition.op} `,
        h("b", {}, condition.values.join(", ")),
      ),
      h(
        "button.icon-only",
        { "aria-label": "Remove filter", onclick: () => on.conditions(without(index)) },
        icon("close"),
      ),
    ),
  );
}

function choices(state, on) {
  const { schema, view, conditions, sort, group } = state;
  const button = (name, label, open) =>
    h(
      "button.quiet",
      { onclick: (event) => open(event.currentTarget), title: label },
      icon(name),
      h("span", {}, label),
    );
  const sorted = sort && schema.ordered.find((property) => property.id === sort.property);
  return [
    button("filter", "Filter", (anchor) =>
      addFilter(anchor, schema, (condition) => on.conditions([...conditions, condition])),
    ),
    button("sort", sorted ? `${sorted.name} ${sort.direction === "ascending" ? "↑" : "↓"}` : "Sort", (anchor) =>
      pickSort(anchor, state, on),
    ),
    view === "board" &&
      groupable(schema).length > 1 &&
      button("group", group.name, (anchor) => pickGroup(anchor, state, on)),
    button("columns", "Columns", (anchor) => pickColumns(anchor, state, on)),
  ];
}

const propertyItem = (property, checked = false) => ({
  value: property,
  label: property.name,
  node: h("span", {}, icon(property.type), property.name),
  checked,
});

function addFilter(anchor, schema, done) {
  openPicker(anchor, {
    items: schema.ordered
      .filter((property) => operators(property.type).length)
      .map((property) => propertyItem(property)),
    placeholder: "Filter by…",
    onpick: (property) => setTimeout(() => pickOperator(anchor, property, done)),
  });
}

function pickOperator(anchor, property, done) {
  const next = (op) =>
    takesValue(op) ? editValues(anchor, { property, op, values: [] }, done) : done({ property, op, values: [] });
  openPicker(anchor, {
    items: operators(property.type).map((op) => ({
      value: op,
      label: op,
      node: h("span", {}, `${property.name} `, h("b", {}, op)),
    })),
    placeholder: property.name,
    onpick: (op) => setTimeout(() => next(op)),
  });
}

function editValues(anchor, condition, done) {
  const { property, op, values } = condition;
  if (!takesValue(op)) return;
  if (optionsOf(property).length) return editOptions(anchor, condition, done);
  const type = { number: "number", date: "date" }[property.type] ?? "text";
  const input = h("input.edit-text", {
    type,
    step: "any",
    value: values[0] ?? "",
    placeholder: `${property.name} ${op}`,
    "aria-label": `${property.name} ${op}`,
  });
  input.addEventListener("keydown", (event) => event.key === "Enter" && close());
  const close = openPopover(anchor, input, {
    label: property.name,
    className: "edit",
    onclose: ({ cancelled }) => !cancelled && input.value && done({ property, op, values: [input.value] }),
  });
  input.focus();
}

function editOptions(anchor, { property, op, values }, done) {
  const chosen = new Set(values);
  openPicker(anchor, {
    items: optionsOf(property).map(({ name }) => ({ value: name, label: name })),
    placeholder: `${property.name} ${op}`,
    multi: true,
    isChecked: (name) => chosen.has(name),
    onpick: (name) => (chosen.has(name) ? chosen.delete(name) : chosen.add(name)),
    onclose: () => chosen.size && done({ property, op, values: [...chosen] }),
  });
}

function pickSort(anchor, { schema, sort }, on) {
  const plain = [{ value: null, label: "Newest first", checked: !sort }];
  openPicker(anchor, {
    items: [...plain, ...schema.ordered.map((property) => propertyItem(property, property.id === sort?.property))],
    placeholder: "Sort by…",
    onpick: (property) => on.sort(property),
  });
}

function pickGroup(anchor, { schema, group }, on) {
  openPicker(anchor, {
    items: groupable(schema).map((property) => propertyItem(property, property === group)),
    placeholder: "Group by…",
    onpick: on.group,
  });
}

function pickColumns(anchor, { schema, columns }, on) {
  const chosen = new Set(columns);
  const before = [...chosen].join();
  const toggle = ({ name }) =>
    name !== schema.title.name && (chosen.has(name) ? chosen.delete(name) : chosen.add(name));
  openPicker(anchor, {
    items: schema.ordered.map((property) => propertyItem(property)),
    placeholder: "Show columns…",
    multi: true,
    isChecked: ({ name }) => chosen.has(name),
    onpick: toggle,
    onclose: () => [...chosen].join() !== before && on.columns([...chosen]),
  });
}

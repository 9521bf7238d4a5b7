// Choosing from a list by typing or pointing: options, columns, linked rows, commands.

import { fill, h, debounce } from "./dom.js";
import { icon } from "./icons.js";
import { openPopover } from "./popover.js";

/**
 * Open a picker at `anchor`.
 *
 * `items` is a list of { value, label, node?, hint?, checked? }, or a function of the typed text that resolves to one.
 * `onpick(value)` hears each choice; with `multi` the picker stays open and `checked` is asked of `isChecked(value)`.
 * `create(text)` offers to take what was typed as a new value.
 */
export function openPicker(
  anchor,
  { items, onpick, multi = false, isChecked, create, placeholder = "Search", label, onclose },
) {
  const input = h("input", {
    type: "text",
    placeholder,
    "aria-label": placeholder,
    autocomplete: "off",
    spellcheck: "false",
  });
  const list = h("ul.options", { role: "listbox", "aria-label": label ?? placeholder });
  const search = typeof items === "function" ? items : localSearch(items);
  let shown = [];
  let active = 0;
  let generation = 0;

  const draw = () => {
    fill(list, shown.length ? shown.map(optionElement) : h("li.none", {}, "Nothing found"));
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const optionElement = (item, index) => {
    const checked = isChecked ? isChecked(item.value) : item.checked;
    const li = h("li", { role: "option", "aria-selected": String(index === active) }, item.node ?? item.label);
    if (item.hint) li.append(h("span.hint", {}, item.hint));
    if (checked) li.append(icon("check"));
    li.addEventListener("pointermove", () => activate(index));
    li.addEventListener("click", () => pick(item));
    return li;
  };
  const activate = (index) => {
    if (index === active) return;
    list.children[active]?.setAttribute("aria-selected", "false");
    active = index;
    list.children[active]?.setAttribute("aria-selected", "true");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const refresh = async () => {
    const mine = (generation += 1);
    const typed = input.value.trim();
    const found = await search(typed);
    if (mine !== generation) return;
    const fresh = create && typed && !found.some((item) => item.label.toLowerCase() === typed.toLowerCase());
    shown = fresh
      ? [...found, { value: typed, label: typed, node: h("span", {}, "Create ", h("b", {}, typed)) }]
      : found;
    active = Math.min(active, Math.max(0, shown.length - 1));
    draw();
  };
  const pick = (item) => {
    onpick(item.value);
    if (!multi) return close();
    input.value = "";
    input.focus();
    refresh();
  };

  const keys = {
    ArrowDown: () => activate(Math.min(active + 1, shown.length - 1)),
    ArrowUp: () => activate(Math.max(active - 1, 0)),
    Enter: () => shown[active] && pick(shown[active]),
  };
  input.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.isComposing) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener("input", typeof items === "function" ? debounce(150, refresh) : refresh);

  const close = openPopover(anchor, [h("div.picker-search", {}, input), list], {
    label: label ?? placeholder,
    className: "picker",
    onclose,
  });
  const selected = Array.isArray(items) ? items.findIndex((item) => item.checked) : -1;
  active = Math.max(0, selected);
  refresh();
  input.focus();
  return close;
}

function localSearch(items) {
  return (typed) => items.filter((item) => item.label.toLowerCase().includes(typed.toLowerCase()));
}

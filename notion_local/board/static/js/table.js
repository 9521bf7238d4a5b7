// The table view. Rows have one height, so that only those in sight exist as elements: 5,000 rows scroll like 50.

import { display } from "./cells.js";
import { fill, h, reconcile, setVars } from "./dom.js";
import { canEdit, openEditor } from "./editors.js";
import { icon } from "./icons.js";
import { RowList } from "./rows.js";
import { changedProperties, newsIn } from "./values.js";
import { emptyView } from "./empty.js";

const ROW_HEIGHT = 38;
const OVERSCAN = 10;
const WIDEST_FOR_ITS_NAME = 230;
const WIDTHS = {
  title: 340,
  rich_text: 240,
  number: 120,
  select: 150,
  status: 160,
  multi_select: 190,
  checkbox: 110,
  url: 210,
  date: 170,
  relation: 220,
  people: 150,
  files: 190,
  created_time: 130,
  last_edited_time: 130,
};

/**
 * Draw rows as a table into `container`.
 *
 * `view` is { schema, columns, query, accepts(page), sort, onSort(property) }, `services` what cells and editors need:
 * { pages, names, open(id), edit(id, property, input), schema, create() }.
 */
export function createTable(container, view, services) {
  const rows = new RowList(services.pages, view.query);
  const elements = new Map();
  const columns = view.columns.map((name) => view.schema.byName.get(name)).filter(Boolean);
  const head = h("div.thead", { role: "row" }, columns.map(header));
  const body = h("div.tbody", { role: "rowgroup" });
  const foot = h("div.tfoot", { role: "status" });
  const grid = h("div.table", { role: "grid", "aria-label": "Rows" }, head, body, foot);
  const scroller = h("div.scroller", {}, grid);
  setVars(grid, { columns: columns.map((column) => `${width(column)}px`).join(" ") + " 1fr" });
  fill(container, scroller);

  function width(column) {
    const usual = services.schema.roles.progress === column ? 170 : (WIDTHS[column.type] ?? 160);
    const named = 56 + 7.4 * column.name.length;
    return Math.round(Math.max(usual, Math.min(named, WIDEST_FOR_ITS_NAME)));
  }

  function header(column) {
    const sorted = view.sort?.property === column.id ? view.sort.direction : null;
    const label = [
      icon(column.type),
      h("span", {}, column.name),
      sorted && icon(sorted === "ascending" ? "up" : "down"),
    ];
    const ranged = column === services.schema.roles.progress ? "" : `.type-${column.type}`;
    return h(
      `div.th${ranged}`,
      { role: "columnheader", "aria-sort": sorted ?? "none" },
      h("button", { title: `Sort by ${column.name}`, onclick: () => view.onSort(column) }, label),
    );
  }

  function draw() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW_HEIGHT) - OVERSCAN);
    const count = Math.ceil(scroller.clientHeight / ROW_HEIGHT) + 2 * OVERSCAN;
    const visible = rows.ids.slice(first, first + count);
    const wanted = visible.map((id, offset) => placed(id, first + offset));
    const inUse = new Set(visible);
    for (const id of elements.keys()) if (!inUse.has(id)) elements.delete(id);
    body.style.height = `${rows.ids.length * ROW_HEIGHT}px`;
    reconcile(body, wanted);
    if (rows.hasMore && first + count >= rows.ids.length) load();
  }

  function placed(id, index) {
    const element = elements.get(id) ?? drawRow(id);
    elements.set(id, element);
    element.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
    element.setAttribute("aria-rowindex", String(index + 2));
    return element;
  }

  function drawRow(id) {
    const page = services.pages.get(id);
    const row = h("div.tr", { role: "row", tabindex: "0", dataset: { id } });
    fillRow(row, page);
    return row;
  }

  function fillRow(row, page) {
    fill(
      row,
      columns.map((column) => cell(column, page)),
    );
    row.classList.toggle("open", services.isOpen(page.id));
  }

  function cell(column, page) {
    const value = page.properties[column.name];
    const element = h(
      `div.td.type-${column.type}`,
      { role: "gridcell", dataset: { column: column.name } },
      display(column, value, services, page),
    );
    if (column === view.schema.title) element.addEventListener("click", () => services.open(page.id));
    else if (canEdit(column)) element.addEventListener("click", () => change(column, page.id, element));
    return element;
  }

  function change(column, id, element) {
    const page = services.pages.get(id);
    openEditor(element, { page, property: column, save: (input) => services.edit(id, column, input) }).catch(
      services.report,
    );
  }

  async function load() {
    try {
      await rows.more();
    } catch (error) {
      services.report(error);
      fill(foot, h("button.quiet", { onclick: load }, "Could not load. Try again"));
      return;
    }
    if (!scroller.isConnected) return;
    describe();
    draw();
  }

  function describe() {
    const count = rows.ids.length.toLocaleString("en");
    fill(
      foot,
      rows.hasMore ? `${count} rows so far, more as you scroll` : `${count} ${rows.ids.length === 1 ? "row" : "rows"}`,
    );
    const empty = !rows.ids.length && !rows.hasMore;
    grid.classList.toggle("is-empty", empty);
    scroller.querySelector(".empty")?.remove();
    if (empty) scroller.append(emptyView(view, services));
  }

  /** One row changed, came or went. */
  function apply({ id, page, before, own }) {
    const belongs = page && view.accepts(page);
    if (!belongs) rows.remove(id);
    else if (rows.has(id)) return refresh(id, page, before, own);
    else rows.insert(page);
    describe();
    draw();
    if (belongs && !before && !own) elements.get(id)?.classList.add("touched");
  }

  /** Draw anew the cells that changed, and no others: a cell that is being edited or pointed at stays. */
  function refresh(id, page, before, own) {
    const row = elements.get(id);
    if (!row) return;
    const changed = new Set(changedProperties(before, page));
    const { status, progress } = view.schema.roles;
    if (progress && changed.has(status?.name)) changed.add(progress.name); // its colour is the status's
    const news = new Set(own ? [] : newsIn(before, page));
    columns.forEach((column, index) => {
      if (!changed.has(column.name)) return;
      const fresh = cell(column, page);
      fresh.classList.toggle("touched", news.has(column.name));
      row.children[index].replaceWith(fresh);
    });
  }

  function move(from, direction) {
    const step = { up: -1, down: 1 }[direction];
    if (!step) return;
    const at = from ? rows.ids.indexOf(from) + step : 0;
    const index = Math.min(Math.max(0, at), rows.ids.length - 1);
    focus(rows.ids[index], index);
  }

  function focus(id, index = rows.ids.indexOf(id)) {
    if (index < 0) return;
    const top = index * ROW_HEIGHT;
    const room = scroller.clientHeight - head.offsetHeight - ROW_HEIGHT;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    draw();
    elements.get(id)?.focus({ preventScroll: true });
  }

  const markOpen = () => {
    for (const [id, element] of elements) element.classList.toggle("open", services.isOpen(id));
  };

  let frame = 0;
  scroller.addEventListener(
    "scroll",
    () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        draw();
      });
    },
    { passive: true },
  );
  const resized = new ResizeObserver(() => draw());
  resized.observe(scroller);

  return { apply, move, focus, markOpen, ready: load(), destroy: () => resized.disconnect() };
}

// The board: reads the address, shows a database as table or board and a row beside it, and keeps both current.

import * as api from "./api.js";
import { createBoard } from "./board.js";
import { format, matches, parse, searched, toFilter } from "./conditions.js";
import { askForRow } from "./create.js";
import { fill, h } from "./dom.js";
import { openEditor } from "./editors.js";
import { noDatabases, notice } from "./empty.js";
import { icon } from "./icons.js";
import { listen, showHelp } from "./keys.js";
import { Live } from "./live.js";
import { Names } from "./names.js";
import { Pages } from "./pages.js";
import { Panel } from "./panel.js";
import { recall, remember } from "./preferences.js";
import { go, readRoute, writeRoute } from "./route.js";
import { defaultColumns, groupable, schemaOf } from "./schema.js";
import { Sidebar, sourceIcon, sourceName } from "./sidebar.js";
import { createTable } from "./table.js";
import { startClock } from "./time.js";
import { toast } from "./toast.js";
import { drawToolbar } from "./toolbar.js";

const NEWEST_FIRST = [{ timestamp: "created_time", direction: "descending" }];
// More rows than this at once are read as a fresh view: one query instead of many single reads.
const SINGLY = 25;

const $ = (id) => document.getElementById(id);

class Desk {
  pages = new Pages();
  names = new Names(this.pages);
  sources = new Map();
  view = null;
  state = null;

  constructor() {
    this.services = {
      pages: this.pages,
      names: this.names,
      open: (id) => this.visit({ row: id }),
      close: () => this.visit({ row: null }),
      isOpen: (id) => id === readRoute().row,
      edit: (id, property, input) => this.pages.edit(id, property, input).catch((error) => this.report(error)),
      create: (preset) => this.create(preset),
      remove: (id) => this.remove(id),
      report: (error) => this.report(error),
      copyLink: () => navigator.clipboard.writeText(location.href).then(() => toast("Link copied")),
      schemaFor: (page) => this.schemaFor(page.parent.data_source_id),
    };
    this.sidebar = new Sidebar($("sidebar"), { onPick: (id) => this.pick(id), onHelp: showHelp });
    this.panel = new Panel($("panel"), this.services);
    this.live = new Live({
      onChanges: (changes) => this.catchUp(changes).catch((error) => this.report(error)),
      onReset: () => this.reload().catch((error) => this.report(error)),
      onState: (state) => this.sidebar.setState(state),
    });
    this.pages.subscribe((change) => this.show(change));
  }

  async start() {
    addEventListener("hashchange", () => this.follow());
    addEventListener("popstate", () => this.follow());
    this.listenToKeys();
    startClock();
    this.live.start();
    await this.readSources();
    await this.follow();
  }

  async readSources() {
    const found = await api.listSources();
    await Promise.all(found.filter((source) => !source.icon).map(borrowIcon));
    this.sources = new Map(found.sort(byImportance).map((source) => [source.id, source]));
  }

  // Where to go

  pick(id) {
    document.body.classList.remove("rail-open");
    go({ source: id, view: this.firstView(this.sources.get(id)), row: null });
  }

  /** The same place with something changed. */
  visit(change, options) {
    go({ ...readRoute(), source: this.state?.schema.source.id, view: this.state?.view, ...change }, options);
  }

  async follow() {
    const route = readRoute();
    const chosen = this.sources.get(route.source) ?? this.sources.values().next().value;
    if (!chosen) return this.showNothing();
    if (!route.source || !route.view)
      return go({ ...route, source: chosen.id, view: this.firstView(chosen) }, { replace: true });
    const { row: _row, ...place } = route;
    const key = writeRoute(place);
    if (key !== this.key) this.draw(chosen, route, key);
    if (route.row) this.panel.show(route.row);
    else this.panel.hide();
    this.view.markOpen();
    return undefined;
  }

  firstView(source) {
    return (
      recall(`view.${source.id}`) ??
      (groupable(schemaOf(source)).some(({ name }) => name === "Status") ? "board" : "table")
    );
  }

  showNothing() {
    this.key = null;
    this.sidebar.show([], null);
    fill($("heading"));
    fill($("toolbar"));
    fill($("view"), noDatabases());
  }

  // Drawing

  draw(source, route, key) {
    this.key = key;
    const schema = { ...schemaOf(source), name: sourceName(source) };
    this.services.schema = schema;
    const groups = groupable(schema);
    const view = groups.length ? route.view : "table";
    remember(`view.${source.id}`, view);
    this.state = {
      schema,
      view,
      search: route.search,
      conditions: route.filters.map((each) => parse(schema, each)).filter(Boolean),
      sort: readSort(schema, route.sort),
      group: groups.find(({ name }) => name === route.group) ?? groups[0],
      columns: this.columnsOf(schema),
    };
    document.title = `${schema.name} · Segue`;
    this.sidebar.show([...this.sources.values()], source.id);
    this.drawHeading(source);
    drawToolbar($("toolbar"), this.state, this.choices());
    this.drawView();
  }

  drawHeading(source) {
    const words = (source.description ?? []).map((run) => run.plain_text).join("");
    fill(
      $("heading"),
      h(
        "button.quiet.icon-only.rail-toggle",
        { "aria-label": "Databases", onclick: () => document.body.classList.toggle("rail-open") },
        icon("menu"),
      ),
      sourceIcon(source),
      h("div", {}, h("h1", {}, this.state.schema.name), words && h("p", {}, words)),
      h(
        "button.primary.new",
        { onclick: () => this.create(), title: "New row (n)" },
        icon("plus"),
        "New",
        h("kbd", {}, "N"),
      ),
    );
  }

  drawView() {
    this.view?.destroy();
    const make = this.state.view === "board" ? createBoard : createTable;
    this.view = make($("view"), this.viewOf(this.state), this.services);
  }

  viewOf({ schema, search, conditions, sort, group, columns }) {
    const filter = toFilter(schema, search, conditions);
    const sorts = sort ? [sort, ...NEWEST_FIRST] : NEWEST_FIRST;
    const query = {
      sourceId: schema.source.id,
      filter,
      sorts,
      properties: this.neededProperties(schema, columns, group),
    };
    const both = (extra) => (filter ? { and: [...filter.and, extra] } : extra);
    return {
      schema,
      group,
      columns,
      sort,
      query,
      within: (extra) => ({ ...query, filter: both(extra) }),
      accepts: (page) => page.parent.data_source_id === schema.source.id && matches(schema, search, conditions, page),
      isNarrowed: Boolean(search || conditions.length),
      onClear: () => this.visit({ search: "", filters: [] }),
      onSort: (property) => this.sortBy(property),
    };
  }

  /** Ids of the columns a view shows or judges by; a real task database has two hundred more. */
  neededProperties(schema, columns, group) {
    const judged = this.state.conditions.map(({ property }) => property);
    const texts = this.state.search ? searched(schema) : [];
    const shown = columns.map((name) => schema.byName.get(name));
    const needed = [
      schema.title,
      group,
      ...Object.values(schema.roles),
      ...shown,
      ...judged,
      ...texts,
      schema.byName.get("Worker"),
    ];
    return [...new Set(needed.filter(Boolean).map((property) => property.id))];
  }

  columnsOf(schema) {
    const chosen = recall(`columns.${schema.source.id}`);
    const names = (chosen ?? defaultColumns(schema)).filter((name) => schema.byName.has(name));
    return schema.ordered.map(({ name }) => name).filter((name) => names.includes(name) || name === schema.title.name);
  }

  // Choices made in the toolbar

  choices() {
    const { schema } = this.state;
    return {
      view: (view) => this.visit({ view }),
      search: (search) => this.visit({ search }, { replace: true }),
      conditions: (conditions) => this.visit({ filters: conditions.map(format) }),
      sort: (property) => this.sortBy(property),
      group: (property) => this.visit({ group: property.name }),
      columns: (columns) => {
        remember(`columns.${schema.source.id}`, columns);
        this.state.columns = this.columnsOf(schema);
        drawToolbar($("toolbar"), this.state, this.choices());
        this.drawView();
      },
    };
  }

  /** First click ascending, second descending, third back to newest first. */
  sortBy(property) {
    const { sort } = this.state;
    if (!property) return this.visit({ sort: null });
    const next = sort?.property !== property.id ? "ascending" : sort.direction === "ascending" ? "descending" : null;
    return this.visit({ sort: next && `${property.name}~${next}` });
  }

  // Rows

  create(preset = {}) {
    if (!this.state) return;
    askForRow(this.state.schema, preset, {
      report: (error) => this.report(error),
      onCreated: (page, { open }) => {
        this.pages.put(page, { own: true });
        if (open) this.visit({ row: page.id });
        else this.view.focus(page.id);
      },
    });
  }

  async remove(id) {
    try {
      this.pages.put(await api.setTrashed(id, true), { own: true });
      toast("Moved to trash", { action: "Undo", onaction: () => this.restore(id) });
    } catch (error) {
      this.report(error);
    }
  }

  async restore(id) {
    try {
      this.pages.put(await api.setTrashed(id, false), { own: true });
    } catch (error) {
      this.report(error);
    }
  }

  show(change) {
    this.view?.apply(change);
  }

  // Live

  async catchUp(changes) {
    const kinds = Map.groupBy(changes, (change) => change.kind.split(".")[0]);
    if (kinds.has("data_source") || kinds.has("database")) return this.reload();
    const rows = (kinds.get("page") ?? []).filter((change) => this.concerns(change));
    const ids = [...new Set(rows.map((change) => change.id))];
    if (ids.length > SINGLY) this.drawView();
    else await Promise.all(ids.map((id) => this.readRow(id)));
    if (ids.includes(this.panel.id)) await this.panel.refreshContent();
    if (kinds.has("comment")) this.panel.refreshComments();
    return undefined;
  }

  /** Rows of the database on the screen, and rows that something on the screen names. */
  concerns({ id, parent }) {
    return parent === this.state?.schema.source.id || this.pages.get(id) !== undefined || id === this.panel.id;
  }

  async readRow(id) {
    try {
      this.pages.put(await api.getPage(id));
    } catch (error) {
      if (error.status !== 404) throw error;
      this.pages.drop(id);
    }
  }

  /** Everything anew: after a long absence, or when a database changed its shape. */
  async reload() {
    await this.readSources();
    this.key = null;
    await this.follow();
  }

  async schemaFor(sourceId) {
    if (!sourceId) return null;
    const source = this.sources.get(sourceId) ?? (await api.getSource(sourceId));
    return { ...schemaOf(source), name: sourceName(source) };
  }

  // Keys and trouble

  listenToKeys() {
    listen({
      create: () => this.create(),
      search: () => $("search")?.focus(),
      open: (id) => this.visit({ row: id }),
      close: () => (this.panel.id ? this.closeRow() : document.body.classList.remove("rail-open")),
      move: (id, direction) => this.view?.move(id ?? this.panel.id, direction),
      carry: (id, direction) => this.view?.carry?.(id, direction),
      view: (view) => this.visit({ view }),
      source: (index) => [...this.sources.keys()][index] && this.pick([...this.sources.keys()][index]),
      status: (id) => this.changeStatus(id),
    });
  }

  closeRow() {
    const id = this.panel.id;
    this.visit({ row: null });
    this.view.focus(id);
  }

  changeStatus(id) {
    const property = this.state.schema.roles.status;
    const anchor = document.querySelector(`#view [data-id="${CSS.escape(id)}"]`);
    if (!property || !anchor) return;
    const save = (input) => this.services.edit(id, property, input);
    openEditor(anchor, { page: this.pages.get(id), property, save }).catch(this.services.report);
  }

  /** Say what went wrong in a sentence; what is not the server's answer is a bug and goes on to the console. */
  report(error) {
    toast(error.message, { tone: "bad" });
    if (!(error instanceof api.ApiError)) throw error;
  }
}

const IMPORTANCE = [
  "Agent-Tasks",
  "Issues+Questions",
  "Music Tracks",
  "Music Artists",
  "Music Playlists",
  "Execution-Logs",
];

/** A data source without an icon of its own wears its database's. */
async function borrowIcon(source) {
  const { icon: borrowed } = await api.getDatabase(source.parent.database_id);
  source.icon = borrowed;
}

function byImportance(a, b) {
  const place = (source) => IMPORTANCE.indexOf(sourceName(source)) + 1 || IMPORTANCE.length + 1;
  return place(a) - place(b) || sourceName(a).localeCompare(sourceName(b));
}

function readSort(schema, given) {
  const [name, direction] = (given ?? "").split("~");
  const property = schema.byName.get(name);
  return property ? { property: property.id, direction: direction === "descending" ? direction : "ascending" } : null;
}

try {
  await new Desk().start();
} catch (error) {
  fill(
    $("view"),
    notice(
      "The workspace does not answer",
      error.message,
      h("button.primary", { onclick: () => location.reload() }, "Try again"),
    ),
  );
  throw error;
}

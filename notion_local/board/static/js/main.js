// The board: reads the address, shows a database as table or board and a row beside it, and keeps both current.

import * as api from "./api.js";
import { createBoard } from "./board.js";
import { format } from "./conditions.js";
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
import { remember } from "./preferences.js";
import { go, readRoute, writeRoute } from "./route.js";
import { schemaOf } from "./schema.js";
import { Sidebar, sourceIcon } from "./sidebar.js";
import { readSources, sourceName } from "./sources.js";
import { createTable } from "./table.js";
import { startClock } from "./time.js";
import { toast } from "./toast.js";
import { drawToolbar } from "./toolbar.js";
import { columnsOf, describe, firstView, readView } from "./view.js";

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
    this.sources = await readSources();
    await this.follow();
  }

  // Where to go

  pick(id) {
    document.body.classList.remove("rail-open");
    go({ source: id, view: firstView(schemaOf(this.sources.get(id))), row: null });
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
      return go({ ...route, source: chosen.id, view: firstView(schemaOf(chosen)) }, { replace: true });
    const { row: _row, ...place } = route;
    const key = writeRoute(place);
    if (key !== this.key) this.draw(chosen, route, key);
    if (route.row) this.panel.show(route.row);
    else this.panel.hide();
    this.view.markOpen();
    return undefined;
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
    this.state = readView(schema, route);
    remember(`view.${source.id}`, this.state.view);
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
    const view = {
      ...describe(this.state),
      onClear: () => this.visit({ search: "", filters: [] }),
      onSort: (property) => this.sortBy(property),
    };
    this.view = make($("view"), view, this.services);
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
        this.state.columns = columnsOf(schema);
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
    const many = ids.length > SINGLY;
    await Promise.all(ids.filter((id) => !many || id === this.panel.id).map((id) => this.readRow(id)));
    if (many) this.drawView();
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
    this.sources = await readSources();
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

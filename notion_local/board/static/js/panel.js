// One row, whole: its properties, its page, the talk about it. Slides in beside the rows; its address can be shared.

import * as api from "./api.js";
import { drawBlocks, readBlocks } from "./blocks.js";
import { display } from "./cells.js";
import { comments } from "./comments.js";
import { fill, h, reconcile } from "./dom.js";
import { canEdit, openEditor } from "./editors.js";
import { icon } from "./icons.js";
import { sourceIcon } from "./sidebar.js";
import { sourceName } from "./sources.js";
import { timeElement } from "./time.js";
import { isEmpty, newsIn, sameValue, titleOf } from "./values.js";
import { composer } from "./writing.js";

const WIDE = "wide";
// A row with no more columns than this shows the empty ones too; a task with two hundred does not.
const SHOW_ALL = 6;

export class Panel {
  #element;
  #services;
  #shown = null;

  /** `services` as for the views, with `schemaFor(page)`, `close()` and `remove(id)`. */
  constructor(element, services) {
    this.#element = element;
    this.#services = services;
    services.pages.subscribe((change) => this.#apply(change));
  }

  get id() {
    return this.#shown?.id ?? null;
  }

  hide() {
    this.#shown = null;
    this.#element.hidden = true;
    this.#element.classList.remove(WIDE);
    document.body.classList.remove("has-panel");
  }

  /** Show a row: at once as far as it is known, then as the server has it. */
  async show(id) {
    if (id === this.id) return;
    const shown = { id, openToggles: new Set() };
    this.#shown = shown;
    document.body.classList.add("has-panel");
    this.#element.hidden = false;
    fill(this.#element, h("p.loading", {}, "Opening…"));
    try {
      const page = this.#services.pages.learn([await api.getPage(id)])[0];
      const schema = await this.#services.schemaFor(page);
      if (this.#shown !== shown) return;
      Object.assign(shown, { schema, showsEmpty: false });
      this.#draw(page);
      await this.refreshContent();
    } catch (error) {
      if (this.#shown === shown) fill(this.#element, this.#bar(null), h("p.loading", {}, error.message));
      if (!(error instanceof api.ApiError)) throw error;
    }
  }

  #draw(page) {
    const shown = this.#shown;
    shown.title = h("h1.page-title", {
      tabindex: "0",
      role: "button",
      title: "Rename",
      onclick: () => this.#edit(shown.schema?.title, shown.title),
    });
    shown.properties = h("dl.properties");
    shown.rows = new Map();
    shown.content = h("div.content");
    shown.talk = comments(page.id, this.#services);
    shown.title.addEventListener(
      "keydown",
      (event) => event.key === "Enter" && this.#edit(shown.schema?.title, shown.title),
    );
    fill(
      this.#element,
      this.#bar(page),
      h(
        "div.page",
        {},
        shown.title,
        shown.properties,
        h("hr"),
        shown.content,
        composer(page.id, { report: this.#services.report, onWritten: () => this.refreshContent() }),
        shown.talk.element,
      ),
    );
    this.#drawProperties(page);
  }

  #bar(page) {
    const button = (name, label, act) =>
      h("button.quiet.icon-only", { title: label, "aria-label": label, onclick: act }, icon(name));
    const schema = this.#shown.schema;
    return h(
      "header.panel-bar",
      {},
      button("close", "Close (Esc)", this.#services.close),
      button("expand", "Wider", () => this.#element.classList.toggle(WIDE)),
      schema && h("span.crumb", {}, sourceIcon(schema.source), sourceName(schema.source)),
      page && timeElement(page.last_edited_time, "Edited "),
      page && button("link", "Copy the link", () => this.#services.copyLink()),
      page && button("trash", "Move to trash", () => this.#services.remove(page.id)),
    );
  }

  #drawProperties(page, changed = []) {
    const { schema, title, properties, showsEmpty } = this.#shown;
    title.textContent = titleOf(page) || "Untitled";
    title.classList.toggle("untitled", !titleOf(page));
    if (!schema) return;
    const rest = schema.ordered.filter((property) => property !== schema.title);
    const { status, taskType, priority, link, question } = schema.roles;
    const asked = question && !isEmpty(page.properties[question.name]);
    const inviting = new Set([status, taskType, priority, link, asked && schema.byName.get("Answer")]);
    const worthARow = (property) => inviting.has(property) || !isEmpty(page.properties[property.name]);
    const shown = rest.filter((property) => showsEmpty || worthARow(property) || rest.length <= SHOW_ALL);
    const hidden = rest.length - shown.length;
    const rows = shown.map((property) => this.#row(property, page, changed.includes(property.name)));
    const more = h(
      "button.quiet.more",
      { onclick: () => this.#toggleEmpty(page.id) },
      icon(showsEmpty ? "up" : "down"),
      showsEmpty ? "Hide empty ones" : `${hidden} more, empty`,
    );
    reconcile(properties, hidden > 0 || showsEmpty ? [...rows, more] : rows);
  }

  /** A property's row; one whose value did not change stays the element it was, with its focus. */
  #row(property, page, touched) {
    const { rows } = this.#shown;
    const known = rows.get(property.name);
    const value = page.properties[property.name];
    const wearsTone = property === this.#shown.schema.roles.progress; // its colour is the status's
    if (known && !wearsTone && sameValue(known.value, value)) return known.element;
    const element = this.#drawRow(property, page, touched);
    rows.set(property.name, { value, element });
    return element;
  }

  #drawRow(property, page, touched) {
    const shown = display(
      property,
      page.properties[property.name],
      { ...this.#services, schema: this.#shown.schema },
      page,
    );
    const value = h(`dd.type-${property.type}`, {}, shown.length ? shown : h("span.faint", {}, "Empty"));
    if (canEdit(property)) {
      value.tabIndex = 0;
      value.setAttribute("role", "button");
      value.setAttribute("aria-label", `Edit ${property.name}`);
      value.addEventListener("click", () => this.#edit(property, value));
      value.addEventListener(
        "keydown",
        (event) => event.key === "Enter" && event.target === value && this.#edit(property, value),
      );
    } else value.classList.add("fixed");
    if (touched) value.classList.add("touched");
    return h("div", { dataset: { property: property.name } }, h("dt", {}, icon(property.type), property.name), value);
  }

  #toggleEmpty(id) {
    this.#shown.showsEmpty = !this.#shown.showsEmpty;
    this.#drawProperties(this.#services.pages.get(id));
  }

  #edit(property, anchor) {
    if (!property) return;
    const { id } = this.#shown;
    const page = this.#services.pages.get(id);
    const save = (input) => this.#services.edit(id, property, input);
    openEditor(anchor, { page, property, save }).catch(this.#services.report);
  }

  #apply({ id, page, before, own }) {
    if (id !== this.id || !this.#shown.properties) return;
    if (!page) return this.#services.close();
    this.#drawProperties(page, before && !own ? newsIn(before, page) : []);
  }

  /** Read the page's blocks anew; what is open stays open, what is scrolled stays put. */
  async refreshContent() {
    const shown = this.#shown;
    if (!shown?.content) return;
    const blocks = await readBlocks(shown.id);
    if (this.#shown !== shown) return;
    const print = JSON.stringify(blocks);
    if (print === shown.print) return;
    shown.print = print;
    fill(
      shown.content,
      drawBlocks(blocks, { open: this.#services.open, report: this.#services.report, openToggles: shown.openToggles }),
    );
  }

  refreshComments() {
    this.#shown?.talk?.refresh();
  }
}

// A list of rows that grows as it is scrolled, and stays in order when one row changes.

import * as api from "./api.js";
import { text } from "./values.js";

export class RowList {
  ids = [];
  hasMore = true;
  loading = null;
  #cursor = null;
  #query;
  #pages;

  /** `query` is { sourceId, filter, sorts, properties, size }; `pages` keeps the rows themselves. */
  constructor(pages, query) {
    this.#pages = pages;
    this.#query = query;
  }

  /** Load the next page of rows; a second call while one is under way waits for the same one. */
  more() {
    if (!this.hasMore) return Promise.resolve();
    this.loading ??= this.#load().finally(() => (this.loading = null));
    return this.loading;
  }

  async #load() {
    const { sourceId, ...query } = this.#query;
    const answer = await api.queryRows(sourceId, { ...query, cursor: this.#cursor });
    const present = new Set(this.ids);
    const rows = this.#pages.learn(answer.results.filter((page) => !page.in_trash));
    this.ids.push(...rows.map((page) => page.id).filter((id) => !present.has(id)));
    this.#cursor = answer.next_cursor;
    this.hasMore = answer.has_more;
  }

  has(id) {
    return this.ids.includes(id);
  }

  remove(id) {
    this.ids = this.ids.filter((each) => each !== id);
  }

  /** Put a row where the sorting wants it. One that belongs beyond what is loaded comes with a later page. */
  insert(page) {
    if (this.has(page.id)) return;
    const before = order(this.#query.sorts);
    const index = this.ids.findIndex((id) => before(page, this.#pages.get(id)) <= 0);
    if (index >= 0) this.ids.splice(index, 0, page.id);
    else if (!this.hasMore) this.ids.push(page.id);
  }
}

/** A comparison of pages that follows the sorts of a query. */
function order(sorts) {
  return (a, b) => {
    for (const sort of sorts) {
      const result = compare(valueFor(a, sort), valueFor(b, sort));
      if (result) return sort.direction === "descending" ? -result : result;
    }
    // Times are floored to the minute; ids rise with the true time of creation.
    return compare(b.id, a.id);
  };
}

function valueFor(page, sort) {
  if (sort.timestamp) return page[sort.timestamp];
  const value = Object.values(page.properties).find((each) => each.id === sort.property);
  return value?.type === "number" ? value.number : text(value);
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), undefined, { sensitivity: "base" });
}

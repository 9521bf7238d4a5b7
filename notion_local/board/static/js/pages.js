// The rows that the board has seen: one copy of each, and word to whoever shows it when it changes.

import * as api from "./api.js";
import { preview, encode } from "./values.js";

export class Pages {
  #known = new Map();
  #listeners = new Set();

  get(id) {
    return this.#known.get(id);
  }

  /** Take in a page as the server gave it. A row read with fewer columns keeps the others it had. */
  put(page, { own = false } = {}) {
    const before = this.#known.get(page.id);
    const merged = this.#merge(page);
    this.#tell({ id: page.id, page: merged.in_trash ? null : merged, before, own });
    return merged;
  }

  /** Take in rows that are about to be shown: nobody needs to be told. */
  learn(pages) {
    return pages.map((page) => this.#merge(page));
  }

  drop(id) {
    const before = this.#known.get(id);
    this.#known.delete(id);
    this.#tell({ id, page: null, before });
  }

  forgetAll() {
    this.#known.clear();
  }

  /**
   * Hear { id, page, before, own } for each change: `page` is null for a row that went away, `own` is true for what
   * this very person did. Returns what ends it.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Write one property. The new value is shown at once; a refusal puts the old one back and is thrown on.
   */
  async edit(id, property, input) {
    const before = this.#known.get(id);
    const payload = encode(property.type, input);
    const optimistic = preview(property, payload);
    if (before)
      this.put({ ...before, properties: { ...before.properties, [property.name]: optimistic } }, { own: true });
    try {
      return this.put(await api.updateProperties(id, { [property.id]: payload }), { own: true });
    } catch (error) {
      if (before) this.put(before, { own: true });
      throw error;
    }
  }

  #merge(page) {
    const before = this.#known.get(page.id);
    const merged = before ? { ...page, properties: { ...before.properties, ...page.properties } } : page;
    this.#known.set(page.id, merged);
    return merged;
  }

  #tell(change) {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

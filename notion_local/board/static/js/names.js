// Names of pages and people that a row only refers to by id: asked for once, a few at a time.

import * as api from "./api.js";
import { titleOf } from "./values.js";

const AT_ONCE = 4;

export class Names {
  #pages;
  #asked = new Map();
  #queue = [];
  #busy = 0;

  constructor(pages) {
    this.#pages = pages;
    pages.subscribe(({ id }) => this.#asked.delete(`page:${id}`));
  }

  /** The title of a page, "" for an untitled one, null where it cannot be read. */
  page(id) {
    const known = this.#pages.get(id);
    if (known) return Promise.resolve(titleOf(known));
    return this.#once(`page:${id}`, async () => titleOf(this.#pages.learn([await api.getPage(id)])[0]));
  }

  /** The name of a person or an integration. */
  user(user) {
    if (user.name) return Promise.resolve(user.name);
    return this.#once(`user:${user.id}`, async () => (await api.getUser(user.id)).name);
  }

  #once(key, ask) {
    if (!this.#asked.has(key)) {
      this.#asked.set(key, new Promise((resolve) => this.#queue.push({ key, ask, resolve })));
      this.#next();
    }
    return this.#asked.get(key);
  }

  #next() {
    while (this.#busy < AT_ONCE && this.#queue.length) this.#answer(this.#queue.shift());
  }

  async #answer({ key, ask, resolve }) {
    this.#busy += 1;
    try {
      resolve(await ask());
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      // A reference to something deleted or not shared is shown as such; it may be there at the next look.
      this.#asked.delete(key);
      resolve(null);
    } finally {
      this.#busy -= 1;
      this.#next();
    }
  }
}

// The event stream: what changed, in small bundles, and whether the server can be heard.

const BUNDLE_MILLISECONDS = 80;
const RETRY_MILLISECONDS = 1500;
// A browser opens six connections to one server, over all tabs: a tab that nobody looks at gives its stream back.
const HIDDEN_MILLISECONDS = 20_000;

export class Live {
  #source = null;
  #last = null;
  #pending = new Map();
  #timer = 0;

  /** `onChanges(changes)`, `onReset()` and `onState("live" | "offline" | "connecting")`. */
  constructor({ onChanges, onReset, onState }) {
    this.onChanges = onChanges;
    this.onReset = onReset;
    this.onState = onState;
  }

  start() {
    this.onState("connecting");
    this.#open();
    let leaving = 0;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(leaving);
      if (document.hidden) leaving = setTimeout(() => this.#source.close(), HIDDEN_MILLISECONDS);
      else if (this.#source.readyState === EventSource.CLOSED) this.#open();
    });
  }

  #open() {
    const since = this.#last === null ? "" : `?since=${this.#last}`;
    const source = new EventSource(`/board/events${since}`);
    this.#source = source;
    source.addEventListener("hello", (event) => this.#greet(event));
    source.addEventListener("reset", (event) => {
      this.#greet(event);
      this.onReset();
    });
    source.addEventListener("change", (event) => this.#note(event));
    source.addEventListener("error", () => this.#lost(source));
  }

  #greet(event) {
    this.#last = event.lastEventId;
    this.onState("live");
  }

  #lost(source) {
    this.onState("offline");
    // The browser tries again by itself after a broken connection, but not after a refusal (a restarting proxy).
    if (source.readyState === EventSource.CLOSED)
      setTimeout(() => source === this.#source && this.#open(), RETRY_MILLISECONDS);
  }

  #note(event) {
    this.#last = event.lastEventId;
    const change = JSON.parse(event.data);
    this.#pending.set(`${change.kind}:${change.id}`, change);
    this.#timer ||= setTimeout(() => this.#deliver(), BUNDLE_MILLISECONDS);
  }

  #deliver() {
    this.#timer = 0;
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    this.onChanges(changes);
  }
}

// The left rail: the databases of the workspace, the on-air lamp, theme and help.

import { fill, h } from "./dom.js";
import { icon, mark } from "./icons.js";
import { remember } from "./preferences.js";
import { sourceName } from "./sources.js";

const LAMP = {
  connecting: ["Connecting", "Opening the live connection"],
  live: ["Live", "Changes appear here as they happen"],
  offline: ["Offline, retrying", "The workspace does not answer; this page catches up when it does"],
};

export class Sidebar {
  #list = h("ul.sources");
  #lamp = h("div.lamp", { role: "status" });

  /** `onPick(id)` chooses a database, `onHelp()` shows the keys. */
  constructor(element, { onPick, onHelp }) {
    this.onPick = onPick;
    const theme = h(
      "button.quiet.icon-only",
      { title: "Light or dark", "aria-label": "Light or dark", onclick: toggleTheme },
      icon("moon"),
    );
    const help = h(
      "button.quiet.icon-only",
      { title: "Keys (?)", "aria-label": "Keyboard shortcuts", onclick: onHelp },
      icon("keyboard"),
    );
    fill(
      element,
      h("a.brand", { href: "#" }, mark(), h("span", {}, "Segue")),
      h("h2", {}, "Databases"),
      this.#list,
      h("div.rail-foot", {}, this.#lamp, theme, help),
    );
    this.setState("connecting");
  }

  show(sources, chosenId) {
    fill(
      this.#list,
      sources.map((source, index) =>
        h(
          "li",
          {},
          h(
            "a",
            {
              href: `#/${source.id}`,
              "aria-current": source.id === chosenId ? "page" : null,
              title: index < 9 ? `${index + 1}` : null,
              onclick: (event) => {
                event.preventDefault();
                this.onPick(source.id);
              },
            },
            sourceIcon(source),
            h("span", {}, sourceName(source)),
          ),
        ),
      ),
    );
  }

  setState(state) {
    const [word, meaning] = LAMP[state];
    this.#lamp.dataset.state = state;
    this.#lamp.title = meaning;
    fill(this.#lamp, h("i"), word);
  }
}

const TINTS = ["brown", "orange", "yellow", "green", "blue", "purple", "pink"];

/** The database's own icon, or a tile with its first letter. */
export function sourceIcon(source) {
  if (source.icon?.type === "emoji") return h("span.source-icon", { "aria-hidden": "true" }, source.icon.emoji);
  const name = sourceName(source);
  const tint = TINTS[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % TINTS.length];
  return h(`span.source-icon.letter.tone-${tint}`, { "aria-hidden": "true" }, [...name][0].toUpperCase());
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("theme", root.dataset.theme);
}

// What stands where nothing stands: it says why, and offers the next step.

import { h } from "./dom.js";
import { icon, mark } from "./icons.js";

/** For a view without rows: either nothing matches, or there is nothing yet. */
export function emptyView(view, services) {
  return view.isNarrowed
    ? notice(
        "Nothing matches",
        "No row fits this search and these filters.",
        h("button.quiet", { onclick: view.onClear }, icon("close"), "Clear them"),
      )
    : notice(
        `No rows in ${view.schema.name} yet`,
        "Create the first one; whatever happens to it appears here by itself.",
        h("button.primary", { onclick: () => services.create() }, icon("plus"), "New row"),
      );
}

export function noDatabases() {
  return notice(
    "A quiet desk",
    "This workspace has no databases yet. They appear here the moment they are made: " +
      "run “segue provision”, or create one through the API.",
  );
}

export function notice(title, words, action = null) {
  return h("div.empty", {}, mark(), h("h2", {}, title), h("p", {}, words), action);
}

// The databases of the workspace, in the order of a working day.

import * as api from "./api.js";
import { plain } from "./values.js";

const IMPORTANCE = [
  "Agent-Tasks",
  "Issues+Questions",
  "Music Tracks",
  "Music Artists",
  "Music Playlists",
  "Execution-Logs",
];

export const sourceName = (source) => plain(source.title ?? source.name) || "Untitled";

/** Every data source by its id: those that Segue works with first, then by name. */
export async function readSources() {
  const found = await api.listSources();
  await Promise.all(found.filter((source) => !source.icon).map(borrowIcon));
  return new Map(found.sort(byImportance).map((source) => [source.id, source]));
}

/** A data source without an icon of its own wears its database's. */
async function borrowIcon(source) {
  const { icon } = await api.getDatabase(source.parent.database_id);
  source.icon = icon;
}

function byImportance(a, b) {
  const place = (source) => IMPORTANCE.indexOf(sourceName(source)) + 1 || IMPORTANCE.length + 1;
  return place(a) - place(b) || sourceName(a).localeCompare(sourceName(b));
}

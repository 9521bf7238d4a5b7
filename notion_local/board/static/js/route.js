// The address of what is on the screen: #/<data source>/<view>?q=…&f=…&sort=…&group=…&row=…

/** Read an address; what is not there is null or empty. */
export function readRoute(hash = location.hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [source = "", view = ""] = path.split("/");
  const given = new URLSearchParams(query);
  return {
    source: source || null,
    view: view === "table" || view === "board" ? view : null,
    search: given.get("q") ?? "",
    filters: given.getAll("f"),
    sort: given.get("sort"),
    group: given.get("group"),
    row: given.get("row"),
  };
}

export function writeRoute({ source, view, search, filters, sort, group, row }) {
  const query = new URLSearchParams();
  if (search) query.set("q", search);
  for (const filter of filters ?? []) query.append("f", filter);
  for (const [name, value] of Object.entries({ sort, group, row })) if (value) query.set(name, value);
  const tail = query.toString();
  return `#/${source}/${view}${tail ? `?${tail}` : ""}`;
}

/** Go somewhere. `replace` leaves no entry in the history: typing in the search box is not a journey. */
export function go(route, { replace = false } = {}) {
  const hash = writeRoute(route);
  if (hash === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

// What a view shows: read from the address and from what this browser remembers, and turned into a query.

import { matches, parse, searched, toFilter } from "./conditions.js";
import { recall } from "./preferences.js";
import { defaultColumns, groupable } from "./schema.js";

const NEWEST_FIRST = [{ timestamp: "created_time", direction: "descending" }];

/** The view that an address asks for, of a database that may have changed since the address was made. */
export function readView(schema, route) {
  const groups = groupable(schema);
  return {
    schema,
    view: groups.length ? route.view : "table",
    search: route.search,
    conditions: route.filters.map((each) => parse(schema, each)).filter(Boolean),
    sort: readSort(schema, route.sort),
    group: groups.find(({ name }) => name === route.group) ?? groups[0],
    columns: columnsOf(schema),
  };
}

/** The view to open a database with: as it was last seen; else lanes where there is a Status to walk through. */
export function firstView(schema) {
  const hasStatus = groupable(schema).some(({ name }) => name === "Status");
  return recall(`view.${schema.source.id}`) ?? (hasStatus ? "board" : "table");
}

/** Names of the columns to show, in the schema's order; the title is always among them. */
export function columnsOf(schema) {
  const chosen = recall(`columns.${schema.source.id}`) ?? defaultColumns(schema);
  return schema.ordered.map(({ name }) => name).filter((name) => chosen.includes(name) || name === schema.title.name);
}

/** What the table and the board need to know: the query, and who belongs in its answer. */
export function describe({ schema, search, conditions, sort, group, columns }) {
  const filter = toFilter(schema, search, conditions);
  const query = {
    sourceId: schema.source.id,
    filter,
    sorts: sort ? [sort, ...NEWEST_FIRST] : NEWEST_FIRST,
    properties: neededProperties(schema, { search, conditions, group, columns }),
  };
  const both = (extra) => (filter ? { and: [...filter.and, extra] } : extra);
  return {
    schema,
    group,
    columns,
    sort,
    query,
    within: (extra) => ({ ...query, filter: both(extra) }),
    accepts: (page) => page.parent.data_source_id === schema.source.id && matches(schema, search, conditions, page),
    isNarrowed: Boolean(search || conditions.length),
  };
}

/** Ids of the columns a view shows or judges by; a real task database has two hundred more. */
function neededProperties(schema, { search, conditions, group, columns }) {
  const shown = [schema.title, group, schema.byName.get("Worker"), ...Object.values(schema.roles)];
  const chosen = columns.map((name) => schema.byName.get(name));
  const judged = [...conditions.map(({ property }) => property), ...(search ? searched(schema) : [])];
  return [...new Set([...shown, ...chosen, ...judged].filter(Boolean).map((property) => property.id))];
}

function readSort(schema, given) {
  const [name, direction] = (given ?? "").split("~");
  const property = schema.byName.get(name);
  return property ? { property: property.id, direction: direction === "descending" ? direction : "ascending" } : null;
}

// The Notion API as the person in front of the screen. Plain JSON in and out; nothing is kept. A read that meets a busy
// server waits and asks again; a write is the person's to repeat.

const VERSION = "2026-03-11";
const ROOT = "/board/v1/";
const BUSY = new Set([429, 502, 503, 504, 529]);
const ATTEMPTS = 4;
const LONGEST_PAUSE_SECONDS = 5;

/** An answer that is not a success; `status` 0 means that there was none. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

async function call(method, path, { query, body, form } = {}) {
  const url = new URL(ROOT + path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const each of [value].flat()) if (each !== undefined) url.searchParams.append(name, each);
  }
  const headers = { "Notion-Version": VERSION };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const isRead = method === "GET" || /(query|search)$/.test(path);
  const request = { method, headers, body: form ?? (body && JSON.stringify(body)) };
  const response = await patiently(isRead ? ATTEMPTS : 1, () => send(url, request));
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) {
    throw new ApiError(response.status, answer?.code ?? "unreadable", answer?.message ?? `HTTP ${response.status}`);
  }
  return answer;
}

async function patiently(attempts, ask) {
  for (let attempt = 1; ; attempt += 1) {
    const response = await ask();
    if (!BUSY.has(response.status) || attempt >= attempts) return response;
    const asked = Number(response.headers.get("Retry-After")) || attempt * 0.4;
    await new Promise((resolve) => setTimeout(resolve, Math.min(asked, LONGEST_PAUSE_SECONDS) * 1000));
  }
}

async function send(url, options) {
  try {
    return await fetch(url, { ...options, credentials: "same-origin" });
  } catch (cause) {
    throw new ApiError(0, "unreachable", `The workspace cannot be reached (${cause.message}).`);
  }
}

/** Every result of a paginated endpoint, page by page. */
async function collect(fetchPage) {
  const results = [];
  let cursor;
  do {
    const page = await fetchPage(cursor);
    results.push(...page.results);
    cursor = page.has_more ? page.next_cursor : null;
  } while (cursor);
  return results;
}

export function listSources() {
  const body = { filter: { property: "object", value: "data_source" }, page_size: 100 };
  return collect((start_cursor) => call("POST", "search", { body: { ...body, start_cursor } }));
}

export const getDatabase = (id) => call("GET", `databases/${id}`);
export const getSource = (id) => call("GET", `data_sources/${id}`);

/** One page of rows. `properties` (ids) limits what each row carries. */
export function queryRows(sourceId, { filter, sorts, cursor, size = 100, properties }) {
  return call("POST", `data_sources/${sourceId}/query`, {
    query: { filter_properties: properties },
    body: { filter, sorts, start_cursor: cursor ?? undefined, page_size: size },
  });
}

export const getPage = (id, properties) => call("GET", `pages/${id}`, { query: { filter_properties: properties } });

export function createPage(sourceId, properties) {
  return call("POST", "pages", { body: { parent: { type: "data_source_id", data_source_id: sourceId }, properties } });
}

export const updateProperties = (id, properties) => call("PATCH", `pages/${id}`, { body: { properties } });
export const setTrashed = (id, trashed) => call("PATCH", `pages/${id}`, { body: { in_trash: trashed } });

export function listChildren(blockId) {
  return collect((start_cursor) =>
    call("GET", `blocks/${blockId}/children`, { query: { start_cursor, page_size: 100 } }),
  );
}

export const updateBlock = (id, change) => call("PATCH", `blocks/${id}`, { body: change });
export const appendBlocks = (parentId, children) =>
  call("PATCH", `blocks/${parentId}/children`, { body: { children } });

export function listComments(pageId) {
  return collect((start_cursor) =>
    call("GET", "comments", { query: { block_id: pageId, start_cursor, page_size: 100 } }),
  );
}

export function addComment(pageId, text) {
  return call("POST", "comments", { body: { parent: { page_id: pageId }, rich_text: textRuns(text) } });
}

export const getUser = (id) => call("GET", `users/${id}`);

/** Everything in a property that a page shows only the first 25 of: a relation's ids, a text's runs. */
export function listPropertyItems(pageId, propertyId) {
  const path = `pages/${pageId}/properties/${encodeURIComponent(decodeURIComponent(propertyId))}`;
  return collect((start_cursor) => call("GET", path, { query: { start_cursor, page_size: 100 } }));
}

/** Send a local file; resolves to the id to attach it by. */
export async function uploadFile(file) {
  const body = { mode: "single_part", filename: file.name, content_type: file.type || undefined };
  const upload = await call("POST", "file_uploads", { body });
  const form = new FormData();
  form.append("file", file, file.name);
  await call("POST", `file_uploads/${upload.id}/send`, { form });
  return upload.id;
}

/** Text as rich text runs of at most 2,000 UTF-16 units, Notion's limit for one. */
export function textRuns(text) {
  const runs = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + 2000, text.length);
    const splitsPair = end < text.length && /[\uD800-\uDBFF]/.test(text[end - 1]);
    if (splitsPair) end -= 1;
    runs.push({ type: "text", text: { content: text.slice(start, end) } });
    start = end;
  }
  return runs;
}

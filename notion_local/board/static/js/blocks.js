// A page's content as elements. Reading, and the one thing a person does to it in passing: ticking a to-do.

import * as api from "./api.js";
import { fileUrl, looksLikePicture } from "./cells.js";
import { h, safeUrl } from "./dom.js";
import { icon } from "./icons.js";
import { link, richText } from "./richtext.js";
import { plain } from "./values.js";

const MAX_DEPTH = 6;
const LISTS = { bulleted_list_item: "ul", numbered_list_item: "ol" };

/** Read a page's blocks with everything beneath them, except in closed toggles, which are read when opened. */
export async function readBlocks(id, depth = 0) {
  const blocks = await api.listChildren(id);
  const deeper = blocks.filter((block) => block.has_children && !opensLater(block) && depth < MAX_DEPTH);
  const read = await Promise.all(deeper.map((block) => readBlocks(block.id, depth + 1)));
  deeper.forEach((block, index) => (block.children = read[index]));
  return blocks;
}

const isToggle = (block) => block.type === "toggle" || Boolean(block[block.type]?.is_toggleable);
const opensLater = (block) => isToggle(block) || ["child_page", "child_database"].includes(block.type);

/** `services` is { open(id), report(error), openToggles: Set }. Consecutive list items become one list. */
export function drawBlocks(blocks, services) {
  const elements = [];
  let list = null;
  for (const block of blocks) {
    const tag = LISTS[block.type];
    if (!tag) list = null;
    else if (!list || list.localName !== tag) elements.push((list = h(tag)));
    (tag ? list : { append: (node) => elements.push(node) }).append(drawBlock(block, services));
  }
  return elements;
}

function drawBlock(block, services) {
  const draw = DRAWINGS[block.type] ?? unknown;
  const element = draw(block[block.type] ?? {}, block, services);
  element.dataset.block = block.id;
  const { color } = block[block.type] ?? {};
  if (color && color !== "default")
    element.classList.add(color.endsWith("_background") ? `wash-${color.slice(0, -11)}` : `ink-${color}`);
  return element;
}

const nested = (block, services) => (block.children ? h("div.nested", {}, drawBlocks(block.children, services)) : null);
const words = (content, services) => richText(content.rich_text, services.open);

const heading = (tag) => (content, block, services) =>
  content.is_toggleable ? toggle(content, block, services, tag) : h(tag, {}, words(content, services));

const DRAWINGS = {
  paragraph: (content, block, services) => h("p", {}, words(content, services), nested(block, services)),
  heading_1: heading("h2"),
  heading_2: heading("h3"),
  heading_3: heading("h4"),
  heading_4: heading("h5"),
  bulleted_list_item: (content, block, services) => h("li", {}, words(content, services), nested(block, services)),
  numbered_list_item: (content, block, services) => h("li", {}, words(content, services), nested(block, services)),
  to_do: toDo,
  toggle: (content, block, services) => toggle(content, block, services, "span"),
  code: codeBlock,
  quote: (content, block, services) => h("blockquote", {}, words(content, services), nested(block, services)),
  callout: (content, block, services) =>
    h("div.callout", {}, calloutIcon(content.icon), h("div", {}, words(content, services), nested(block, services))),
  divider: () => h("hr"),
  table: table,
  image: (content) => picture(content),
  file: attachment,
  pdf: attachment,
  audio: (content) => media("audio", content),
  video: (content) => media("video", content),
  bookmark: bookmark,
  embed: bookmark,
  link_preview: bookmark,
  equation: (content) => h("pre.equation", {}, content.expression),
  child_page: (content, block, services) => pageLink(block.id, content.title, services),
  child_database: (content) => h("p.page-link", {}, icon("table"), content.title || "Untitled"),
  link_to_page: (content, block, services) => pageLink(content[content.type], "Linked page", services),
  column_list: (content, block, services) => h("div.columns", {}, drawBlocks(block.children ?? [], services)),
  column: (content, block, services) => h("div.column", {}, drawBlocks(block.children ?? [], services)),
  synced_block: (content, block, services) => h("div", {}, drawBlocks(block.children ?? [], services)),
  table_of_contents: () => h("p.faint", {}, "Table of contents"),
  breadcrumb: () => h("span"),
};

function unknown(content, block) {
  return h("p.unknown", {}, `A block of type “${block.type}” is kept here; the board does not show it.`);
}

function toDo(content, block, services) {
  const box = h("input", { type: "checkbox", checked: content.checked });
  box.addEventListener("change", async () => {
    try {
      await api.updateBlock(block.id, { to_do: { rich_text: content.rich_text.map(writable), checked: box.checked } });
    } catch (error) {
      box.checked = !box.checked;
      services.report(error);
    }
  });
  return h("div.to-do", {}, h("label", {}, box, h("span", {}, words(content, services))), nested(block, services));
}

/** A run as it may be sent back: what the server derives is left out. */
const writable = ({ plain_text: _text, href: _href, ...run }) => run;

function toggle(content, block, services, tag) {
  const body = h("div.nested");
  const details = h(
    "details.toggle",
    { open: services.openToggles.has(block.id) },
    h("summary", {}, h(tag, {}, words(content, services))),
    body,
  );
  const read = async () => {
    try {
      body.replaceChildren(...drawBlocks(await readBlocks(block.id), services));
    } catch (error) {
      services.report(error);
    }
  };
  details.addEventListener("toggle", () => {
    if (!details.open) return services.openToggles.delete(block.id);
    services.openToggles.add(block.id);
    return block.has_children && read();
  });
  return details;
}

function codeBlock(content, block, services) {
  const copy = h("button.quiet", { onclick: () => navigator.clipboard.writeText(plain(content.rich_text)) }, "Copy");
  const caption = plain(content.caption);
  return h(
    "figure.code-block",
    {},
    h("figcaption", {}, h("span", {}, caption || content.language), copy),
    h("pre", { tabindex: "0" }, h("code", {}, richText(content.rich_text, services.open))),
  );
}

function calloutIcon(given) {
  return h("span.callout-icon", { "aria-hidden": "true" }, given?.type === "emoji" ? given.emoji : icon("question"));
}

function table(content, block, services) {
  const rows = (block.children ?? []).map((row, index) =>
    h(
      "tr",
      {},
      row.table_row.cells.map((cell, column) => {
        const isHeader = (content.has_column_header && index === 0) || (content.has_row_header && column === 0);
        return h(isHeader ? "th" : "td", {}, richText(cell, services.open));
      }),
    ),
  );
  return h("div.table-wrap", {}, h("table", {}, rows));
}

function picture(content) {
  const href = safeUrl(fileUrl(content));
  const caption = plain(content.caption);
  if (!href) return h("p.unknown", {}, "A picture without an address.");
  return h(
    "figure.picture",
    {},
    h(
      "a",
      { href, target: "_blank", rel: "noopener noreferrer" },
      h("img", { src: href, alt: caption || "Picture", loading: "lazy" }),
    ),
    caption && h("figcaption", {}, caption),
  );
}

function attachment(content) {
  const href = safeUrl(fileUrl(content));
  const name = content.name || decodeURIComponent(new URL(href ?? "http://x/file").pathname.split("/").pop()) || "File";
  if (href && looksLikePicture(name) && content.type !== "external") return picture(content);
  return h(
    "a.attachment",
    href ? { href, target: "_blank", rel: "noopener noreferrer" } : {},
    icon("files"),
    h("span", {}, name),
    h("small", {}, plain(content.caption)),
  );
}

function media(tag, content) {
  const href = safeUrl(fileUrl(content));
  return h(
    "figure.media",
    {},
    href && h(tag, { src: href, controls: true, preload: "metadata" }),
    h("figcaption", {}, plain(content.caption) || content.name),
  );
}

function bookmark(content) {
  const href = safeUrl(content.url);
  const caption = plain(content.caption);
  if (!href) return h("p.unknown", {}, content.url ?? "A bookmark without an address.");
  return h("p.bookmark", {}, icon("link"), link(href, caption || content.url), caption && h("small", {}, content.url));
}

function pageLink(id, title, services) {
  return h(
    "p.page-link",
    {},
    h(
      "a",
      { href: "#", onclick: (event) => (event.preventDefault(), services.open(id)) },
      icon("page"),
      title || "Untitled",
    ),
  );
}

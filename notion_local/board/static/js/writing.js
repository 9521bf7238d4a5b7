// Adding to a page: a line becomes a block, with the marks that people type anyway.

import * as api from "./api.js";
import { h } from "./dom.js";

const MARKS = [
  [/^###\s+/, "heading_3"],
  [/^##\s+/, "heading_2"],
  [/^#\s+/, "heading_1"],
  [/^\[( |x|X)?\]\s+/, "to_do"],
  [/^[-*]\s+\[( |x|X)?\]\s+/, "to_do"],
  [/^[-*]\s+/, "bulleted_list_item"],
  [/^\d+[.)]\s+/, "numbered_list_item"],
  [/^>\s+/, "quote"],
];

/** One typed line as a block: "# " a heading, "- " a list item, "[] " a to-do, "> " a quote, "---" a rule. */
export function blockOf(line) {
  if (/^-{3,}$/.test(line)) return { type: "divider", divider: {} };
  const [mark, type] = MARKS.find(([pattern]) => pattern.test(line)) ?? [/^/, "paragraph"];
  const found = line.match(mark);
  const content = { rich_text: api.textRuns(line.slice(found[0].length)) };
  if (type === "to_do") content.checked = /x/i.test(found[1] ?? "");
  return { type, [type]: content };
}

/** The line at the end of a page. `onWritten()` is called once the server has it. */
export function composer(pageId, { onWritten, report }) {
  const field = h("textarea.composer", {
    rows: 1,
    placeholder: "Write…  # heading, - list, [] to-do",
    "aria-label": "Write on the page",
  });
  field.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") return field.blur();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return undefined;
    event.preventDefault();
    const lines = field.value
      .split("\n")
      .map((line) => line.trimEnd())
      .filter(Boolean);
    if (!lines.length) return undefined;
    field.value = "";
    try {
      await api.appendBlocks(pageId, lines.slice(0, 100).map(blockOf));
      return onWritten();
    } catch (error) {
      field.value = lines.join("\n");
      return report(error);
    }
  });
  return field;
}

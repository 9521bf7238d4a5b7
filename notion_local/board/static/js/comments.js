// The conversation about a row.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import { richText } from "./richtext.js";
import { timeElement } from "./time.js";

/** A live list of a page's comments with a field to add one; `refresh()` reads them anew. */
export function comments(pageId, { names, open, report }) {
  const list = h("ul.comments");
  const field = h("textarea.composer", { rows: 1, placeholder: "Comment…", "aria-label": "Add a comment" });
  const heading = h("h2", {}, "Comments");

  async function refresh() {
    try {
      const found = await api.listComments(pageId);
      fill(
        list,
        found.map((comment) => entry(comment, { names, open })),
      );
      heading.textContent = found.length ? `Comments · ${found.length}` : "Comments";
    } catch (error) {
      report(error);
    }
  }

  field.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") return field.blur();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !field.value.trim()) return undefined;
    event.preventDefault();
    const words = field.value.trim();
    field.value = "";
    try {
      await api.addComment(pageId, words);
      return refresh();
    } catch (error) {
      field.value = words;
      return report(error);
    }
  });
  refresh();
  return { element: h("section.talk", {}, heading, list, field), refresh };
}

function entry(comment, { names, open }) {
  const author = h("b", {}, comment.display_name?.resolved_name ?? "…");
  names.user(comment.created_by).then((name) => name && (author.textContent = name));
  return h(
    "li",
    {},
    h("header", {}, author, timeElement(comment.created_time)),
    h("p", {}, richText(comment.rich_text, open)),
  );
}

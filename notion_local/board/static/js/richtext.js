// Rich text as elements: annotations, links, mentions. Text goes in as text nodes alone.

import { h, safeUrl } from "./dom.js";
import { calendar } from "./time.js";

const WRAPPERS = { bold: "strong", italic: "em", strikethrough: "s", underline: "u", code: "code" };

/** Elements for rich text runs. `open(id)` follows a page mention. */
export function richText(runs, open) {
  return (runs ?? []).map((run) => decorated(run, open));
}

function decorated(run, open) {
  const { color = "default", ...marks } = run.annotations ?? {};
  let node = core(run, open);
  for (const [mark, tag] of Object.entries(WRAPPERS)) if (marks[mark]) node = h(tag, {}, node);
  return color === "default" ? node : h(`span.ink-${color}`, {}, node);
}

function core(run, open) {
  if (run.type === "mention") return mention(run, open);
  if (run.type === "equation") return h("code.equation", {}, run.equation.expression);
  const content = run.plain_text ?? run.text?.content ?? "";
  const href = run.href && safeUrl(run.href);
  return href ? link(href, content) : document.createTextNode(content);
}

function mention(run, open) {
  const { mention: target, plain_text: words } = run;
  if (target.type === "date") return h("span.mention", {}, calendar(target.date.start));
  if (target.type === "page") {
    return h("a.mention", { href: "#", onclick: (event) => (event.preventDefault(), open?.(target.page.id)) }, words);
  }
  return h("span.mention", {}, words);
}

/** A link that opens beside the board. */
export function link(href, words) {
  return h(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer", onclick: (event) => event.stopPropagation() },
    words,
  );
}

// The keyboard: what a hand that stays on it can do.

import { h, isTyping } from "./dom.js";
import { icon } from "./icons.js";

const HELP = [
  ["New row", ["N"]],
  ["Search", ["/"]],
  ["Row before, row after", ["↑", "↓", "K", "J"]],
  ["Lane before, lane after", ["←", "→", "H", "L"]],
  ["Open the row", ["Enter"]],
  ["Close, step back", ["Esc"]],
  ["Change the status", ["E"]],
  ["Carry the card to the next lane", ["Shift", "←", "→"]],
  ["Board, table", ["B", "T"]],
  ["The nth database", ["1", "…", "9"]],
  ["This list", ["?"]],
];

const DIRECTIONS = {
  ArrowUp: "up",
  k: "up",
  ArrowDown: "down",
  j: "down",
  ArrowLeft: "left",
  h: "left",
  ArrowRight: "right",
  l: "right",
};

/** `act` has one function per key: create, search, open, close, move, carry, view, source, status, help. */
export function listen(act) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    // An open surface has the keys to itself; the browser closes it on Escape.
    if (document.querySelector("dialog[open], :popover-open")) return;
    const does = meaning(event, act);
    if (does) {
      event.preventDefault();
      does();
    }
  });
}

function meaning(event, act) {
  const row = event.target.closest?.("[data-id]")?.dataset.id ?? null;
  const direction = DIRECTIONS[event.key];
  const inPanel = event.target.closest?.("#panel");
  if (event.key === "Escape") return act.close;
  if (direction && !inPanel)
    return event.shiftKey && row ? () => act.carry(row, direction) : () => act.move(row, direction);
  if (event.key === "Enter" && row && event.target.dataset.id) return () => act.open(row);
  if (event.key === "e" && row) return () => act.status(row);
  if (/^[1-9]$/.test(event.key)) return () => act.source(Number(event.key) - 1);
  return { n: act.create, "/": act.search, "?": showHelp, b: () => act.view("board"), t: () => act.view("table") }[
    event.key
  ];
}

export function showHelp() {
  const dialog = h(
    "dialog.help",
    { "aria-label": "Keys" },
    h(
      "header",
      {},
      "Keys",
      h("button.quiet.icon-only", { "aria-label": "Close", onclick: () => dialog.close() }, icon("close")),
    ),
    h(
      "dl",
      {},
      HELP.map(([words, keys]) =>
        h(
          "div",
          {},
          h("dt", {}, words),
          h(
            "dd",
            {},
            keys.map((key) => h("kbd", {}, key)),
          ),
        ),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

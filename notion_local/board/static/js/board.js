// The board view: one lane per option, cards that glide when they change lanes, dragging and keys to move them.

import { drawCard } from "./card.js";
import { chip, statusPill } from "./cells.js";
import { fill, h, reconcile } from "./dom.js";
import { emptyView } from "./empty.js";
import { glide } from "./glide.js";
import { icon } from "./icons.js";
import { RowList } from "./rows.js";
import { recall, remember } from "./preferences.js";
import { isPutAway, lanesOf, toneOf } from "./schema.js";
import { newsIn, text } from "./values.js";

const PAGE = 40;

/**
 * Draw rows as a board into `container`; `view` and `services` as for the table, with `view.group` the property that makes
 * the lanes and `view.within(filter)` the query narrowed by one more filter.
 */
export function createBoard(container, view, services) {
  const cards = new Map();
  // A running row ticks along; a card that glowed at every tick would never rest.
  const ticking = new Set([view.schema.roles.progress, view.schema.roles.step].map((property) => property?.name));
  const foldKey = `folded.${view.schema.source.id}.${view.group.id}`;
  const folded = new Set(
    recall(foldKey) ??
      lanesOf(view.group)
        .map(({ name }) => name)
        .filter(isPutAway),
  );
  const lanes = lanesOf(view.group).map(makeLane);
  const board = h(
    "div.board",
    {},
    lanes.map((lane) => lane.element),
  );
  const scroller = h("div.scroller", {}, board);
  fill(container, scroller);

  function makeLane({ name, option }) {
    const rows = new RowList(services.pages, { ...view.within(laneFilter(name)), size: PAGE });
    const count = h("span.count");
    const list = h("div.cards");
    const more = h("button.quiet.more", { hidden: true, onclick: () => load(lane) }, "Show more");
    const heading = option
      ? view.group.type === "status"
        ? statusPill(option)
        : chip(option)
      : h("span.faint", {}, `No ${view.group.name}`);
    const add = h(
      "button.quiet.icon-only",
      {
        title: "New row here",
        "aria-label": `New row in ${name ?? "no value"}`,
        onclick: () => services.create({ [view.group.name]: name }),
      },
      icon("plus"),
    );
    const element = h(
      "section.lane",
      { "aria-label": name ?? `No ${view.group.name}`, dataset: { lane: name ?? "" } },
      h("header", {}, h("button.fold", { title: "Fold or unfold", onclick: () => fold(lane) }, heading), count, add),
      list,
      more,
    );
    if (option) element.classList.add(`tone-${toneOf(option)}`);
    const lane = { name, rows, element, list, count, more };
    acceptDrops(lane);
    return lane;
  }

  function laneFilter(name) {
    return { property: view.group.id, [view.group.type]: name === null ? { is_empty: true } : { equals: name } };
  }

  const laneOf = (page) => {
    const name = text(page.properties[view.group.name]) || null;
    return lanes.find((lane) => lane.name === name);
  };

  function draw(lane) {
    const wanted = lane.rows.ids.map((id) => {
      if (!cards.has(id)) cards.set(id, drawCard(services.pages.get(id), { view, services }));
      return cards.get(id);
    });
    reconcile(lane.list, wanted);
    const size = lane.rows.ids.length;
    lane.count.textContent = lane.rows.hasMore ? `${size}+` : String(size);
    lane.more.hidden = !lane.rows.hasMore;
    const empty = size === 0 && !lane.rows.hasMore;
    lane.element.classList.toggle("slim", empty || folded.has(lane.name));
    lane.element.classList.toggle("vacant", empty);
  }

  function fold(lane) {
    if (!folded.delete(lane.name)) folded.add(lane.name);
    remember(foldKey, [...folded]);
    glide(board, () => draw(lane));
  }

  async function load(lane) {
    await lane.rows.more();
    draw(lane);
  }

  function settle() {
    // A lane for rows without a value is only worth its place when there are such rows.
    const nameless = lanes.find((lane) => lane.name === null);
    nameless.element.hidden = !nameless.rows.ids.length;
    const empty = lanes.every((lane) => !lane.rows.ids.length);
    board.classList.toggle("is-empty", empty);
    scroller.querySelector(".empty")?.remove();
    if (empty) scroller.append(emptyView(view, services));
  }

  async function loadAll() {
    try {
      await Promise.all(lanes.map(load));
    } catch (error) {
      services.report(error);
    }
    settle();
    markOpen();
  }

  /** One row changed, came or went. */
  function apply({ id, page, before, own }) {
    const from = lanes.find((lane) => lane.rows.has(id));
    const to = page && view.accepts(page) ? laneOf(page) : null;
    if (!from && !to) return;
    const hadFocus = cards.get(id) === document.activeElement;
    glide(board, () => {
      const stays = from === to;
      if (from && !stays) from.rows.remove(id);
      if (to && !stays) to.rows.insert(page);
      if (page && cards.has(id)) redraw(id, page);
      if (!to) cards.delete(id);
      for (const lane of new Set([from, to].filter(Boolean))) draw(lane);
      settle();
    });
    // Moving an element takes its focus away.
    if (to && hadFocus) cards.get(id).focus({ preventScroll: true });
    const news = page && (!before || newsIn(before, page).some((name) => !ticking.has(name)));
    if (to && news && !own) cards.get(id)?.classList.add("touched");
  }

  function redraw(id, page) {
    const card = drawCard(page, { view, services });
    card.classList.toggle("open", services.isOpen(id));
    cards.get(id).replaceWith(card);
    cards.set(id, card);
  }

  function acceptDrops(lane) {
    lane.element.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("application/x-segue-row")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
      lane.element.classList.add("over");
    });
    lane.element.addEventListener("dragleave", (event) => {
      if (!lane.element.contains(event.relatedTarget)) lane.element.classList.remove("over");
    });
    lane.element.addEventListener("drop", (event) => {
      event.preventDefault();
      lane.element.classList.remove("over");
      moveTo(event.dataTransfer.getData("application/x-segue-row"), lane);
    });
  }

  function moveTo(id, lane) {
    const current = laneOf(services.pages.get(id));
    // Notion cannot empty a status: a card without one can be given one, not the other way round.
    if (!lane || lane === current || (lane.name === null && view.group.type === "status")) return;
    services.edit(id, view.group, lane.name);
  }

  board.addEventListener("dragstart", (event) => {
    const card = event.target.closest(".card");
    event.dataTransfer.setData("application/x-segue-row", card.dataset.id);
    event.dataTransfer.effectAllowed = "move";
    requestAnimationFrame(() => card.classList.add("dragged"));
  });
  board.addEventListener("dragend", (event) => event.target.closest(".card")?.classList.remove("dragged"));
  board.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (card && !event.target.closest("a, button")) services.open(card.dataset.id);
  });

  function focus(id) {
    const card = cards.get(id);
    card?.scrollIntoView({ block: "nearest", inline: "nearest" });
    card?.focus({ preventScroll: true });
  }

  function move(from, direction) {
    const filled = lanes.filter((lane) => lane.rows.ids.length);
    const lane = filled.find((each) => each.rows.has(from));
    if (!lane) return focus(filled[0]?.rows.ids[0]);
    const index = lane.rows.ids.indexOf(from);
    const step = { up: -1, down: 1 }[direction];
    if (step) return focus(lane.rows.ids[Math.min(Math.max(0, index + step), lane.rows.ids.length - 1)]);
    const next = filled[filled.indexOf(lane) + (direction === "right" ? 1 : -1)];
    if (next) focus(next.rows.ids[Math.min(index, next.rows.ids.length - 1)]);
  }

  /** Carry a card to the neighbouring lane by key. */
  function carry(id, direction) {
    const lane = lanes.find((each) => each.rows.has(id));
    moveTo(id, lanes[lanes.indexOf(lane) + (direction === "right" ? 1 : -1)]);
  }

  function markOpen() {
    for (const [id, card] of cards) {
      card.classList.toggle("open", services.isOpen(id));
      if (services.isOpen(id)) card.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "smooth" });
    }
  }

  return { apply, move, carry, focus, markOpen, ready: loadAll(), destroy: () => {} };
}

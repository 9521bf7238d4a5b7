// A small surface beside something: the browser's own popover gives the top layer, Escape and click-away.

import { h } from "./dom.js";

const GAP = 4;
const MARGIN = 8;

/**
 * Show `content` at `anchor`. `over` covers the anchor instead of standing below it. Returns a function that closes it.
 * `onclose({ cancelled })` is called once, whatever closed it; `cancelled` means Escape.
 */
export function openPopover(anchor, content, { over = false, label = "", className = "", onclose } = {}) {
  const surface = h("div.popover", { popover: "auto", role: "dialog", "aria-label": label }, content);
  if (className) surface.classList.add(className);
  let cancelled = false;
  surface.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") cancelled = true;
  });
  surface.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    surface.remove();
    onclose?.({ cancelled });
    if (document.activeElement === document.body) anchor.closest("[tabindex], button")?.focus();
  });
  // A modal dialog makes everything outside itself inert, popovers too: they live inside it.
  (anchor.closest("dialog") ?? document.body).append(surface);
  surface.showPopover();
  const at = anchor.getBoundingClientRect();
  new ResizeObserver(() => surface.isConnected && place(surface, at, over)).observe(surface);
  place(surface, at, over);
  return () => surface.hidePopover();
}

function place(surface, at, over) {
  if (over) surface.style.minWidth = `${Math.max(at.width, 260)}px`;
  const { width, height } = surface.getBoundingClientRect();
  const top = over ? at.top : at.bottom + GAP;
  const fits = top + height + MARGIN <= innerHeight;
  const y = fits ? top : Math.max(MARGIN, (over ? innerHeight - MARGIN : at.top - GAP) - height);
  const x = Math.min(Math.max(MARGIN, at.left), innerWidth - width - MARGIN);
  surface.style.left = `${Math.max(MARGIN, x)}px`;
  surface.style.top = `${y}px`;
}

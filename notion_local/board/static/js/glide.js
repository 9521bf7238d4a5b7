// Cards that change place travel there. First-Last-Invert-Play: measure, change, and animate the difference away.

const DURATION = 420;
const EASING = "cubic-bezier(.22, 1, .36, 1)";

/** Run `change`, then let every card inside `root` that moved glide from where it was. */
export function glide(root, change) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return change();
  const before = new Map(
    [...root.querySelectorAll(".card")].map((card) => [card.dataset.id, card.getBoundingClientRect()]),
  );
  change();
  for (const card of root.querySelectorAll(".card")) {
    const now = card.getBoundingClientRect();
    const old = before.get(card.dataset.id);
    if (!old) appear(card);
    else if (inSight(now) || inSight(old)) travel(card, old.left - now.left, old.top - now.top);
  }
}

const inSight = (box) => box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;

function travel(card, dx, dy) {
  if (Math.abs(dx) < 1 && Math.abs(dy) < 1) return;
  const crossesLanes = Math.abs(dx) > 40;
  card.style.zIndex = crossesLanes ? "2" : "";
  const lift = crossesLanes ? [{ offset: 0.5, boxShadow: "var(--shadow-lifted)" }] : [];
  card
    .animate([{ transform: `translate(${dx}px, ${dy}px)` }, ...lift, { transform: "none" }], {
      duration: DURATION,
      easing: EASING,
    })
    .finished.then(
      () => (card.style.zIndex = ""),
      () => {},
    );
}

function appear(card) {
  card.animate(
    [
      { opacity: 0, transform: "translateY(6px) scale(.98)" },
      { opacity: 1, transform: "none" },
    ],
    { duration: 260, easing: EASING },
  );
}

// Times as people say them. Notion floors its own times to the minute, so nothing here pretends to seconds.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "4 min ago", "in 2 h", "yesterday", "12 Nov", "12 Nov 2024". */
export function relative(when, now = Date.now()) {
  const then = new Date(when).getTime();
  const distance = Math.abs(now - then);
  const ago = then <= now;
  if (distance < 1.5 * MINUTE) return ago ? "just now" : "in a minute";
  if (distance < HOUR) return phrase(Math.round(distance / MINUTE), "min", ago);
  if (distance < 20 * HOUR) return phrase(Math.round(distance / HOUR), "h", ago);
  const days = calendarDays(then, now);
  if (days === 1) return ago ? "yesterday" : "tomorrow";
  if (days < 7) return phrase(Math.max(days, 1), "d", ago);
  return shortDate(then, now);
}

function phrase(count, unit, ago) {
  return ago ? `${count} ${unit} ago` : `in ${count} ${unit}`;
}

function calendarDays(a, b) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round(Math.abs(midnight(a) - midnight(b)) / DAY);
}

function shortDate(time, now) {
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(time);
}

/** A Notion date's start or end: days stay days (no time zone is applied), moments are shown in local time. */
export function calendar(text) {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const [year, month, day] = text.split("-").map(Number);
    return shortDate(new Date(year, month - 1, day).getTime(), Date.now());
  }
  const moment = new Date(text);
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(moment);
  return `${shortDate(moment.getTime(), Date.now())}, ${clock}`;
}

export function full(text) {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" }).format(new Date(text));
}

/** A `<time>` that keeps itself current (see `startClock`). */
export function timeElement(when, prefix = "") {
  const element = document.createElement("time");
  element.dateTime = when;
  element.title = full(when);
  element.dataset.prefix = prefix;
  element.textContent = prefix + relative(when);
  return element;
}

/** Refresh every relative time on the page twice a minute. */
export function startClock() {
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-prefix]")) {
      const text = element.dataset.prefix + relative(element.dateTime);
      if (element.textContent !== text) element.textContent = text;
    }
  }, 30_000);
}

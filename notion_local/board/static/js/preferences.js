// What this browser remembers between visits: chosen columns and views, theme. Losing it loses nothing.

const PREFIX = "segue.";

export function recall(key, fallback = null) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function remember(key, value) {
  if (value === null) localStorage.removeItem(PREFIX + key);
  else localStorage.setItem(PREFIX + key, JSON.stringify(value));
}

// Light or dark, before the first paint: a classic script, so that the page never flashes in the wrong one.
// Without a choice the system's preference rules (`color-scheme: light dark` in tokens.css).
"use strict";
{
  const chosen = localStorage.getItem("segue.theme");
  if (chosen) document.documentElement.dataset.theme = JSON.parse(chosen);
}

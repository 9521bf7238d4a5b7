// A word at the foot of the page: what went wrong, or what can be taken back.

import { h } from "./dom.js";

const SECONDS = 6;

export function toast(words, { action, onaction, tone = "plain" } = {}) {
  const element = h(`div.toast.${tone}`, {}, h("span", {}, words));
  const leave = () => element.remove();
  if (action) element.append(h("button", { onclick: () => (leave(), onaction()) }, action));
  document.getElementById("toasts").append(element);
  setTimeout(leave, SECONDS * 1000);
}

// The board's own icons: 16 × 16 strokes in the text's colour.

const PATHS = {
  table: "M2.5 3.5h11v9h-11z M2.5 6.5h11 M6.5 6.5v6",
  board: "M2.5 3.5h3v9h-3z M6.5 3.5h3v6h-3z M10.5 3.5h3v4h-3z",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z M10.5 10.5l3 3",
  plus: "M8 3.5v9 M3.5 8h9",
  close: "M4 4l8 8 M12 4l-8 8",
  chevron: "M6 4l4 4-4 4",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  sort: "M5 3v10 M5 13l-2.2-2.4 M5 13l2.2-2.4 M11 13V3 M11 3L8.8 5.4 M11 3l2.2 2.4",
  filter: "M2.5 4.5h11 M4.5 8h7 M6.5 11.5h3",
  columns: "M3 3.5h10v9H3z M6.4 3.5v9 M9.7 3.5v9",
  group: "M2.5 3.5h4v4h-4z M9.5 3.5h4v4h-4z M2.5 10.5h11 M2.5 12.8h7",
  link: "M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8 M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8",
  out: "M6.5 3.5h-3v9h9v-3 M9 3.5h3.5V7 M12.3 3.7L7.5 8.5",
  trash: "M3 4.5h10 M6.5 4.5v-1h3v1 M4.5 4.5l.6 8h5.8l.6-8 M6.8 7v3.5 M9.2 7v3.5",
  sun: "M8 10.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2z M8 1.8v1.4 M8 12.8v1.4 M1.8 8h1.4 M12.8 8h1.4 M3.6 3.6l1 1 M11.4 11.4l1 1 M12.4 3.6l-1 1 M4.6 11.4l-1 1",
  moon: "M13 9.6A5.4 5.4 0 1 1 6.4 3a4.3 4.3 0 0 0 6.6 6.6z",
  keyboard: "M2 4.5h12v7.5H2z M4.5 7h.1 M7 7h.1 M9.4 7h.1 M11.6 7h.1 M5.5 9.7h5",
  comment: "M3 3.5h10v7H7.5L5 13v-2.5H3z",
  menu: "M2.5 4.5h11 M2.5 8h11 M2.5 11.5h11",
  check: "M3.5 8.4l3 3 6-6.6",
  expand: "M9.5 3.5h3v3 M12.3 3.7L9 7 M6.5 12.5h-3v-3 M3.7 12.3L7 9",
  page: "M4.5 2.5h4.8l2.7 2.7v8.3h-7.5z M9.2 2.7v2.7h2.6",
  warning: "M8 2.8l5.8 10H2.2z M8 6.6v3 M8 11.3v.1",
  question: "M5.8 6.2a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.8-1.1 1.6 M8 12v.1",
  title: "M3.5 4v-.5h9V4 M8 3.5v9 M6.3 12.5h3.4",
  rich_text: "M3 4.5h10 M3 8h10 M3 11.5h6",
  number: "M6.3 3l-1 10 M10.7 3l-1 10 M3 6.3h10.4 M2.6 9.7H13",
  select: "M8 13.2A5.2 5.2 0 1 0 8 2.8a5.2 5.2 0 0 0 0 10.4z M5.8 7.3L8 9.4l2.2-2.1",
  multi_select: "M6.2 4.5h7 M6.2 8h7 M6.2 11.5h7 M3 4.5h.1 M3 8h.1 M3 11.5h.1",
  status: "M8 13.2A5.2 5.2 0 1 0 8 2.8a5.2 5.2 0 0 0 0 10.4z M8 5.4A2.6 2.6 0 1 1 8 10.6z",
  date: "M3 4h10v9H3z M3 7h10 M5.8 2.5v2.6 M10.2 2.5v2.6",
  checkbox: "M3 3h10v10H3z M5.4 8.2l1.9 1.9 3.4-4",
  url: "M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8 M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8",
  files: "M12.2 7.4l-4.4 4.4a2.7 2.7 0 0 1-3.9-3.9l4.7-4.6a1.8 1.8 0 0 1 2.6 2.6L6.6 10.5a.9.9 0 0 1-1.3-1.3l4-4",
  relation: "M4.5 11.5l7-7 M6.5 4.5h5v5",
  rollup: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z M10.5 10.5l3 3 M5 7h4",
  formula: "M11.5 4v-.5h-7L8 8l-3.5 4.5h7V12",
  people: "M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z M3.3 13.2c.4-2.5 2.3-3.7 4.7-3.7s4.3 1.2 4.7 3.7",
  time: "M8 13.2A5.2 5.2 0 1 0 8 2.8a5.2 5.2 0 0 0 0 10.4z M8 5v3.2l2 1.3",
  unique_id: "M3 4.5v7 M6 11.5v-7h2.2a2 2 0 0 1 0 4H6 M11 11.5h2",
};

const SAME = {
  created_time: "time",
  last_edited_time: "time",
  created_by: "people",
  last_edited_by: "people",
  email: "rich_text",
  phone_number: "number",
  button: "select",
};

const SVG = "http://www.w3.org/2000/svg";

/** An icon by name; a property type is a name too. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? PATHS[SAME[name]] ?? PATHS.rich_text);
  svg.append(path);
  return svg;
}

/** Two fades crossing: the mark of the house. */
export function mark() {
  const image = document.createElement("img");
  image.src = "/static/mark.svg";
  image.alt = "";
  image.className = "mark";
  return image;
}

// Moving about the matrix by keys: one of its buttons can be tabbed to, arrows lead to the others.

let current = null;

function setCurrent(to) {
  if (current) current.tabIndex = -1;
  current = to ?? null;
  if (current) current.tabIndex = 0;
}

// Where the focus is, in words that hold when the matrix is drawn anew.
function placeOfFocus() {
  const cell = current?.closest("td, th");
  if (!cell) return null;
  const hasFocus = current === document.activeElement;
  return { row: keyOfLine(cell.parentElement), column: drawn[cell.cellIndex - 1]?.id, hasFocus };
}

function buttonAt(place) {
  const line = place && [...matrix.rows].find((each) => keyOfLine(each) === place.row);
  const column = 1 + drawn.findIndex((each) => each.id === place?.column);
  const found = line?.cells[column]?.querySelector("button") ?? null;
  if (place?.hasFocus) found?.focus();
  return found;
}

const keyOfLine = (line) =>
  rowsByElement.get(line)?.key ?? line.closest("tbody")?.dataset.section ?? "";

const PAGE = 12; // rows

function neighbour(from, key, toTheEnd) {
  const cell = from.closest("td, th");
  drawWaiting();
  const rows = [...matrix.rows];
  const at = rows.indexOf(cell.parentElement);
  const across = (buttons) => buttons.map((each) => each?.querySelector("button")).filter(Boolean);
  const along = [...cell.parentElement.cells];
  const above = rows.slice(0, at).map((row) => row.cells[cell.cellIndex]);
  const below = rows.slice(at + 1).map((row) => row.cells[cell.cellIndex]);
  switch (key) {
    case "ArrowRight":
      return across(along.slice(cell.cellIndex + 1))[0];
    case "ArrowLeft":
      return across(along.slice(0, cell.cellIndex)).at(-1);
    case "ArrowUp":
      return across(above).at(-1);
    case "ArrowDown":
      return across(below)[0];
    case "PageUp":
      return across(above).slice(-PAGE)[0];
    case "PageDown":
      return across(below).slice(0, PAGE).at(-1);
    case "Home":
      return across(toTheEnd ? [...rows[0].cells] : along)[0];
    case "End":
      return across(toTheEnd ? [...rows.at(-1).cells] : along).at(-1);
  }
  return undefined;
}

matrix.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey || event.shiftKey) return;
  const to = event.target.closest("button") && neighbour(event.target, event.key, event.ctrlKey);
  if (!to) return;
  event.preventDefault();
  setCurrent(to);
  to.focus();
});

matrix.addEventListener("focusin", (event) => {
  if (event.target.closest("button")) setCurrent(event.target);
});

document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, select, textarea");
  if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    byId("words").focus();
  } else if (event.key === "Escape" && state.open) {
    event.preventDefault();
    closePanel();
  }
});

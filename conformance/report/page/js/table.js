// Drawing the matrix, and folding its sections and claims.

const matrix = byId("matrix");
const AT_ONCE = 45; // rows that are drawn before the first paint, more than a screen shows
const FEW = 4; // columns that leave room for the sentences of the claims
let drawn = []; // the columns, from left to right
let waiting = []; // what draws the rows of the sections further down

function drawMatrix() {
  const place = placeOfFocus();
  drawn = shownColumns();
  waiting = [];
  const claims = shownClaims(drawn);
  matrix.classList.toggle("few", drawn.length <= FEW);
  matrix.style.setProperty("--columns", drawn.length);
  matrix.tHead.replaceChildren(headElement(drawn));
  for (const body of [...matrix.tBodies]) body.remove();
  for (const section of unique(claims.map((claim) => claim.section))) {
    const body = element("tbody", { "data-section": section });
    const members = claims.filter((claim) => claim.section === section);
    matrix.append(body);
    if (matrix.rows.length < AT_ONCE) fillBody(body, members);
    else waiting.push(() => fillBody(body, members));
  }
  byId("nothing").hidden = claims.length > 0;
  sayWhatIsShown(claims);
  markOpenCell();
  const first = ["tbody td button", "button"].map((each) => matrix.querySelector(each));
  setCurrent(buttonAt(place) ?? first.find(Boolean));
  requestAnimationFrame(() => setTimeout(drawNext));
}

// Draws a section that is not drawn yet, and leaves the reader a moment before the next one.
function drawNext() {
  waiting.shift()?.();
  if (waiting.length) setTimeout(drawNext);
  else markOpenCell();
}

// Draws the rest at once; whoever looks for a row below the first screen calls this first.
function drawWaiting() {
  const steps = waiting;
  waiting = [];
  for (const step of steps) step();
  if (steps.length) markOpenCell();
}

function fillBody(body, claims) {
  const { section } = body.dataset;
  const rows = state.folded.has(section) ? [] : claims.map(rowOfClaim).flatMap(withUnfolded);
  const whole = CLAIMS.filter((claim) => claim.section === section);
  const first = sectionElement(section, whole, drawn);
  body.replaceChildren(first, ...rows.map((row) => rowElement(row, drawn)));
}

const withUnfolded = (row) => [
  row,
  ...(state.unfolded.has(row.key) ? rowsWithin(row).flatMap(withUnfolded) : []),
];

function toggleSection(body) {
  const { section } = body.dataset;
  if (!state.folded.delete(section)) state.folded.add(section);
  fillBody(body, shownClaims(drawn).filter((claim) => claim.section === section));
  setCurrent(body.querySelector("button"));
  current.focus();
}

function toggleRow(line) {
  const row = rowsByElement.get(line);
  const unfold = !state.unfolded.delete(row.key);
  if (unfold) {
    state.unfolded.add(row.key);
    const rows = rowsWithin(row).flatMap(withUnfolded);
    line.after(...rows.map((each) => rowElement(each, drawn)));
  } else {
    const isWithin = (other) => other && rowsByElement.get(other)?.depth > row.depth;
    while (isWithin(line.nextElementSibling)) line.nextElementSibling.remove();
  }
  line.querySelector("button").setAttribute("aria-expanded", String(unfold));
  markOpenCell();
}

// Unfolds and draws what leads to a cell, and gives its button, if the filters leave it there.
function revealCell(open) {
  const [one] = casesAt(open);
  if (one) {
    state.folded.delete(one.claim.section);
    if (open.transform || open.case) state.unfolded.add(one.claim.id);
    if (open.case) state.unfolded.add(`${one.claim.id}[${one.transform}`);
  }
  drawMatrix();
  drawWaiting();
  return buttonOf(open);
}

function buttonOf(open) {
  const column = drawn.findIndex((each) => each.id === open.at);
  if (column < 0) return null;
  if (!open.claim) return matrix.tHead.rows[0].cells[column + 1].querySelector("button");
  drawWaiting();
  const line = [...matrix.rows].find((each) => isRowOf(rowsByElement.get(each), open));
  return line?.cells[column + 1].querySelector("button") ?? null;
}

const isRowOf = (row, open) =>
  row !== undefined && PARTS.slice(1).every((part) => (row.open[part] ?? "") === (open[part] ?? ""));

function markOpenCell() {
  for (const old of matrix.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
  if (state.open && !waiting.length) buttonOf(state.open)?.setAttribute("aria-current", "true");
}

// What a button of the matrix is for.
function openAt(pressed) {
  const cell = pressed.closest("td, th");
  const row = rowsByElement.get(cell.parentElement);
  return { at: drawn[cell.cellIndex - 1].id, ...row?.open };
}

matrix.addEventListener("click", (event) => {
  const pressed = event.target.closest("button");
  if (!pressed) return;
  setCurrent(pressed);
  const cell = pressed.closest("td, th");
  if (cell.parentElement.matches(".section")) toggleSection(cell.closest("tbody"));
  else if (cell.cellIndex > 0) openPanel(openAt(pressed));
  else if (pressed.hasAttribute("aria-expanded")) toggleRow(cell.parentElement);
  else openPanel({ at: drawn[0].id, ...rowsByElement.get(cell.parentElement).open });
});

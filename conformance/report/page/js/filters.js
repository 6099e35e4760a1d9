// The filters, and the words that say what they leave.

const LABELS = { section: "all", transform: "all", backend: "all", subject: "all" };

function setUpFilters() {
  for (const [name, none] of Object.entries(LABELS)) {
    const chosen = byId(name);
    chosen.append(element("option", { value: "" }, none));
    chosen.append(...CHOICES[name].map((value) => element("option", { value }, titleOf(name, value))));
    chosen.addEventListener("change", () => filterBy(name, chosen.value));
  }
  byId("backend-label").hidden = CHOICES.backend.length < 2;
  const { counts } = allCounts();
  const seen = DATA.verdicts.filter((_, verdict) => counts[verdict]);
  byId("verdicts").append(...seen.map((verdict) => verdictButton(verdict, counts)));
  byId("clear").addEventListener("click", clearFilters);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  let waiting = 0;
  byId("words").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => filterBy("words", event.target.value.trim()), 120);
  });
}

function titleOf(name, value) {
  if (name === "subject") return columnAt(value).title;
  if (name === "section") return value.replaceAll("_", " ");
  return value === "-" ? "none" : value;
}

function allCounts() {
  const each = COLUMNS.map((column) => count(CASES, column).counts);
  return { counts: DATA.verdicts.map((_, at) => each.reduce((sum, counts) => sum + counts[at], 0)) };
}

function verdictButton(verdict, counts) {
  const number = DATA.verdicts.indexOf(verdict);
  const made = button(
    { class: `badge ${verdictClass(number)}`, "aria-pressed": "false", "data-verdict": verdict },
    mark(number),
    `${verdict} `,
    element("span", { class: "number" }, counts[number].toLocaleString("en")),
  );
  made.addEventListener("click", () => {
    filterBy("verdict", state.verdict === verdict ? "" : verdict);
  });
  return made;
}

function filterBy(name, value) {
  state[name] = value;
  showFiltered();
}

function clearFilters() {
  for (const name of FILTERS) state[name] = "";
  showFiltered();
  byId("words").focus();
}

function showFiltered() {
  showFilters();
  writeFragment();
  byId("scroller").scrollTop = 0;
  drawMatrix();
}

function showFilters() {
  for (const name of ["words", ...Object.keys(LABELS)]) {
    if (byId(name).value !== state[name]) byId(name).value = state[name];
  }
  for (const each of byId("verdicts").children) {
    each.setAttribute("aria-pressed", String(each.dataset.verdict === state.verdict));
  }
  byId("clear").hidden = !isFiltered();
}

function sayWhatIsShown(claims) {
  const part = claims.length === CLAIMS.length ? "" : `${claims.length} of `;
  const shown = `${part}${counted(CLAIMS.length, "claim")}, ${counted(drawn.length, "subject")}.`;
  const cell = "A cell: the worst verdict of its cases, and how many hold of how many that ran.";
  byId("shown").textContent = `${shown} ${cell}`;
}

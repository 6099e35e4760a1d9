// What is shown: the filters, the cell that is open, and both as the fragment of the address.

const FILTERS = ["words", "section", "transform", "backend", "subject", "verdict"];
const PARTS = ["at", "claim", "transform", "case"];

const state = {
  ...Object.fromEntries(FILTERS.map((name) => [name, ""])),
  open: null, // a column's id at `at`; of a cell also its claim, transform and case
  unfolded: new Set(), // keys of rows
  folded: new Set(), // sections
};

const CHOICES = {
  section: unique(CLAIMS.map((claim) => claim.section)),
  transform: unique(CASES.map((one) => one.transform)).sort(
    (a, b) => a.includes("-of-") - b.includes("-of-") || a.localeCompare(b),
  ),
  backend: unique(COLUMNS.map((column) => column.backend)),
  subject: COLUMNS.map((column) => column.id),
  verdict: DATA.verdicts,
};

const columnAt = (id) => COLUMNS.find((column) => column.id === id);

const shownColumns = () =>
  COLUMNS.filter(
    (column) =>
      (!state.backend || column.backend === state.backend) &&
      (!state.subject || column.id === state.subject),
  );

const shownCases = (cases) =>
  state.transform ? cases.filter((one) => one.transform === state.transform) : cases;

const haystacks = new Map();
function haystackOf(claim) {
  if (!haystacks.has(claim)) {
    const words = [claim.id, claim.sentence, claim.guide, ...causesOf(claim)];
    haystacks.set(claim, words.join("\n").toLowerCase());
  }
  return haystacks.get(claim);
}

function shownClaims(columns) {
  if (!columns.length) return [];
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  const verdict = DATA.verdicts.indexOf(state.verdict);
  return CLAIMS.filter((claim) => {
    const cases = shownCases(claim.cases);
    return (
      cases.length &&
      (!state.section || claim.section === state.section) &&
      (!words.length || words.every((word) => haystackOf(claim).includes(word))) &&
      (verdict < 0 || columns.some((column) => count(cases, column).counts[verdict]))
    );
  });
}

const isFiltered = () => FILTERS.some((name) => state[name]);

function fragmentOf(open) {
  const parameters = new URLSearchParams();
  for (const part of PARTS) if (open?.[part]) parameters.set(part, open[part]);
  for (const name of FILTERS) if (state[name]) parameters.set(`show-${name}`, state[name]);
  return `#${parameters}`;
}

// Takes what a fragment says, as far as it means something here.
function readFragment() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  state.words = parameters.get("show-words") ?? "";
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = parameters.get(`show-${name}`);
    state[name] = choices.includes(value) ? value : "";
  }
  const open = Object.fromEntries(PARTS.map((part) => [part, parameters.get(part) ?? ""]));
  const known = columnAt(open.at) && (!open.claim || casesAt(open).length);
  state.open = known ? open : null;
}

function writeFragment({ anew = false } = {}) {
  const address = location.pathname + location.search + fragmentOf(state.open);
  history[anew ? "pushState" : "replaceState"](null, "", address);
}

// The cases that a cell is about.
function casesAt(open) {
  const claim = CLAIMS.find((each) => each.id === open.claim);
  return (claim?.cases ?? []).filter(
    (one) =>
      (!open.transform || one.transform === open.transform) &&
      (!open.case || wordsOf(one) === open.case),
  );
}

// What tells the cases of one transform apart.
const wordsOf = (one) => `${one.style},${one.variant}`;

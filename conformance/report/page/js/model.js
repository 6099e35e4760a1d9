// What the page knows, as data.py wrote it down, and what can be asked of it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const [, , , , HELD, NOT_APPLICABLE] = DATA.verdicts.keys();
const MARKS = ["✗", "!", "?", "~", "✓", "–"];

const textOf = (number) => DATA.texts[number ?? 0];
const verdictClass = (verdict) => DATA.verdicts[verdict].replaceAll(" ", "-");
const unique = (values) => [...new Set(values)];

const CLAIMS = DATA.claims.map(([id, sentence, guide], number) => ({
  number,
  id: textOf(id),
  section: textOf(id).split("/")[0],
  name: textOf(id).split("/").slice(1).join("/") || textOf(id),
  sentence: textOf(sentence),
  guide: textOf(guide),
  cases: [],
}));

const CASES = DATA.cases.map(([claim, transform, style, variant], number) => ({
  number,
  claim: CLAIMS[claim],
  transform: textOf(transform),
  style: textOf(style),
  variant: textOf(variant),
}));
for (const one of CASES) one.claim.cases.push(one);

const SEVERAL_BACKENDS = unique(DATA.columns.map((column) => column.backend)).length > 1;

const COLUMNS = DATA.columns.map((column, number) => {
  const same = DATA.columns.slice(0, number).filter((other) => placeOf(other) === placeOf(column));
  const shown = [`flax ${column.flax}`, `jax ${column.jax}`];
  if (SEVERAL_BACKENDS) shown.push(column.backend);
  if (column.mode !== "default") shown.push(column.mode);
  if (same.length) shown.push(`record ${same.length + 1}`);
  const id = placeOf(column) + (same.length ? `-${same.length + 1}` : "");
  return { ...column, number, id, title: shown.join(", "), beside: shown.slice(2) };
});

function placeOf(column) {
  const words = [column.flax, "jax", column.jax, column.backend];
  return [...words, ...(column.mode === "default" ? [] : [column.mode])].join("-");
}

const keyOf = (one, column) =>
  `${one.claim.id}[${[one.transform, one.style, one.variant, column.backend, column.mode].join(",")}]`;

// What was found in a case on a subject; null where the record does not have the case.
function findingOf(one, column) {
  const row = DATA.findings[column.found[one.number]];
  if (!row) return null;
  const [verdict, observed, error, message, cause, evidence, notes, outputs, details] = row;
  return {
    verdict,
    observed: textOf(observed),
    error: textOf(error),
    message: textOf(message),
    cause: textOf(cause),
    evidence: textOf(evidence),
    notes: mappingOf(notes),
    outputs: mappingOf(outputs),
    details: mappingOf(details),
  };
}

function mappingOf(number) {
  const row = DATA.mappings[number ?? 0];
  return row.flatMap((name, at) => (at % 2 ? [] : [[textOf(name), textOf(row[at + 1])]]));
}

// The verdicts of some cases: how many of each, the worst, how many hold of how many that ran.
function count(cases, column) {
  const counts = DATA.verdicts.map(() => 0);
  for (const one of cases) {
    const row = DATA.findings[column.found[one.number]];
    if (row) counts[row[0]] += 1;
  }
  const ran = counts.slice(0, NOT_APPLICABLE).reduce((sum, number) => sum + number, 0);
  return { counts, worst: counts.findIndex(Boolean), held: counts[HELD], ran };
}

// How many claims hold wholly, of how many that have a case that ran.
function countClaims(claims, column) {
  const ran = claims.map((claim) => count(claim.cases, column)).filter((each) => each.ran);
  return { held: ran.filter((each) => each.held === each.ran).length, ran: ran.length };
}

const causesOf = (claim) =>
  unique(
    claim.cases.flatMap((one) =>
      COLUMNS.map((column) => textOf(DATA.findings[column.found[one.number]]?.[4])),
    ),
  ).filter(Boolean);

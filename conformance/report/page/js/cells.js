// The cells and rows of the matrix.

const rowsByElement = new WeakMap();

function rowOfClaim(claim) {
  const cases = shownCases(claim.cases);
  const key = claim.id;
  return { key, claim, cases, depth: 0, label: claim.name, open: { claim: claim.id } };
}

// What a row unfolds into: transforms, then cases; what there is only one of is passed over.
function rowsWithin(row) {
  const { claim, depth } = row;
  const transforms = unique(row.cases.map((one) => one.transform));
  if (row.depth === 0 && transforms.length > 1) {
    return transforms.map((transform) => ({
      key: `${claim.id}[${transform}`,
      claim,
      cases: row.cases.filter((one) => one.transform === transform),
      depth: 1,
      label: transform === "-" ? "no transform" : transform,
      open: { claim: claim.id, transform },
    }));
  }
  if (row.cases.length < 2) return [];
  return row.cases.map((one) => ({
    key: `${claim.id}[${one.transform},${wordsOf(one)}`,
    claim,
    cases: [one],
    depth: depth + 1,
    label: labelOfCase(one, depth === 0 ? one.transform : "-"),
    open: { claim: claim.id, transform: one.transform, case: wordsOf(one) },
  }));
}

const labelOfCase = (one, transform = one.transform) =>
  [transform, one.style, one.variant].filter((word) => word !== "-").join(" · ") || "the case";

function rowElement(row, columns) {
  const unfolds = row.depth < 2 && rowsWithin(row).length > 0;
  const header = button(
    { tabindex: "-1", "aria-expanded": unfolds && String(state.unfolded.has(row.key)) },
    element("span", { class: "label" }, row.label),
    row.depth ? null : element("span", { class: "sentence" }, row.claim.sentence),
  );
  header.title = row.depth ? row.label : `${row.claim.id}: ${row.claim.sentence}`;
  const made = element(
    "tr",
    { class: `depth-${row.depth}` },
    element("th", { scope: "row" }, header),
    ...columns.map((column, at) => cellElement(row, column, columns[at - 1])),
  );
  rowsByElement.set(made, row);
  return made;
}

function cellElement(row, column, before) {
  const { counts, worst, held, ran } = count(row.cases, column);
  const line = startsLine(column, before) ? ["line"] : [];
  if (worst < 0) return element("td", { class: line.join() || null });
  const wanted = DATA.verdicts.indexOf(state.verdict);
  const aside = wanted >= 0 && !counts[wanted] ? ["aside"] : [];
  const numbers = ran ? `${held}/${ran}` : "n/a";
  const says = ran ? `${numbers} hold, worst: ${DATA.verdicts[worst]}` : "n/a: not applicable";
  return element(
    "td",
    { class: [verdictClass(worst), ...aside, ...line].join(" ") },
    button(
      { tabindex: "-1", "aria-label": `${says}. ${row.label} on ${column.title}` },
      numbers,
    ),
  );
}

// Whether a column begins another minor release than that of the column before it.
const startsLine = (column, before) =>
  before !== undefined && minorOf(column.flax) !== minorOf(before.flax);
const minorOf = (version) => version.split(".").slice(0, 2).join(".");

function sectionElement(section, claims, columns) {
  const folded = state.folded.has(section);
  const header = button(
    { tabindex: "-1", "aria-expanded": String(!folded) },
    element("span", { class: "label" }, section.replaceAll("_", " ")),
  );
  const numbers = columns.map((column, at) => {
    const { held, ran } = countClaims(claims, column);
    const attributes = { class: startsLine(column, columns[at - 1]) ? "line" : null };
    return element("td", attributes, ran ? `${held}/${ran}` : "");
  });
  return element("tr", { class: "section" }, element("th", { scope: "row" }, header), ...numbers);
}

function headElement(columns) {
  const corner = element(
    "td",
    {},
    element("span", {}, "flax"),
    element("span", { class: "quiet" }, "jax"),
    element("span", { class: "quiet" }, "claims held"),
  );
  const titles = columns.map((column, at) => {
    const { held, ran } = countClaims(CLAIMS, column);
    return element(
      "th",
      { scope: "col", class: startsLine(column, columns[at - 1]) ? "line" : null },
      button(
        { tabindex: "-1", title: column.title },
        element("b", {}, column.flax),
        element("span", { class: "quiet" }, column.jax),
        ...column.beside.map((words) => element("span", { class: "quiet" }, words)),
        element("span", { class: "share" }, `${held}/${ran}`),
      ),
    );
  });
  return element("tr", {}, corner, ...titles);
}

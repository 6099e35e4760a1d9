// The panel: what was found in a cell, or what a column is.

const panel = byId("panel");
const narrow = matchMedia("(max-width: 760px)");

function openPanel(open, { anew = !state.open } = {}) {
  state.open = open;
  writeFragment({ anew });
  showPanel();
}

// Shows what is open; the heading has the focus, so that reading goes on there.
function showPanel() {
  const column = columnAt(state.open.at);
  const content = state.open.claim ? aboutCell(state.open, column) : aboutColumn(column);
  panel.replaceChildren(toolbar(column), ...content.filter(Boolean));
  panel.scrollTop = 0;
  if (panel.open && panel.matches(":modal") !== narrow.matches) panel.close();
  if (!panel.open && narrow.matches) panel.showModal();
  else if (!panel.open) panel.show();
  markOpenCell();
  buttonOf(state.open)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  byId("panel-title").focus({ preventScroll: true });
}

function closePanel() {
  const { at, claim, transform } = state.open;
  const back = [state.open, { at, claim, transform }, { at, claim }, { at }];
  state.open = null;
  panel.close();
  writeFragment();
  markOpenCell();
  const to = back.map(buttonOf).find(Boolean) ?? current;
  setCurrent(to);
  to?.focus();
}

panel.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (state.open) closePanel();
});

function toolbar(column) {
  const at = drawn.indexOf(column);
  const step = (words, to) => {
    const made = button({ disabled: !to }, words);
    if (to) made.addEventListener("click", () => openPanel({ ...state.open, at: to.id }));
    return made;
  };
  const close = button({ class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", closePanel);
  return element(
    "div",
    { class: "toolbar" },
    step("← newer", at < 0 ? undefined : drawn[at - 1]),
    step("older →", at < 0 ? undefined : drawn[at + 1]),
    element("a", { href: fragmentOf(state.open) }, "link"),
    close,
  );
}

const heading = (words) => element("h2", { id: "panel-title", tabindex: "-1" }, words);

function aboutCell(open, column) {
  const cases = shownCases(casesAt(open));
  const { claim } = casesAt(open)[0];
  const { worst, held, ran } = count(cases, column);
  const words = ran ? `${held} of ${counted(ran, "case")} ${held === 1 ? "holds" : "hold"}` : "";
  const within = open.case ? labelOfCase(cases[0] ?? casesAt(open)[0]) : open.transform;
  const none = element("p", {}, "The record has no such case.");
  return [
    heading(claim.id),
    element("p", { class: "of" }, [column.title, within].filter(Boolean).join(" · ")),
    worst < 0 ? none : element("p", {}, badge(worst), " ", words),
    element("p", { class: "sentence" }, claim.sentence || "This suite has no such claim."),
    claim.guide ? element("p", { class: "guide" }, "Guide: ", guideLink(claim.guide)) : null,
    ...groupsOf(cases, column).map((group) => groupElement(group, column)),
    DATA.left_out ? element("p", { class: "quiet" }, DATA.left_out) : null,
  ];
}

// Sphinx makes a heading's anchor of its words.
function guideLink(section) {
  const anchor = section.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return link(`${DATA.guide}#${anchor}`, section);
}

// The cases by verdict, the worst first, and there by what explains them.
function groupsOf(cases, column) {
  const groups = new Map();
  for (const one of cases) {
    const found = findingOf(one, column);
    if (!found) continue;
    const key = [found.verdict, found.cause, found.evidence].join("\n");
    if (!groups.has(key)) groups.set(key, { ...found, members: [] });
    groups.get(key).members.push({ one, found });
  }
  return [...groups.values()].sort((a, b) => a.verdict - b.verdict);
}

function groupElement(group, column) {
  const { verdict, cause, evidence, members } = group;
  const heard = badge(verdict, `${DATA.verdicts[verdict]}: ${counted(members.length, "case")}`);
  const lone = members.length === 1;
  const list = (open) =>
    members.map((each, at) => caseElement(each, column, lone || (open && at === 0)));
  if (verdict >= HELD && !lone) {
    return element("section", {}, fold([heard], () => list(false)));
  }
  return element(
    "section",
    {},
    element("h3", {}, heard),
    cause ? element("p", { class: "cause" }, cause) : null,
    evidence ? element("p", { class: "evidence" }, link(evidence, `Evidence: ${evidence.replace(/^https?:\/\//, "")}`)) : null,
    ...list(true),
  );
}

function caseElement({ one, found }, column, open) {
  const label = element("span", { class: "case" }, labelOfCase(one));
  return fold([label], () => caseDetails(one, found, column), open);
}

function caseDetails(one, found, column) {
  const crossed = [
    ["transform", one.transform],
    ["style", one.style],
    ["variant", one.variant],
    ["backend", column.backend],
    ["mode", column.mode],
  ];
  return [
    element("code", { class: "key" }, keyOf(one, column)),
    definitions(crossed.filter(([, value]) => value !== "-"), "crossed"),
    found.observed ? titled("Found", [foundElement(found)]) : null,
    titled("Noted", [definitions(found.notes)]),
    titled("Outside afterwards", [definitions(found.outputs)]),
    titled("Not promised", [definitions(found.details)]),
  ];
}

function foundElement({ observed, error, message }) {
  const kind = element("p", {}, `${observed}: `, element("code", {}, error || "no class"));
  return element("div", {}, kind, message ? element("pre", { tabindex: "0" }, message) : "");
}

function titled(title, content) {
  const parts = content.filter(Boolean);
  return parts.length ? element("div", {}, element("h4", {}, title), ...parts) : null;
}

function aboutColumn(column) {
  const { counts } = count(CASES, column);
  const { held, ran } = countClaims(CLAIMS, column);
  const names = ["flax", "jax", "jaxlib", "python", "mode", "prng", "backend", "devices", "suite"];
  const whole = column.full ? "every claim" : "a part of the claims";
  const pairs = names.filter((name) => column[name]).map((name) => [name, column[name]]);
  const causes = new Map();
  for (const { cause, evidence, members } of groupsOf(CASES, column)) {
    if (cause) causes.set(cause, { evidence, number: members.length });
  }
  return [
    heading(column.title),
    element("p", {}, `${held} of ${counted(ran, "claim")} held; the run was of ${whole}.`),
    element(
      "p",
      { class: "badges" },
      ...counts.flatMap((number, verdict) =>
        number ? [badge(verdict, `${DATA.verdicts[verdict]}: ${number}`)] : [],
      ),
    ),
    definitions(pairs),
    causes.size ? element("h3", {}, "Known deviations") : null,
    ...[...causes].map(([cause, { evidence, number }]) =>
      element("p", { class: "cause" }, `${cause} `, link(evidence, "Evidence"), ` (${number})`),
    ),
  ];
}

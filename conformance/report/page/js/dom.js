// Making elements. Texts of records become text nodes: nothing here reads them as HTML.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value !== null) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const byId = (id) => document.getElementById(id);

const button = (attributes, ...children) =>
  element("button", { type: "button", ...attributes }, ...children);

// A link, where the address is one of the web; else the address in words.
function link(address, words) {
  let scheme = "";
  try {
    scheme = new URL(address).protocol;
  } catch {
    // no address at all
  }
  if (scheme !== "http:" && scheme !== "https:") return element("span", {}, address);
  return element("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, words);
}

const mark = (verdict) => element("span", { class: "mark", "aria-hidden": "true" }, MARKS[verdict]);

const badge = (verdict, words = DATA.verdicts[verdict]) =>
  element("span", { class: `badge ${verdictClass(verdict)}` }, mark(verdict), words);

// Pairs of a name and a value; without any, nothing.
function definitions(pairs, kind = null) {
  if (!pairs.length) return null;
  const parts = pairs.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element("dl", { class: kind }, ...parts);
}

// A fold whose content is made when it is opened first.
function fold(summary, content, open = false) {
  const made = element("details", {}, element("summary", {}, ...summary));
  const fill = () => {
    if (made.open && made.childElementCount === 1) made.append(...content().filter(Boolean));
  };
  made.addEventListener("toggle", fill);
  made.open = open;
  fill();
  return made;
}

const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

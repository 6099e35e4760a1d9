// Starting: the title, the theme, what the address asks for.

function saySummary() {
  const [newest] = COLUMNS;
  const guide = link(DATA.guide, "transforms guide");
  const { held, ran } = newest ? countClaims(CLAIMS, newest) : { held: 0, ran: 0 };
  const words = newest ? ` The newest here, ${newest.title}: ${held} of ${ran} claims held.` : "";
  byId("summary").append("What Flax keeps of the promises of its ", guide, `.${words}`);
}

const THEMES = ["system", "light", "dark"];

function setUpTheme() {
  const toggle = byId("theme");
  let theme = "system";
  try {
    theme = localStorage.getItem("theme") ?? theme;
  } catch {
    // a browser that keeps nothing
  }
  const show = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    toggle.textContent = `Theme: ${theme}`;
  };
  toggle.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    show();
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // then it is for this visit
    }
  });
  if (!THEMES.includes(theme)) theme = "system";
  show();
}

function followAddress() {
  readFragment();
  showFilters();
  if (!state.open) {
    if (panel.open) panel.close();
    drawMatrix();
    return;
  }
  const open = revealCell(state.open);
  if (open) setCurrent(open);
  showPanel();
  open?.scrollIntoView({ block: "center", inline: "nearest" });
}

setUpTheme();
saySummary();
setUpFilters();
followAddress();
addEventListener("popstate", followAddress);
narrow.addEventListener("change", () => state.open && showPanel());
// How long a reader waits is measured in tests/test_page_browser.py.
requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("matrix-drawn")));

(() => {
  "use strict";
  const root = document.documentElement;
  const number = new Intl.NumberFormat("en");
  const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

  /* Theme and charts: each chart is drawn anew with the theme's configuration. */
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const views = new Map();

  async function draw(place) {
    const name = place.dataset.chart;
    const old = views.get(name);
    const drawn = await vegaEmbed(place, data.specs[name], {
      actions: false, ast: true, config: data.themes[theme()], mode: "vega-lite", renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    if (old) old.finalize();
    views.set(name, drawn);
    place.dataset.drawn = theme();
  }

  const drawAll = () => Promise.all([...document.querySelectorAll("[data-chart]")].map(draw)).catch(console.error);

  const toggle = document.querySelector("[data-theme-toggle]");
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem("votewise-theme", root.dataset.theme); } catch (error) { /* not kept, then */ }
    drawAll();
  });
  dark.addEventListener("change", () => { if (!root.dataset.theme) drawAll(); });

  /* Tables: sorted by their headers, searched by their first column, filtered by flag, shown page by page. */
  function value(cell, kind) {
    if (kind === "text") return cell.textContent.toLowerCase();
    const found = cell.textContent.replaceAll(",", "").match(/[0-9.]+/);
    return found ? Number(found[0]) : NaN;
  }

  function compare(a, b) {
    if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return a - b;
  }

  function enliven(table) {
    const body = table.tBodies[0];
    const size = Number(table.dataset.pageSize);
    const all = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const controls = document.querySelector(`[data-controls="${table.id}"]`);
    const pager = document.querySelector(`[data-pager="${table.id}"]`);
    const search = controls.querySelector("input");
    const chips = [...controls.querySelectorAll("[data-filter]")];
    const says = make("span");
    says.setAttribute("role", "status");
    const back = make("button", { type: "button", textContent: "Previous" });
    const next = make("button", { type: "button", textContent: "Next" });
    pager.append(back, says, next);
    controls.hidden = pager.hidden = false;
    let sorted = all, page = 0, flag = "";

    function show() {
      const wanted = search.value.trim().toLowerCase();
      const hits = sorted.filter((row) =>
        (!flag || row.dataset.flag === flag) &&
        (!wanted || (row.cells[0].title || row.cells[0].textContent).toLowerCase().includes(wanted)));
      page = Math.max(0, Math.min(page, Math.ceil(hits.length / size) - 1));
      const from = page * size, shown = hits.slice(from, from + size);
      body.replaceChildren(...shown);
      says.textContent = hits.length
        ? `${number.format(from + 1)}–${number.format(from + shown.length)} of ${number.format(hits.length)}` : "No match";
      back.disabled = page === 0;
      next.disabled = from + size >= hits.length;
    }

    heads.forEach((head, index) => {
      const button = make("button", { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const kind = head.dataset.sort, now = head.getAttribute("aria-sort");
        const up = now ? now === "descending" : kind === "text";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const keyed = all.map((row) => [value(row.cells[index], kind), row]);
        const empty = (key) => typeof key === "number" && Number.isNaN(key);
        keyed.sort(([a], [b]) => (empty(a) || empty(b) || up ? compare(a, b) : compare(b, a)));
        sorted = keyed.map(([, row]) => row);
        page = 0;
        show();
      });
    });
    search.addEventListener("input", () => { page = 0; show(); });
    chips.forEach((chip) => chip.addEventListener("click", () => {
      flag = chip.dataset.filter;
      chips.forEach((other) => other.setAttribute("aria-pressed", String(other === chip)));
      page = 0;
      show();
    }));
    back.addEventListener("click", () => { page -= 1; show(); });
    next.addEventListener("click", () => { page += 1; show(); });
    show();
  }

  /* A link in a table row opens what it points to below the row. */
  function expand(event) {
    const link = event.target.closest("a[data-expand]");
    if (!link) return;
    event.preventDefault();
    const row = link.closest("tr");
    const open = row.nextElementSibling;
    if (open && open.classList.contains("detail")) {
      open.remove();
      link.setAttribute("aria-expanded", "false");
      return;
    }
    const detail = make("tr", { className: "detail" });
    const cell = make("td", { colSpan: row.cells.length });
    const target = document.getElementById(link.hash.slice(1));
    cell.append(...[...target.children].map((child) => child.cloneNode(true)));
    detail.append(cell);
    row.after(detail);
    link.setAttribute("aria-expanded", "true");
  }

  /* Long lists show their first entries, of those that match; a link to a later one shows everything up to it. */
  function fold(list) {
    const step = Number(list.dataset.more);
    const entries = [...list.children];
    const button = make("button", { type: "button", className: "more" });
    let shown = step, matches = () => true;
    function show() {
      const hits = entries.filter(matches);
      const visible = new Set(hits.slice(0, shown));
      entries.forEach((entry) => { entry.hidden = !visible.has(entry) && !entry.classList.contains("shown"); });
      const left = hits.filter((entry) => entry.hidden).length;
      button.textContent = `Show ${number.format(Math.min(step, left))} more of ${number.format(left)}`;
      button.hidden = left === 0;
      return hits.length;
    }
    button.addEventListener("click", () => { shown += step; show(); });
    list.after(button);
    show();
    if (list.id) sift(list, (wanted) => { matches = wanted; shown = step; return show(); });
  }

  /* Cards are searched by all their text and filtered by flag. */
  function sift(list, narrow) {
    const controls = document.querySelector(`[data-controls="${list.id}"]`);
    if (!controls) return;
    const nothing = document.querySelector(`[data-nothing="${list.id}"]`);
    const search = controls.querySelector("input");
    const chips = [...controls.querySelectorAll("[data-filter]")];
    let flag = "";
    function apply() {
      const wanted = search.value.trim().toLowerCase();
      const hits = narrow((entry) =>
        (!flag || entry.dataset.flag === flag) && (!wanted || entry.textContent.toLowerCase().includes(wanted)));
      nothing.hidden = hits > 0;
    }
    search.addEventListener("input", apply);
    chips.forEach((chip) => chip.addEventListener("click", () => {
      flag = chip.dataset.filter;
      chips.forEach((other) => other.setAttribute("aria-pressed", String(other === chip)));
      apply();
    }));
    controls.hidden = false;
  }

  function reveal() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    document.querySelectorAll(".shown").forEach((entry) => entry.classList.remove("shown"));
    if (target.parentElement.dataset.more) target.classList.add("shown");
    target.hidden = false;
    const details = target.closest("details");
    if (details) details.open = true;
    target.scrollIntoView();
  }

  document.querySelectorAll("table[data-page-size]").forEach(enliven);
  document.querySelectorAll("[data-more]").forEach(fold);
  document.addEventListener("click", expand);
  addEventListener("hashchange", reveal);
  drawAll().then(() => { root.dataset.ready = "yes"; reveal(); });
})();

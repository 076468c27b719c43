// The records of a resource as a table: sorted, filtered, searched and paged by the API's own query parameters.
import { call, el, fill, isNumber, isRecord, line, paths, resolve, segment, target } from "./lib.js";

const PAGE_SIZES = ["10", "20", "50", "100"];
const MOST_COLUMNS = 12;
const WINDOW = ["_page", "_limit"];

/// What `#/users?_page=2` says: the resource, and the pairs of the query.
export const link = (name, pairs = []) => `#${target(`/${segment(name)}`, pairs)}`;

/// Shows the table in `place`. Gives a function that loads the records again without a word, after a change elsewhere.
export function table(place, { name, pairs, document, info, go }) {
  const { all } = paths(document, name);
  const parameters = (all.get?.parameters ?? []).filter((parameter) => parameter.style === "deepObject");
  const first = (wanted) => pairs.find(([known]) => known === wanted)?.[1];
  // A change of what is asked for leads to the first page of it.
  const change = (edit) => go(link(name, edit(pairs.filter(([known]) => known !== "_page"))));
  const set = (wanted, value) => (kept) =>
    [...kept.filter(([known]) => known !== wanted), ...(value ? [[wanted, value]] : [])];

  const search = el("input", { type: "search", id: "q", size: "16", value: first("q") ?? "", change: () => change(set("q", search.value)) });
  const size = el("select", { id: "size", change: () => change(set("_limit", size.value === "20" ? "" : size.value)) },
    PAGE_SIZES.map((count) => el("option", {}, count)));
  if (!PAGE_SIZES.includes(first("_limit") ?? "20")) size.append(el("option", {}, first("_limit")));
  size.value = first("_limit") ?? "20";
  const head = el("thead");
  const body = el("tbody");
  const pager = el("div", { class: "row spread gap" });
  const told = el("div");
  const grid = el("table", {}, el("caption", { hidden: true }, `Records of ${name}`), head, body);
  const scroll = el("div", { class: "scroll" }, grid);
  fill(place,
    el("div", { class: "row spread" }, el("h2", {}, name),
      info.readOnly ? null : el("button", { type: "button", class: "main", "data-test": "new", click: () => go(`#new/${segment(name)}`) }, "New record")),
    el("div", { class: "row gap" }, el("div", {}, el("label", { for: "q" }, "Search"), search),
      filterForm(parameters, (pair) => change((kept) => [...kept, pair]))),
    chips(), told, scroll, pager);

  function chips() {
    const chosen = pairs.filter(([known]) => !WINDOW.includes(known) && known !== "q" && known !== "_sort");
    if (chosen.length === 0) return null;
    return el("ul", { class: "chips", "aria-label": "Filters" }, chosen.map((pair) => el("li", {}, `${pair[0]} = ${pair[1]}`,
      el("button", { type: "button", class: "quiet small", "aria-label": `Remove the filter ${pair[0]} = ${pair[1]}`,
        click: () => change((kept) => kept.filter((one) => one !== pair)) }, "×"))));
  }

  function heading(column) {
    const sort = first("_sort");
    const order = sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
    const next = { none: column, ascending: `-${column}`, descending: "" }[order];
    const mark = { none: "", ascending: " ↑", descending: " ↓" }[order];
    return el("th", { scope: "col", "aria-sort": order },
      el("button", { type: "button", title: `Sort by ${column}`, click: () => change(set("_sort", next)) }, line(column, 40) + mark));
  }

  function row(record, columns, changed) {
    if (!isRecord(record)) return el("tr", {}, el("td", {}, line(record)));
    const id = record[info.id];
    const flash = changed?.has(String(id));
    return el("tr", { class: flash ? "flash" : null, "data-id": String(id) }, columns.map((column) => {
      if (!Object.hasOwn(record, column)) return el("td", {}, el("span", { class: "none", "aria-label": "not there" }, ""));
      const value = record[column];
      if (column === info.id) return el("td", {}, el("a", { href: `#/${segment(name)}/${segment(String(id))}` }, line(value, 60)));
      if (value === null || value === "") return el("td", {}, el("span", { class: "none" }, value === null ? "null" : "empty"));
      return el("td", { class: isNumber(value) ? "number" : null, title: line(value, 500) }, line(value));
    }));
  }

  const known = Object.keys(resolve(document, { $ref: all.get?.responses?.["200"]?.content?.["application/json"]?.schema?.items?.$ref })?.properties ?? {});
  let busy = false;
  async function load(quiet, changed) {
    if (busy) return;
    busy = true;
    const page = Number(first("_page") ?? 1);
    const limit = Number(first("_limit") ?? 20);
    const rest = pairs.filter(([name]) => !WINDOW.includes(name));
    const entry = await call("GET", target(`/${segment(name)}`, [...rest, ["_page", String(page)], ["_limit", String(limit)]]), { quiet });
    busy = false;
    if (!place.contains(scroll)) return;
    const records = Array.isArray(entry.json) ? entry.json : [];
    const hint = entry.json?.hint ?? entry.header?.("x-hint");
    fill(told,
      entry.ok ? null : el("div", { class: "problem", role: "alert" }, el("p", {}, entry.json?.detail ?? entry.text)),
      hint ? el("p", { class: "hint" }, hint) : null);
    const columns = new Set([info.id, ...known]);
    for (const record of records) {
      if (columns.size >= MOST_COLUMNS) break;
      if (isRecord(record)) for (const key of Object.keys(record).slice(0, MOST_COLUMNS)) columns.add(key);
    }
    const shown = [...columns].slice(0, MOST_COLUMNS);
    const focused = globalThis.document.activeElement?.closest?.("tr")?.dataset.id;
    head.replaceChildren(el("tr", {}, shown.map(heading)));
    body.replaceChildren(...records.map((record) => row(record, shown, changed)));
    if (focused !== undefined) [...body.rows].find((row) => row.dataset.id === focused)?.querySelector("a")?.focus();
    const total = Number(entry.header?.("x-total-count") ?? records.length);
    scroll.hidden = total === 0;
    pager.replaceChildren(...(total === 0 ? [empty(entry.ok)] : pages(page, limit, total, records.length)));
  }

  function pages(page, limit, total, count) {
    const last = Math.max(1, Math.ceil(total / limit));
    const to = (number) => () => go(link(name, [...pairs.filter(([known]) => known !== "_page"), ...(number > 1 ? [["_page", String(number)]] : [])]));
    const button = (text, number, possible) =>
      el("button", { type: "button", disabled: !possible, "aria-label": `${text} page`, click: to(number) }, text);
    const from = (page - 1) * limit;
    const number = (value) => value.toLocaleString("en");
    return [
      el("p", { class: "soft", "data-test": "range" }, count === 0 ? `No records on page ${number(page)} of ${number(last)}` : `${number(from + 1)}–${number(from + count)} of ${number(total)}`),
      el("div", { class: "row center" }, el("label", { for: "size" }, "Rows per page"), size),
      el("div", { class: "row" }, button("First", 1, page > 1), button("Previous", Math.min(page - 1, last), page > 1),
        button("Next", page + 1, page < last), button("Last", last, page < last)),
    ];
  }

  function empty(ok) {
    const chosen = pairs.some(([known]) => !WINDOW.includes(known) && known !== "_sort");
    if (chosen || !ok) {
      return el("div", { class: "empty" }, el("p", {}, ok ? "No matching records." : "Invalid query."),
        el("button", { type: "button", click: () => go(link(name)) }, "Show all records"));
    }
    return el("div", { class: "empty" }, el("p", {}, `${name} is empty.`),
      el("p", {}, "Add the first record here, or add one to the data file; it appears automatically."));
  }

  load(false);
  return (changed) => load(true, changed);
}

function filterForm(parameters, add) {
  const fields = parameters.map((parameter) => parameter.name);
  if (fields.length === 0) return null;
  const operators = el("select", { id: "operator" });
  const field = el("select", { id: "field", change: () => choose() }, fields.map((name) => el("option", { value: name }, line(name, 40))));
  const choose = () => {
    const { properties } = parameters.find((parameter) => parameter.name === field.value).schema;
    operators.replaceChildren(el("option", { value: field.value }, "is"), ...Object.entries(properties)
      .map(([name, { description }]) => el("option", { value: `${field.value}[${name}]`, title: description }, name)));
  };
  choose();
  const value = el("input", { id: "value", size: "12" });
  return el("form", { class: "row", "aria-label": "Filter", submit: (event) => { event.preventDefault(); add([operators.value, value.value]); } },
    el("div", {}, el("label", { for: "field" }, "Field"), field),
    el("div", {}, el("label", { for: "operator" }, "Filter"), operators),
    el("div", {}, el("label", { for: "value" }, "Value"), value),
    el("button", { type: "submit" }, "Add filter"));
}

// The records of a resource as a table. Its hash has the API's query parameters.
import { button, closer, download, fill, grow, h, heading, icon, menu, number, onKey, region, renew, say } from "./dom.js";
import { call, failed, get, pathOf, segment, target } from "./api.js";
import { problem } from "./login.js";
import { show } from "./cells.js";
import { field } from "./fields.js";
import { isNothing, isNumber, isRecord, isScalar, line, same } from "./json.js";
import { called, canWrite, counted, countsOf, dependentsLink, idName, idOf, labelsOf, listLink, properties, recordLink, referenceOf, resourceOf } from "./model.js";
import { removeRecords, undoAction } from "./change.js";

const SIZES = ["10", "20", "50", "100", "200"];
const MOST_COLUMNS = 12;
/// The parameters that are not filters.
const WINDOW = ["_page", "_limit", "_columns", "_sort", "_order"];
const OPERATORS = [["", "is"], ["ne", "is not"], ["contains", "contains"], ["startsWith", "begins with"], ["endsWith", "ends with"], ["gt", "more than"],
  ["gte", "at least"], ["lt", "less than"], ["lte", "at most"], ["in", "is one of"], ["like", "matches"], ["null", "is null"]];

const filterFor = (column, value) => (value === null ? [`${column}:eq`, "null"] : [column, String(value)]);

function csv(rows, keys) {
  const quoted = (value) => {
    const text = isNothing(value) ? "" : isScalar(value) ? String(value) : JSON.stringify(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [keys, ...rows.map((row) => keys.map((key) => row?.[key]))].map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

/// A filter in words.
function words([name, value]) {
  const [, path, operator = ""] = /^(.*?)(?:[:_](eq|ne|contains|has|startsWith|endsWith|gte?|lte?|in|like))?$/.exec(name);
  return [path, OPERATORS.find(([known]) => known === operator)?.[1] ?? (operator === "eq" ? "is" : operator), value];
}

/// The table of the resource `name`; `go(hash, how)` changes the hash.
export function tableView({ name, go }) {
  let query = new URLSearchParams();
  let records = [];
  let columns = [];
  let allColumns = [];
  let total = 0;
  /// The ids of the selected records.
  const selected = new Set();
  let counts = [];
  let labels = new Map();
  let loading;
  /// The editors that are open or being saved. While there are any, the rows are not rendered.
  const editors = new Set();
  let missed = false;
  let awaited = false;
  /// The queue of the cells' writes.
  let writes = Promise.resolve();
  const writing = canWrite();
  const resource = () => resourceOf(name);
  const numberIn = (key, standard) => Math.max(1, Number(query.get(key)) || standard);
  const page = () => numberIn("_page", 1);
  const limit = () => numberIn("_limit", 50);
  const lastPage = () => Math.max(1, Math.ceil(total / limit()));
  const without = (all, ...keys) => [...all].filter(([key]) => !keys.includes(key));
  const asked = () => without(query, "_page", "_limit", "_columns");
  const filters = (all) => without(all, ...WINDOW);
  /// Changes the query, and goes to the first page unless only the columns have changed.
  const change = (edit, how) => {
    const next = new URLSearchParams(query);
    edit(next);
    if (!same(without(next, "_page", "_columns"), without(query, "_page", "_columns"))) next.delete("_page");
    go(listLink(name, [...next]), how);
  };
  const put = (key, value, how) => change((next) => (value ? next.set(key, value) : next.delete(key)), how);
  const toggle = (pair) => change((next) => (next.has(...pair) ? next.delete(...pair) : next.append(...pair)));

  // The toolbar is built once.
  let typing;
  const search = h("input", { type: "search", id: "q", placeholder: "Search", label: "Search", autocomplete: "off", input: () => {
    clearTimeout(typing);
    typing = setTimeout(() => { if (element.isConnected) put("q", search.value, { replace: true }); }, 180);
  } });
  const count = h("span.count");
  const filterBar = filterForm();
  const facetBar = h("div.facets", { hidden: true, label: "Facets", role: "group" });
  /// A button that shows and hides `bar`.
  const opener = (text, bar, shown) => button(text, { icon: text.toLowerCase(), "aria-expanded": "false", click: (event) => {
    bar.hidden = !bar.hidden;
    event.currentTarget.ariaExpanded = !bar.hidden;
    if (!bar.hidden) shown();
  } });
  const filterButton = opener("Filter", filterBar, () => filterBar.querySelector("select").focus());
  const columnMenu = menu("Columns", { icon: "columns" }, chooser);
  const chips = h("ul.chips.row", { label: "Filters" });
  const notice = h("div.notices");
  const head = h("tr");
  const body = h("tbody");
  const grid = h("table.grid", h("caption.hidden", `Records of ${name}`), h("thead", head), body);
  const scroll = region("div.scroll", `Records of ${name}`, grid);
  const empty = h("div.empty", { hidden: true });
  const range = h("p.range", { "data-test": "range", role: "status" });
  const size = h("select", { id: "size", change: () => put("_limit", size.value) }, SIZES.map((one) => h("option", one)));
  const step = (text, to) => button(text, { label: `${text} page`, click: (event) => {
    if (event.currentTarget.ariaDisabled !== "true") put("_page", to());
  } });
  const steps = [step("First", () => 1), step("Previous", () => Math.min(page() - 1, lastPage())), step("Next", () => page() + 1), step("Last", lastPage)];
  const pager = h("div.pager.row", range, h("div.row", h("label", { for: "size" }, "Rows"), size), h("div.group", steps));
  const bulk = h("div.bulk.row", { hidden: true, role: "group", label: "Selected records" });
  const title = heading(line(name, 80));
  const element = h("div.view",
    h("div.view-head", title, count, grow(), writing && [button("Paste JSON", { icon: "paste", kind: "quiet", click: () => go(`#new${pathOf(name)}?_json`) }),
      button("New record", { icon: "plus", kind: "primary", click: () => go(`#new${pathOf(name)}`) })]),
    h("div.toolbar.row", h("div.search", icon("search"), search), filterButton, opener("Facets", facetBar, loadFacets), grow(), columnMenu, menu("Download", { icon: "down" }, downloads)),
    filterBar, facetBar, chips, notice, scroll, empty, pager, bulk);

  function filterForm() {
    const paths = [...properties(resource()).found].flatMap(([key, schema]) => [key, ...Object.keys(schema.properties ?? {}).slice(0, 50).map((inner) => `${key}.${inner}`)]);
    const which = h("select", { id: "field" }, [...new Set([idName(), ...paths])].slice(0, 500).map((path) => h("option", { value: path }, line(path, 40))));
    const operator = h("select", { label: "Operator" }, OPERATORS.map(([value, text]) => h("option", { value }, text)));
    const value = h("input", { label: "Value", size: "16", autocomplete: "off" });
    return h("form.filter.row", { hidden: true, label: "Filter", submit: () => {
      const how = operator.value;
      toggle(how === "null" ? filterFor(which.value, null) : [how ? `${which.value}:${how}` : which.value, value.value]);
      value.value = "";
    } }, h("label", { for: "field" }, "Field"), which, operator, value, h("button", { type: "submit" }, "Add filter"));
  }

  function showChips() {
    const chosen = without(filters(query), "q");
    const remove = (gone) => { filterButton.focus(); change((next) => gone.forEach((pair) => next.delete(...pair))); };
    chips.hidden = chosen.length === 0;
    fill(chips, chosen.map((pair) => {
      const [path, word, value] = words(pair);
      return h("li", h("span", line(path, 40), h("span.soft", ` ${word} `), line(value, 60)),
        closer(`Remove the filter ${pair[0]} = ${line(pair[1], 60)}`, () => remove([pair])));
    }), chosen.length > 1 && h("li.plain", button("Clear", { kind: "quiet small", click: () => remove(chosen) })));
  }

  function headingOf(column) {
    const sort = query.get("_sort");
    const order = sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
    const next = { none: column, ascending: `-${column}`, descending: "" }[order];
    return h("th", { scope: "col", "aria-sort": order, class: isNumeric(column) ? "number" : "" }, h("button", { key: `sort ${column}`, title: `Sort by ${column}`, click: () => put("_sort", next) },
      h("span", line(column, 40)), order !== "none" && h("span.order", { "aria-hidden": "true" }, order === "ascending" ? "↑" : "↓")));
  }

  const isNumeric = (column) => !referenceOf(resource(), column) && records.map((record) => record?.[column]).filter((value) => !isNothing(value)).every(isNumber);

  function cellOf(record, column) {
    const has = Object.hasOwn(record, column);
    const value = has ? record[column] : undefined;
    const reference = referenceOf(resource(), column);
    let shown;
    if (column === idName()) shown = h("a.id", { href: recordLink(name, value) }, line(value, 60));
    else if (reference && !isNothing(value) && isScalar(value)) {
      const found = labels.get(`${column} ${value}`);
      shown = found ? h("a", { href: recordLink(reference.resource, found.id), title: `${reference.resource}/${found.id}` }, found.label || String(value), found.label && h("span.soft.ref", ` ${line(value, 12)}`))
        : h("span", { title: `No record of ${reference.resource} has it` }, String(value));
    } else shown = show(value, column);
    return h("td", { class: isNumber(value) && !reference ? "number" : "", tabindex: "-1", "data-column": column, key: `${idOf(record)} ${column}` }, shown);
  }

  function row(record, changed) {
    if (!isRecord(record)) return h("tr", h("td", { colspan: "99" }, line(record)));
    const id = idOf(record);
    return h("tr", { "data-id": id, class: changed?.has(id) ? "flash" : "" }, writing && h("td.check", h("input", { type: "checkbox", key: `select ${id}`, label: `Select ${line(id, 40)}`, change: (event) => select([id], event) })),
      columns.map((column) => cellOf(record, column)), resource().dependents.map((dependent, at) => {
        const value = record[dependent.target];
        const many = counts[at]?.get(String(value)) ?? 0;
        return h("td", counts[at] && !isNothing(value) && (many === 0 ? h("span.none", "0") : h("a", { href: dependentsLink(dependent, value) }, counted(dependent.resource, many))));
      }));
  }

  /// Renders the rows; keeps those that have not changed.
  function draw(changed) {
    const held = tools.closest("td");
    if (!tools.contains(document.activeElement)) tools.remove();
    renew(head, writing && h("th.check", { scope: "col" }, h("input", { type: "checkbox", label: "Select all on this page", key: "all", change: (event) => select(records.map(idOf), event) })),
      columns.map(headingOf), resource().dependents.map((one) => h("th", { scope: "col" }, one.resource)));
    const there = new Map([...body.rows].map((one) => [one.dataset.id, one]));
    fill(body, records.map((record) => {
      const made = row(record, changed);
      const old = there.get(made.dataset.id);
      if (!old) return made;
      renew(old, ...made.childNodes);
      old.className = made.className;
      return old;
    }));
    if (held?.isConnected) offer(held);
    showSelected();
  }

  function chooseColumns() {
    allColumns = [...new Set([idName(), ...properties(resource()).found.keys(), ...records.filter(isRecord).flatMap((record) => Object.keys(record).slice(0, 2000))])];
    columns = query.get("_columns")?.split(",").map(decodeURIComponent).filter((column) => column !== "") ?? allColumns.slice(0, MOST_COLUMNS);
    columnMenu[0].lastChild.textContent = columns.length < allColumns.length ? `Columns ${columns.length}/${allColumns.length}` : "Columns";
  }

  function chooser() {
    const boxes = h("div.checks");
    const find = h("input", { type: "search", placeholder: "Find a column", label: "Find a column", input: list });
    const standard = allColumns.slice(0, MOST_COLUMNS);
    const set = (wanted) => {
      put("_columns", same(wanted, standard) ? "" : wanted.map(encodeURIComponent).join(","), { replace: true });
      columns = wanted;
      list();
    };
    function list() {
      const found = allColumns.filter((column) => column.toLowerCase().includes(find.value.toLowerCase()));
      fill(boxes, found.slice(0, 200).map((column) => h("label", h("input", { type: "checkbox", key: column, checked: columns.includes(column),
        change: (event) => set(allColumns.filter((one) => (one === column ? event.target.checked : columns.includes(one)))) }), line(column, 60))));
    }
    list();
    return [allColumns.length > MOST_COLUMNS && find, boxes, h("div.row", [["All", allColumns.slice(0, 200)], ["Standard", standard]].map(([text, wanted]) => button(text, { kind: "quiet small", click: () => set(wanted) })))];
  }

  function downloads(close) {
    const save = (kind, rows, keys) => {
      const some = (row) => (isRecord(row) ? Object.fromEntries(keys.filter((key) => Object.hasOwn(row, key)).map((key) => [key, row[key]])) : row);
      const file = `${name.replace(/[^\w.-]+/g, "-")}.${kind}`;
      if (kind === "csv") download(csv(rows, keys), file, "text/csv");
      else download(`${JSON.stringify(rows.map(some), null, 2)}\n`, file, "application/json");
      close();
    };
    const all = async (kind) => {
      const entry = await get(pathOf(name), asked());
      if (!failed(entry, "Not downloaded")) save(kind, entry.list, [...new Set(entry.list.filter(isRecord).flatMap(Object.keys))]);
    };
    return [["What is shown", `${number(records.length)} of ${number(total)}, ${number(columns.length)} columns`, (kind) => save(kind, records, columns)], [`All ${number(total)}`, "every property", all]].map(([text, what, run]) =>
      h("div.menu-row", h("span", text, h("span.soft", what)), ["CSV", "JSON"].map((kind) => button(kind, { label: `${text} as ${kind}`, kind: "small", click: () => run(kind.toLowerCase()) }))));
  }

  async function loadFacets() {
    const entry = await get(`/-/facets/${segment(name)}`, asked());
    const isUseful = ({ field, values }) => field !== idName() && ((values.length > 1 && (values.length <= 8 || values.some((one) => one.count > 1))) || filters(query).some((pair) => words(pair)[0] === field));
    const facets = (entry.json?.facets ?? []).filter(isUseful).sort((one, other) => one.values.length - other.values.length);
    const named = await Promise.all(facets.map(({ field, values }) => {
      const reference = referenceOf(resource(), field);
      return reference ? labelsOf(reference, values.map((one) => one.value), true) : new Map();
    }));
    const facet = ({ field, values }, at) => h("div.facet", h("h2", line(field, 40)), h("ul", values.map(({ value, count: many }) => {
      const pair = records.some((record) => Array.isArray(record?.[field])) ? [`${field}:contains`, String(value)] : filterFor(field, value);
      const label = named[at].get(String(value))?.label || (value === "" ? "empty" : String(value));
      return h("li", h("button", { key: JSON.stringify(pair), "aria-pressed": String(query.has(...pair)), click: () => toggle(pair) }, h("span", line(label, 30)), h("span.soft", number(many))));
    })));
    fill(facetBar, facets.length > 0 ? facets.map(facet) : h("p.soft", entry.ok ? "No column has few values." : entry.problem));
  }

  function select(ids, { target: { checked } }) {
    for (const id of ids) if (checked) selected.add(id); else selected.delete(id);
    showSelected();
  }

  function showSelected() {
    for (const box of grid.querySelectorAll(".check input")) box.checked = (box.closest("tr") === head ? records.map(idOf) : [box.closest("tr").dataset.id]).every((id) => selected.has(id));
    bulk.hidden = selected.size === 0;
    fill(bulk, h("strong", `${number(selected.size)} selected`), grow(), button("Delete", { icon: "trash", kind: "danger", key: "delete", click: removeSelected }),
      button("Clear selection", { kind: "quiet", click: () => { selected.clear(); scroll.focus(); showSelected(); } }));
  }

  async function removeSelected() {
    const at = records.findIndex((record) => selected.has(idOf(record)));
    if (!(await removeRecords(name, [...selected]))) return;
    selected.clear();
    await load();
    (body.rows[Math.min(Math.max(at, 0), body.rows.length - 1)]?.querySelector("a") ?? title).focus();
  }

  // The hovered or focused cell has two small buttons.
  const tool = (text, name, run) => button(text, { icon: name, only: true, kind: "small", tabIndex: -1, click: (event) => { event.stopPropagation(); run(tools.closest("td")); } });
  const tools = h("span.tools");
  const [filterTool, editTool] = [tool("Filter by this value", "filter", filterCell), tool("Edit this value", "edit", editCell)];
  const recordOf = (cell) => records.find((record) => idOf(record) === cell?.closest("tr")?.dataset.id);
  const offer = (cell) => {
    if (cell?.dataset.column === undefined || cell.querySelector(".edit, .tools") || !recordOf(cell)) return;
    fill(tools, filterTool, writing && cell.dataset.column !== idName() && editTool);
    cell.append(tools);
  };
  body.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") offer(event.target.closest("td")); });
  body.addEventListener("focusin", (event) => offer(event.target.closest("td")));
  grid.addEventListener("pointerleave", () => { if (!tools.contains(document.activeElement)) tools.remove(); });

  function filterCell(cell) {
    const { column } = cell.dataset;
    const value = recordOf(cell)?.[column];
    if (value === undefined) say("Records without a property cannot be filtered for");
    else if (Array.isArray(value) && value.length > 0 && isScalar(value[0])) toggle([`${column}:contains`, String(value[0])]);
    else if (isScalar(value)) toggle(filterFor(column, value));
    else say("Filter by one of its values: open Filter");
  }

  function editCell(cell) {
    const record = recordOf(cell);
    const column = cell?.dataset.column;
    if (!writing || !record || column === idName() || cell.querySelector(".edit")) return;
    const schema = properties(resource()).found.get(column) ?? {};
    if (schema.readOnly) { say(`${line(column, 40)} is read-only`); return; }
    const value = record[column];
    const id = record[idName()];
    const path = pathOf(name, id);
    const one = field({ key: column, schema, value, reference: referenceOf(resource(), column), rules: resource().rules, compact: true });
    // What the user has already been warned of: an overwritten value, a dangling reference.
    let seen = value;
    let warned;
    const isOpen = () => one.element.isConnected;
    const read = () => { try { return one.get(); } catch (error) { one.setError(error.message); return undefined; } };
    const open = () => { editors.add(one); tools.remove(); fill(cell, one.element); };
    const done = () => {
      editors.delete(one);
      if (missed && editors.size === 0) load(true);
    };
    /// Replaces the editor by `value`.
    const close = (value, focus) => {
      if (focus) cell.focus();
      if (value === undefined) delete record[column]; else record[column] = value;
      const shown = cellOf(record, column);
      fill(cell, ...shown.childNodes);
      cell.className = shown.className;
      if (focus) offer(cell);
    };
    /// Reopens the editor with the error, and focuses it unless the focus has moved on.
    const refuse = (message, status) => {
      cell = body.querySelector(`[data-key="${CSS.escape(cell.dataset.key)}"]`);
      if (!element.isConnected || !cell) { done(); say(`Not saved: ${message}`); return; }
      const isFree = document.activeElement === document.body || cell.contains(document.activeElement);
      open();
      one.setError(message, status);
      if (isFree) one.input.focus(); else say(`Not saved: ${line(column, 40)} of ${called(name, id)}`);
    };
    const save = (focus) => {
      // A refused value is sent again by Enter only, not on blur.
      if (!isOpen() || (!focus && one.wrong())) return;
      const wanted = read();
      if (wanted === undefined && one.wrong()) return;
      if (wanted === undefined || same(wanted, value)) { close(value, focus); done(); return; }
      // Move to the next cell without waiting for the server.
      close(wanted, focus);
      writes = writes.then(() => store(wanted));
    };
    const store = async (wanted) => {
      if (!(await one.verify()) && warned !== one.input.value) {
        warned = one.input.value;
        refuse(one.wrong());
        return;
      }
      let entry;
      do {
        // Do not silently overwrite another client's change of this value.
        const now = await get(path);
        if (now.ok && !same(now.json?.[column], seen)) {
          seen = now.json?.[column];
          refuse(`Changed elsewhere to ${seen === undefined ? "nothing" : line(seen, 40)}. Enter overwrites it, Escape leaves it`);
          return;
        }
        entry = await call("PATCH", path, { body: { [column]: wanted }, tag: now.header("etag") });
      } while (entry.status === 412);
      if (!entry.ok) {
        if (entry.status === 401) renew(notice, problem(entry));
        refuse(entry.errors.find((error) => error.steps[0] === column)?.detail ?? entry.problem, entry.status);
        return;
      }
      editors.delete(one);
      say(`Saved ${called(name, id)}`, undoAction(name, id));
      if (element.isConnected) load(false, new Set([String(id)]));
    };
    one.isDirty = () => isOpen() && (one.wrong() !== "" || !same(read() ?? null, value ?? null));
    open();
    one.element.addEventListener("keydown", onKey({ Escape: () => { close(value, true); done(); }, Enter: (event) => !(event.shiftKey && one.input.tagName === "TEXTAREA") && save(true) }));
    one.element.addEventListener("chosen", () => save(true));
    one.element.addEventListener("focusout", (event) => { if (!cell.contains(event.relatedTarget)) save(false); });
    one.input.focus();
    one.input.select?.();
  }

  body.addEventListener("click", (event) => {
    if (event.target.closest("a, button, input, select, textarea, label, .edit, .check") || getSelection()?.toString()) return;
    const id = event.target.closest("tr")?.dataset.id;
    if (id !== undefined) go(recordLink(name, id));
  });
  body.addEventListener("dblclick", (event) => editCell(event.target.closest("td")));
  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.target.closest(".edit") || event.ctrlKey || event.metaKey || event.altKey) return;
    const line = cell.parentElement;
    const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (step) {
      const next = body.rows[line.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
      if (next) { (next.dataset.column === undefined ? next.querySelector("input, a") ?? next : next).focus(); event.preventDefault(); }
    } else if (event.key === "Enter" && event.target === cell) go(recordLink(name, line.dataset.id));
    else if (event.key === "F2" || event.key === "e") { event.preventDefault(); editCell(cell); } else if (event.key === "f") { event.preventDefault(); filterCell(cell); }
  });

  /// Loads the records; `quiet` after a change elsewhere, of the records `changed`.
  async function load(quiet = false, changed = undefined) {
    loading?.abort();
    const { signal } = (loading = new AbortController());
    // Show the user's request even if a refresh replaces it.
    const silent = quiet && !awaited;
    awaited = !silent;
    const entry = await call("GET", target(pathOf(name), [...asked(), ["_page", String(page())], ["_limit", String(limit())]]), { quiet: silent, signal });
    if (entry.aborted) return;
    awaited = false;
    if (!element.isConnected) return;
    missed = editors.size > 0;
    if (missed) return;
    records = entry.list;
    total = Number(entry.header("x-total-count") ?? records.length);
    renew(notice, entry.ok ? entry.hint && h("p.hint", entry.hint) : problem(entry));
    chooseColumns();
    draw(changed);
    count.textContent = entry.ok ? number(total) : "";
    scroll.hidden = records.length === 0;
    // Errors other than those of the query are shown above.
    empty.hidden = total !== 0 || !(entry.ok || entry.status === 400);
    pager.hidden = total === 0;
    if (total === 0) showEmpty(entry.ok);
    const from = (page() - 1) * limit();
    range.textContent = records.length === 0 ? `No records on page ${number(page())} of ${number(lastPage())}` : `${number(from + 1)}–${number(from + records.length)} of ${number(total)}`;
    if (!SIZES.includes(String(limit()))) size.append(h("option", String(limit())));
    size.value = String(limit());
    steps.forEach((one, at) => { one.ariaDisabled = at < 2 ? page() <= 1 : page() >= lastPage(); });
    // The rows are shown before these are loaded.
    if (!facetBar.hidden) loadFacets();
    await loadRelated(signal, changed, silent);
  }

  /// Loads the labels of referenced records, and the counts of dependents.
  async function loadRelated(signal, changed, quiet) {
    const { references, dependents } = resource();
    const wanted = references.filter((one) => columns.includes(one.property) && !one.many);
    if (records.length === 0 || wanted.length + dependents.length === 0) return;
    const valuesOf = (property) => records.map((record) => record?.[property]);
    const [found, numbers] = await Promise.all([
      Promise.all(wanted.map((one) => labelsOf(one, valuesOf(one.property), quiet))),
      Promise.all(dependents.map((one) => countsOf(one, valuesOf(one.target)))),
    ]);
    if (signal.aborted || !element.isConnected) return;
    missed = editors.size > 0;
    if (missed) return;
    labels = new Map(wanted.flatMap((one, at) => [...found[at]].map(([value, label]) => [`${one.property} ${value}`, label])));
    counts = numbers;
    draw(changed);
  }

  function showEmpty(ok) {
    fill(empty, filters(query).length > 0 || !ok ? [h("p", ok ? "No matching records." : "Invalid query."), button("Show all records", { click: () => { search.value = ""; go(listLink(name)); } })]
      : [h("p", `${name} is empty.`), h("p.soft", "Add the first record here, or add one to the data file; it appears automatically.")]);
  }

  return {
    element,
    /// Applies the query of the hash.
    update(next) {
      if (!same(filters(next), filters(query))) selected.clear();
      query = new URLSearchParams(next);
      editors.clear();
      if (document.activeElement !== search) search.value = query.get("q");
      showChips();
      return load();
    },
    refresh: (ids) => load(true, ids),
    focus: () => title.focus(),
    isDirty: () => [...editors].some((one) => one.isDirty()),
  };
}

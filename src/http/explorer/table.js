// The records of a resource as a table: the API's own query parameters sort, filter, search and page it.
import { button, download, fill, h, icon, menu, number, region, renew, say } from "./dom.js";
import { call, get, pathOf, problem, segment, target } from "./api.js";
import { show } from "./cells.js";
import { field } from "./fields.js";
import { isNumber, isRecord, isScalar, line, same } from "./json.js";
import { canWrite, counted, countsOf, dependentsLink, idName, labelsOf, listLink, properties, recordLink, referenceOf, resourceOf, singular, typesOf } from "./model.js";
import { removeRecords, undoAction } from "./change.js";

const SIZE = 50;
const SIZES = ["10", "20", "50", "100", "200"];
const MOST_COLUMNS = 12;
const MOST_KEYS = 2000;
/// The parameters that say which part of the records is shown, and not which records.
const WINDOW = ["_page", "_limit", "_columns"];
const OPERATORS = [["", "is"], ["ne", "is not"], ["contains", "contains"], ["startsWith", "begins with"], ["endsWith", "ends with"], ["gt", "more than"],
  ["gte", "at least"], ["lt", "less than"], ["lte", "at most"], ["in", "is one of"], ["like", "matches"], ["null", "is null"]];

/// The parameter and value that find records with `value` in `column`.
const filterFor = (column, value) => (value === null ? [`${column}:eq`, "null"] : [column, String(value)]);

function csv(rows, keys) {
  const quoted = (value) => {
    const text = value === undefined || value === null ? "" : isScalar(value) ? String(value) : JSON.stringify(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [keys, ...rows.map((row) => keys.map((key) => row?.[key]))].map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

/// A filter in words.
function words([name, value]) {
  const [, path, operator] = /^(.*?)(?:[:_](eq|ne|contains|has|startsWith|endsWith|gte?|lte?|in|like))?$/.exec(name);
  const word = operator === "eq" ? "is" : OPERATORS.find(([known]) => known === (operator ?? ""))?.[1] ?? operator;
  return [path, word, value];
}

/// The table of the resource `name`. `go(hash, how)` changes the address. Gives the element.
export function tableView({ name, go }) {
  let pairs = [];
  let records = [];
  let columns = [];
  let allColumns = [];
  let total = 0;
  const selected = new Set();
  let counts = [];
  let labels = new Map();
  let loading;
  /// The editors of cells that are open or whose value is being saved. As long as there are any the rows are not drawn.
  const editors = new Set();
  let missed = false;
  /// The writes of the cells, one after the other.
  let writes = Promise.resolve();
  let awaited = false;
  const resource = () => resourceOf(name);
  const first = (wanted) => pairs.find(([known]) => known === wanted)?.[1];
  /// Changes the query; what is asked for then starts at the first page.
  const change = (edit, how) => go(listLink(name, edit(pairs.filter(([known]) => known !== "_page"))), how);
  const put = (wanted, value) => (kept) => [...kept.filter(([known]) => known !== wanted), ...(value ? [[wanted, value]] : [])];
  const toggle = (pair) => change((kept) => (kept.some((one) => same(one, pair)) ? kept.filter((one) => !same(one, pair)) : [...kept, pair]));

  // The toolbar stays while the rows change, and the focus in it.
  let typing;
  const search = h("input", { type: "search", id: "q", placeholder: "Search", "aria-label": "Search", autocomplete: "off", input: () => {
    clearTimeout(typing);
    typing = setTimeout(() => { if (element.isConnected) change(put("q", search.value), { replace: true }); }, 180);
  } });
  const count = h("span.count", { "data-test": "total" });
  const filterBar = filterForm();
  const facetBar = h("div.facets", { hidden: true, "aria-label": "Facets", role: "group" });
  /// A button that shows and hides `bar`; `shown` runs when it is shown.
  const opener = (text, name, bar, shown) => button(text, { icon: name, "aria-expanded": "false", click: (event) => {
    bar.hidden = !bar.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!bar.hidden));
    if (!bar.hidden) shown();
  } });
  const filterButton = opener("Filter", "filter", filterBar, () => filterBar.querySelector("select").focus());
  const columnMenu = menu("Columns", { icon: "columns" }, chooser);
  const downloadMenu = menu("Download", { icon: "down" }, downloads);
  const chips = h("ul.chips", { "aria-label": "Filters" });
  const notice = h("div.notices");
  const head = h("thead", h("tr"));
  const body = h("tbody");
  const grid = h("table.grid", h("caption.hidden", `Records of ${name}`), head, body);
  const scroll = region("div.scroll", `Records of ${name}`, {}, grid);
  const empty = h("div.empty", { hidden: true });
  const range = h("p.range", { "data-test": "range", role: "status" });
  const size = h("select", { id: "size", change: () => change(put("_limit", size.value === String(SIZE) ? "" : size.value)) }, SIZES.map((one) => h("option", one)));
  const step = (text, move) => button(text, { "aria-label": `${text} page`, click: (event) => {
    if (event.currentTarget.getAttribute("aria-disabled") === "true") return;
    const last = Math.max(1, Math.ceil(total / limit()));
    const to = Math.min(Math.max(1, move(page(), last)), last);
    go(listLink(name, put("_page", to > 1 ? String(to) : "")(pairs)));
  } });
  const steps = [step("First", () => 1), step("Previous", (at) => at - 1), step("Next", (at) => at + 1), step("Last", (_, last) => last)];
  const pager = h("div.pager", range, h("div.row", h("label", { for: "size" }, "Rows"), size), h("div.group", steps));
  const bulk = h("div.bulk", { hidden: true, role: "group", "aria-label": "Selected records" });
  const writing = canWrite();
  const title = h("h1", { tabindex: "-1" }, line(name, 80));
  const element = h("div.view.table-view", {},
    h("div.view-head", title, count, h("span.grow"),
      writing ? button("Paste JSON", { icon: "paste", kind: "quiet", click: () => go(`#new${pathOf(name)}?_json`) }) : null,
      writing ? button("New record", { icon: "plus", kind: "primary", "data-test": "new", click: () => go(`#new${pathOf(name)}`) }) : null),
    h("div.toolbar", h("div.search", icon("search"), search), filterButton, opener("Facets", "facets", facetBar, loadFacets), h("span.grow"), columnMenu, downloadMenu),
    filterBar, facetBar, chips, notice, scroll, empty, pager, bulk);

  const page = () => Math.max(1, Number(first("_page") ?? 1) || 1);
  const limit = () => Math.max(1, Number(first("_limit") ?? SIZE) || SIZE);
  const asked = () => pairs.filter(([known]) => !WINDOW.includes(known));

  function filterForm() {
    const { found } = properties(resource());
    const paths = [];
    for (const [key, schema] of found) {
      paths.push(key);
      for (const inner of Object.keys(schema.properties ?? {}).slice(0, 50)) paths.push(`${key}.${inner}`);
    }
    if (!paths.includes(idName())) paths.unshift(idName());
    const which = h("select", { id: "field" }, paths.slice(0, 500).map((path) => h("option", { value: path }, line(path, 40))));
    const operator = h("select", { id: "operator" }, OPERATORS.map(([value, text]) => h("option", { value }, text)));
    const value = h("input", { id: "value", size: "16", autocomplete: "off" });
    return h("form.filter", { hidden: true, "aria-label": "Filter", submit: (event) => {
      event.preventDefault();
      const how = operator.value;
      toggle(how === "null" ? [`${which.value}:eq`, "null"] : [how ? `${which.value}:${how}` : which.value, value.value]);
      value.value = "";
    } }, h("label", { for: "field" }, "Field"), which, h("label.hidden", { for: "operator" }, "Operator"), operator,
    h("label.hidden", { for: "value" }, "Value"), value, h("button", { type: "submit" }, "Add filter"));
  }

  function showChips() {
    const chosen = pairs.filter(([known]) => !WINDOW.includes(known) && known !== "q" && known !== "_sort" && known !== "_order");
    chips.hidden = chosen.length === 0;
    fill(chips, chosen.map((pair) => {
      const [path, word, value] = words(pair);
      return h("li", h("span", line(path, 40), h("span.soft", ` ${word} `), line(value, 60)), button(`Remove the filter ${pair[0]} = ${line(pair[1], 60)}`, { icon: "close", only: true, kind: "quiet small", click: () => {
        filterButton.focus();
        change((kept) => kept.filter((one) => one !== pair));
      } }));
    }), chosen.length > 1 ? h("li.plain", button("Clear", { kind: "quiet small", click: () => { filterButton.focus(); change((kept) => kept.filter((pair) => !chosen.includes(pair))); } })) : null);
  }

  function heading(column) {
    const sort = first("_sort");
    const order = sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
    const next = { none: column, ascending: `-${column}`, descending: "" }[order];
    return h("th", { scope: "col", "aria-sort": order, class: isNumeric(column) ? "number" : "" },
      h("button", { type: "button", "data-key": `sort ${column}`, title: `Sort by ${column}`, click: () => change(put("_sort", next)) }, h("span", line(column, 40)), order === "none" ? null : h("span.order", { "aria-hidden": "true" }, order === "ascending" ? "↑" : "↓")));
  }

  const isNumeric = (column) => {
    if (referenceOf(resource(), column)) return false;
    const values = records.map((record) => (isRecord(record) ? record[column] : undefined)).filter((value) => value !== undefined && value !== null);
    if (values.length > 0) return values.every(isNumber);
    const types = typesOf(properties(resource()).found.get(column));
    return types.length > 0 && types.every((type) => ["number", "integer", "null"].includes(type));
  };

  function cellOf(record, column) {
    const value = record[column];
    const reference = referenceOf(resource(), column);
    const has = Object.hasOwn(record, column);
    let shown;
    if (column === idName()) shown = h("a.id", { href: recordLink(name, value) }, line(value, 60));
    else if (reference && has && value !== null && isScalar(value)) {
      const label = labels.get(`${column} ${value}`);
      shown = label ? h("a", { href: recordLink(reference.resource, label.id), title: `${reference.resource}/${label.id}` }, label.label || String(value), label.label ? h("span.soft.ref", ` ${line(value, 12)}`) : null) : h("span", { title: `No record of ${reference.resource} has it` }, String(value));
    } else shown = show(has ? value : undefined, column);
    return h("td", { class: isNumber(value) && !reference ? "number" : "", tabindex: "-1", "data-column": column, "data-key": `${record[idName()]} ${column}` }, shown);
  }

  function row(record, changed) {
    if (!isRecord(record)) return h("tr", h("td", { colspan: "99" }, line(record)));
    const id = record[idName()];
    const mark = writing ? h("td.check", h("input", { type: "checkbox", "data-key": `select ${id}`, "aria-label": `Select ${line(id, 40)}`, change: (event) => {
      if (event.target.checked) selected.add(String(id)); else selected.delete(String(id));
      showBulk();
    } })) : null;
    return h("tr", { "data-id": String(id), class: changed?.has(String(id)) ? "flash" : "" }, mark, columns.map((column) => cellOf(record, column)), resource().dependents.map((dependent, at) => {
      const value = record[dependent.target];
      const how = counts[at]?.get(String(value)) ?? 0;
      return h("td.children", value === undefined || value === null || !counts[at] ? "" : how === 0 ? h("span.none", "0") : h("a", { href: dependentsLink(dependent, value) }, counted(dependent.resource, how)));
    }));
  }

  function draw(changed) {
    const all = writing && records.length > 0 ? h("th.check", { scope: "col" }, h("input", { type: "checkbox", "aria-label": "Select all on this page", "data-key": "all", change: (event) => {
      for (const record of records) if (event.target.checked) selected.add(String(record[idName()])); else selected.delete(String(record[idName()]));
      showBulk();
    } })) : null;
    const held = tools.closest("td");
    if (!tools.contains(document.activeElement)) tools.remove();
    renew(head.firstElementChild, all, columns.map(heading), resource().dependents.map((one) => h("th.children", { scope: "col" }, one.resource)));
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
    showBulk();
  }

  function chooseColumns() {
    allColumns = [...new Set([idName(), ...properties(resource()).found.keys(), ...records.filter(isRecord).flatMap((record) => Object.keys(record).slice(0, MOST_KEYS))])];
    const chosen = first("_columns")?.split(",").map(decodeURIComponent).filter((column) => column !== "");
    columns = chosen ?? allColumns.slice(0, MOST_COLUMNS);
    columnMenu.label(columns.length < allColumns.length ? `Columns ${columns.length}/${allColumns.length}` : "Columns");
  }

  function chooser() {
    const boxes = h("div.checks");
    const find = h("input", { type: "search", placeholder: "Find a column", "aria-label": "Find a column", input: list });
    const standard = allColumns.slice(0, MOST_COLUMNS);
    const set = (wanted) => {
      go(listLink(name, put("_columns", same(wanted, standard) ? "" : wanted.map((one) => encodeURIComponent(one)).join(","))(pairs)), { replace: true });
      columns = wanted;
      list();
    };
    function list() {
      fill(boxes, allColumns.filter((column) => column.toLowerCase().includes(find.value.toLowerCase())).slice(0, 200).map((column) => h("label", h("input", { type: "checkbox", "data-key": column, checked: columns.includes(column), change: (event) => {
        set(allColumns.filter((one) => (one === column ? event.target.checked : columns.includes(one))));
      } }), line(column, 60))));
    }
    list();
    return [allColumns.length > 12 ? find : null, boxes, h("div.row", button("All", { kind: "quiet small", click: () => set(allColumns.slice(0, 200)) }), button("Standard", { kind: "quiet small", click: () => set(standard) }))];
  }

  /// Two ways to download: what is shown, and all records that match with all their properties.
  function downloads(close) {
    const file = (kind) => `${name.replace(/[^\w.-]+/g, "-")}.${kind}`;
    const save = (kind, rows, keys) => {
      if (kind === "csv") download(csv(rows, keys), file(kind), "text/csv");
      else download(`${JSON.stringify(rows.map((row) => (isRecord(row) ? Object.fromEntries(keys.filter((key) => Object.hasOwn(row, key)).map((key) => [key, row[key]])) : row)), null, 2)}\n`, file(kind), "application/json");
      close();
    };
    const all = async (kind) => {
      const entry = await get(pathOf(name), asked());
      if (!Array.isArray(entry.json)) { say(`Not downloaded: ${entry.problem}`); return; }
      save(kind, entry.json, [...new Set(entry.json.filter(isRecord).flatMap(Object.keys))]);
    };
    return [["What is shown", `${number(records.length)} of ${number(total)}, ${number(columns.length)} columns`, (kind) => save(kind, records, columns)], [`All ${number(total)}`, "every property", all]].map(([text, what, run]) =>
      h("div.menu-row", h("span", text, h("span.soft", what)), ["CSV", "JSON"].map((kind) => button(kind, { "aria-label": `${text} as ${kind}`, kind: "small", click: () => run(kind.toLowerCase()) }))));
  }

  async function loadFacets() {
    const entry = await get(`/-/facets/${segment(name)}`, asked());
    const facets = (entry.json?.facets ?? []).filter((facet) => facet.field !== idName() && ((facet.values.length > 1 && (facet.values.length <= 8 || facet.values.some((one) => one.count > 1))) || pairs.some(([known]) => words([known, ""])[0] === facet.field))).sort((one, other) => one.values.length - other.values.length);
    const named = await Promise.all(facets.map((facet) => {
      const reference = referenceOf(resource(), facet.field);
      return reference ? labelsOf(reference, facet.values.map((one) => one.value), true) : new Map();
    }));
    fill(facetBar, facets.length === 0 ? h("p.soft", entry.ok ? "No column has few values." : entry.problem) : facets.map((facet, at) => h("div.facet", h("h2", line(facet.field, 40)), h("ul", facet.values.map((one) => {
      const isList = records.some((record) => Array.isArray(record?.[facet.field]));
      const pair = isList ? [`${facet.field}:contains`, String(one.value)] : filterFor(facet.field, one.value);
      const label = named[at].get(String(one.value))?.label || (one.value === "" ? "empty" : String(one.value));
      return h("li", h("button", { type: "button", "data-key": JSON.stringify(pair), "aria-pressed": String(pairs.some((known) => same(known, pair))), click: () => toggle(pair) }, h("span", line(label, 30)), h("span.soft", number(one.count))));
    })))));
  }

  function showBulk() {
    const isSelected = (id) => selected.has(String(id));
    for (const box of body.querySelectorAll(".check input")) box.checked = isSelected(box.closest("tr").dataset.id);
    const all = head.querySelector("input");
    if (all) all.checked = records.every((one) => isSelected(one?.[idName()]));
    bulk.hidden = selected.size === 0;
    fill(bulk, h("strong", `${number(selected.size)} selected`), h("span.grow"), button("Delete", { icon: "trash", kind: "danger", "data-key": "delete", click: removeSelected }), button("Clear selection", { kind: "quiet", click: () => { selected.clear(); scroll.focus(); showBulk(); } }));
  }

  async function removeSelected() {
    const at = records.findIndex((record) => selected.has(String(record?.[idName()])));
    if (!(await removeRecords(name, [...selected]))) return;
    selected.clear();
    await load();
    (body.rows[Math.min(Math.max(at, 0), body.rows.length - 1)]?.querySelector("a") ?? title).focus();
  }

  // What the pointer is over, or the focus in, has two small buttons: filter by this value, and edit it.
  const tools = h("span.tools", button("Filter by this value", { icon: "filter", only: true, kind: "small", tabIndex: -1, click: (event) => { event.stopPropagation(); filterCell(tools.closest("td")); } }),
    writing ? button("Edit this value", { icon: "edit", only: true, kind: "small", tabIndex: -1, click: (event) => { event.stopPropagation(); editCell(tools.closest("td")); } }) : null);
  const recordOf = (cell) => records.find((record) => String(record?.[idName()]) === cell?.closest("tr")?.dataset.id);
  const canTool = (cell) => cell?.dataset.column !== undefined && !cell.querySelector(".edit") && recordOf(cell);
  const offer = (cell) => {
    if (!canTool(cell) || cell.contains(tools)) return;
    tools.classList.toggle("only-filter", cell.dataset.column === idName());
    cell.append(tools);
  };
  body.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") offer(event.target.closest("td")); });
  body.addEventListener("focusin", (event) => offer(event.target.closest("td")));
  grid.addEventListener("pointerleave", () => { if (!tools.contains(document.activeElement)) tools.remove(); });

  function filterCell(cell) {
    const value = recordOf(cell)?.[cell.dataset.column];
    if (value === undefined) return say("Records without a property cannot be filtered for");
    if (Array.isArray(value) && value.length > 0 && isScalar(value[0])) return toggle([`${cell.dataset.column}:contains`, String(value[0])]);
    if (!isScalar(value)) return say("Filter by one of its values: open Filter");
    toggle(filterFor(cell.dataset.column, value));
  }

  function editCell(cell) {
    const record = recordOf(cell);
    const column = cell?.dataset.column;
    if (!writing || !record || column === idName() || cell.querySelector(".edit")) return;
    const schema = properties(resource()).found.get(column) ?? {};
    if (schema.readOnly) { say(`${line(column, 40)} is read-only`); return; }
    const value = record[column];
    const id = record[idName()];
    const one = field({ key: column, schema, value, reference: referenceOf(resource(), column), rules: resource().rules, compact: true });
    // What the reader knows of: the value that is overwritten, and the reference to nothing that is saved all the same.
    let seen = value;
    let warned;
    const isOpen = () => one.element.isConnected;
    const read = () => { try { return one.get(); } catch (error) { one.setError(error.message); return undefined; } };
    const open = () => { editors.add(one); tools.remove(); fill(cell, one.element); };
    const done = () => {
      editors.delete(one);
      if (missed && editors.size === 0) load(true);
    };
    /// Puts `value` in place of the editor.
    const close = (value, focus) => {
      if (focus) cell.focus();
      if (value === undefined) delete record[column]; else record[column] = value;
      const shown = cellOf(record, column);
      fill(cell, ...shown.childNodes);
      cell.className = shown.className;
      if (focus) offer(cell);
    };
    const leave = () => { close(value, true); done(); };
    /// The editor comes back with what is wrong. It takes the focus if that is not elsewhere by now.
    const refuse = (message, status) => {
      cell = body.querySelector(`[data-key="${CSS.escape(cell.dataset.key)}"]`);
      if (!element.isConnected || !cell) { done(); say(`Not saved: ${message}`); return; }
      const isFree = document.activeElement === document.body || cell.contains(document.activeElement);
      open();
      one.setError(message, status);
      if (isFree) one.input.focus(); else say(`Not saved: ${line(column, 40)} of ${singular(name)} ${line(id, 40)}`);
    };
    const save = (focus) => {
      // What was refused is sent again by Enter only, not by going away.
      if (!isOpen() || (!focus && one.isWrong())) return;
      const wanted = read();
      if (wanted === undefined && one.isWrong()) return;
      if (wanted === undefined || same(wanted, value)) { close(value, focus); done(); return; }
      // The next cell does not wait for the server.
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
        // Another client's change of this value is not overwritten unseen.
        const now = await get(pathOf(name, id));
        if (now.ok && !same(now.json?.[column], seen)) {
          seen = now.json?.[column];
          refuse(`Changed elsewhere to ${seen === undefined ? "nothing" : line(seen, 40)}. Enter overwrites it, Escape leaves it`);
          return;
        }
        entry = await call("PATCH", pathOf(name, id), { body: JSON.stringify({ [column]: wanted }), tag: now.header("etag") });
      } while (entry.status === 412);
      if (!entry.ok) {
        const found = entry.json?.errors?.find((error) => error.pointer.split("/")[1] === column.replaceAll("~", "~0").replaceAll("/", "~1"));
        refuse(found?.detail ?? entry.problem, entry.status);
        return;
      }
      editors.delete(one);
      say(`Saved ${singular(name)} ${line(id, 40)}`, undoAction(name, id));
      if (element.isConnected) load(false, new Set([String(id)]));
    };
    one.isDirty = () => isOpen() && (one.isWrong() || !same(read() ?? null, value ?? null));
    open();
    one.element.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") leave();
      else if (event.key === "Enter" && !(event.shiftKey && one.input.tagName === "TEXTAREA")) { event.preventDefault(); save(true); }
    });
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
    if (!cell || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, textarea, input:not([type=checkbox])")) return;
    const line = cell.parentElement;
    const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (step) {
      const next = body.rows[[...body.rows].indexOf(line) + step[0]]?.cells[cell.cellIndex + step[1]];
      if (next) { (next.dataset.column === undefined ? next.querySelector("input, a") ?? next : next).focus(); event.preventDefault(); }
    } else if (event.key === "Enter" && event.target === cell) go(recordLink(name, line.dataset.id));
    else if (event.key === "F2" || event.key === "e") { event.preventDefault(); editCell(cell); } else if (event.key === "f") { event.preventDefault(); filterCell(cell); }
  });

  /// Loads the records; `quiet` after a change elsewhere, which may have touched the records with the ids `changed`.
  async function load(quiet = false, changed = undefined) {
    loading?.abort();
    const mine = (loading = new AbortController());
    // What a person asked for is shown, also if a refresh takes its place.
    const silent = quiet && !awaited;
    awaited = !silent;
    const entry = await call("GET", target(pathOf(name), [...asked(), ["_page", String(page())], ["_limit", String(limit())]]), { quiet: silent, signal: mine.signal });
    if (!entry.aborted) awaited = false;
    if (entry.aborted || !element.isConnected) return;
    if (editors.size > 0) { missed = true; return; }
    missed = false;
    records = Array.isArray(entry.json) ? entry.json : [];
    total = Number(entry.header("x-total-count") ?? records.length);
    fill(notice, entry.ok ? (entry.hint ? h("p.hint", entry.hint) : null) : problem(entry));
    chooseColumns();
    draw(changed);
    count.textContent = entry.ok ? number(total) : "";
    scroll.hidden = records.length === 0;
    empty.hidden = total !== 0;
    pager.hidden = total === 0;
    if (total === 0) showEmpty(entry.ok);
    const last = Math.max(1, Math.ceil(total / limit()));
    const from = (page() - 1) * limit();
    range.textContent = records.length === 0 ? `No records on page ${number(page())} of ${number(last)}` : `${number(from + 1)}–${number(from + records.length)} of ${number(total)}`;
    if (!SIZES.includes(String(limit()))) size.append(h("option", String(limit())));
    size.value = String(limit());
    steps.forEach((one, at) => one.setAttribute("aria-disabled", String(at < 2 ? page() <= 1 : page() >= last)));
    // The rows do not wait for these.
    if (!facetBar.hidden) loadFacets();
    await loadRelated(mine.signal, changed, silent);
  }

  /// The labels of what the records point to, and the counts of what points to them.
  async function loadRelated(signal, changed, quiet) {
    const now = records;
    const references = resource().references.filter((one) => columns.includes(one.property) && !one.many);
    const dependents = resource().dependents;
    if (now.length === 0 || (references.length === 0 && dependents.length === 0)) return;
    const [found, numbers] = await Promise.all([
      Promise.all(references.map((one) => labelsOf(one, now.map((record) => record?.[one.property]), quiet))),
      Promise.all(dependents.map((one) => countsOf(one, now.map((record) => record?.[one.target]).filter((value) => value !== undefined && value !== null)))),
    ]);
    if (signal.aborted || now !== records || !element.isConnected) return;
    if (editors.size > 0) { missed = true; return; }
    labels = new Map(references.flatMap((one, at) => [...found[at]].map(([value, label]) => [`${one.property} ${value}`, label])));
    counts = numbers;
    draw(changed);
  }

  function showEmpty(ok) {
    const chosen = pairs.some(([known]) => !WINDOW.includes(known) && known !== "_sort");
    fill(empty, chosen || !ok ? [h("p", ok ? "No matching records." : "Invalid query."), button("Show all records", { click: () => { search.value = ""; go(listLink(name)); } })]
      : [h("p", `${name} is empty.`), h("p.soft", "Add the first record here, or add one to the data file; it appears automatically.")]);
  }

  return {
    element,
    /// Shows what the query of the address says.
    update(next) {
      const which = (all) => JSON.stringify(all.filter(([known]) => !WINDOW.includes(known) && known !== "_sort"));
      if (which(next) !== which(pairs)) selected.clear();
      pairs = next;
      editors.clear();
      if (document.activeElement !== search) search.value = first("q") ?? "";
      showChips();
      return load();
    },
    refresh: (ids) => load(true, ids),
    focus: () => title.focus(),
    isDirty: () => [...editors].some((one) => one.isDirty()),
  };
}

// One record as a form, or as JSON.
import { button, choose, fill, grow, h, heading, number, onKey, plural, renew, say } from "./dom.js";
import { call, get, pathOf } from "./api.js";
import { problem } from "./login.js";
import { diff } from "./cells.js";
import { field } from "./fields.js";
import { coloured, cut, isNothing, isRecord, keysOf, line, mistake, parse, placed, print, same, tree } from "./json.js";
import { called, canWrite, counted, countsOf, dependentsLink, idName, idOf, labelOf, properties, recordLink, referenceOf, resourceOf, singular, typesOf } from "./model.js";
import { removeRecords, undoAction } from "./change.js";

const MOST_FIELDS = 200;
const MERGE = ["Content-Type", "application/merge-patch+json"];

/// The view of a record, a new one, or a single object. `back` is the list it was opened from.
export default function ({ name, id, isNew, go, back }) {
  const resource = () => resourceOf(name);
  const single = resource().kind !== "collection";
  const path = pathOf(name, single || isNew ? undefined : id);
  const writing = canWrite();
  /// The record as loaded, or the initial values of a new one; and its entity tag.
  let record = {};
  let tag;
  let form;
  /// The request that loads the record.
  let loading;
  let left = false;
  const title = heading(isNew ? `New ${singular(name)}` : single ? line(name, 80) : called(name, id));
  const label = h("span.count");
  const actions = h("div.row");
  const notice = h("div.notices");
  const place = h("div.record-body");
  const element = h("div.view", !single && h("nav.crumbs", { label: "Breadcrumb" }, h("a", { href: back }, line(name, 60)), h("span", { "aria-hidden": "true" }, "/"), h("span", isNew ? "new" : line(id, 60))),
    h("div.view-head", title, label, grow(), actions), notice, place);

  /// Sets the initial values of a new record: defaults or those of another record, and those in the URL.
  async function initialize(pairs) {
    const { found } = properties(resource());
    const from = pairs.find(([key]) => key === "_from")?.[1];
    const other = from === undefined ? undefined : (await get(pathOf(name, from))).json;
    const start = isRecord(other) ? Object.entries(other) : [...found].filter(([, schema]) => schema.default !== undefined).map(([key, schema]) => [key, schema.default]);
    record = Object.fromEntries(start.filter(([key]) => key !== idName() && !found.get(key)?.readOnly));
    for (const [key, value] of pairs.filter(([key]) => !key.startsWith("_"))) {
      const types = typesOf(found.get(key));
      record[key] = /^-?\d+$/.test(value) && (types.includes("integer") || !types.includes("string")) ? Number(value) : value;
    }
  }

  const setRecord = (entry) => { record = isRecord(entry.json) ? entry.json : {}; tag = entry.header("etag"); };

  function build(asJson = false) {
    const { found, required } = properties(resource());
    const { rules, schema } = resource();
    const messages = h("div");
    const grid = h("div.fields");
    const dirty = h("span.soft", { role: "status" });
    let fields = [];
    /// The dangling references that the user has been warned of.
    let warned = "";
    let jsonStart;
    /// The save in progress: what it saves, and a promise.
    let saving;
    const wrong = h("p.wrong", { id: "json-wrong", role: "alert" });
    const area = h("textarea", { id: "json", rows: "18", spellcheck: "false", placeholder: '[\n  { "name": "Ada" },\n  { "name": "Grace" }\n]', input: () => { setJsonError(""); mark(); }, "aria-describedby": wrong.id });
    const json = h("div.field", { hidden: true }, h("label", { for: area.id }, single ? "The object as JSON" : isNew ? "One object, or a list of objects" : "The record as JSON"), area, wrong);
    const isJson = () => !json.hidden;

    /// Renders the fields, unless there are too many.
    function draw(values) {
      const names = [...new Set([...found.keys(), ...Object.keys(values)])].filter((key) => (key !== idName() || single || (isNew && Object.hasOwn(values, key))) && !(isNew && found.get(key)?.readOnly));
      const tooMany = names.length > MOST_FIELDS;
      fields = (tooMany ? [] : names).map((key) => field({ key, schema: found.get(key) ?? {}, value: values[key], required: required.includes(key), reference: referenceOf(resource(), key), rules, changed: mark }));
      const isOpen = !single && !tooMany && !(rules && found.size > 0 && schema.additionalProperties === false);
      fill(grid, fields.map((one) => one.element), tooMany && h("p.hint", `The record has ${number(names.length)} properties, too many for a form.`), isOpen && adder());
      return !tooMany;
    }

    /// The input that adds a property.
    function adder() {
      const key = h("input", { placeholder: "New property", autocomplete: "off", label: "New property", keydown: onKey({ Enter: () => add() }) });
      const add = () => {
        const text = key.value.trim();
        if (text === "" || text === idName()) return;
        if (!fields.some((one) => one.key === text)) {
          fields.push(field({ key: text, schema: {}, value: undefined, rules, changed: mark }));
          row.before(fields.at(-1).element);
          key.value = "";
        }
        fields.find((one) => one.key === text).input.focus();
      };
      const row = h("div.row", key, button("Add property", { icon: "plus", kind: "quiet", click: add }));
      return row;
    }

    /// The record in the fields, with new properties last; throws if a field is not valid.
    function value() {
      const made = new Map(Object.entries(record));
      let failed;
      for (const one of fields) {
        try {
          const read = one.get();
          if (read === undefined) made.delete(one.key); else made.set(one.key, read);
        } catch (error) { one.setError(error.message); failed ??= one; }
      }
      failed?.input.focus();
      if (failed) throw new Error("a field is not valid");
      return Object.fromEntries(made);
    }

    function isDirty() {
      if (isJson()) return area.value !== jsonStart || (jsonStart !== "" && !same(parse(jsonStart), record));
      return fields.some((one) => { try { return !same(one.get(), record[one.key]); } catch { return true; } });
    }

    const mark = () => { dirty.textContent = isDirty() ? "Unsaved changes" : ""; };

    function setMode(toJson) {
      json.hidden = !toJson;
      grid.hidden = toJson;
      mode.firstChild.textContent = toJson ? "Edit as a form" : "Edit as JSON";
    }

    function showJson(text) {
      jsonStart = area.value = text;
      setMode(true);
    }

    /// Switches between form and JSON, if the current one is valid.
    function toggle() {
      if (!isJson()) {
        try { showJson(print(value())); } catch { return; }
        area.focus();
      } else {
        const read = readJson();
        if (Array.isArray(read)) setJsonError("A form holds one object.");
        if (!isRecord(read)) return;
        setMode(false);
        draw(read);
        fields[0]?.input.focus();
      }
      mark();
    }

    function setJsonError(text, at = 0) {
      wrong.textContent = text;
      area.ariaInvalid = text ? "true" : null;
      if (!text) return;
      area.focus();
      area.setSelectionRange(at, at);
    }

    /// Parses the JSON as a record or a list; undefined if it is not valid.
    function readJson() {
      const text = isNew && area.value === "" ? "{}" : area.value;
      let said = mistake(text);
      let at = 0;
      const read = said ? undefined : parse(text);
      if (!said && isNew && Array.isArray(read)) {
        const bad = read.findIndex((one) => !isRecord(one));
        said = bad >= 0 ? `Item ${bad + 1} is not an object.` : read.length === 0 ? "The list is empty." : "";
      } else if (!said && !isRecord(read)) said = "It must be an object.";
      else if (!said && !isNew && !single && read[idName()] !== undefined && !same(read[idName()], record[idName()])) {
        at = keysOf(text).find(({ key, depth }) => depth === 1 && key === idName()).at;
        said = placed(text, at, `the ${idName()} is ${print(record[idName()])} and cannot be changed. Duplicate the record to have it with another one.`);
      }
      if (said) setJsonError(said, at);
      return said ? undefined : read;
    }

    /// The request for a save; undefined if something is not valid, or nothing has changed.
    async function request() {
      if (isJson()) {
        const read = readJson();
        return read && { method: isNew ? "POST" : "PUT", body: area.value, list: Array.isArray(read) && read };
      }
      let made;
      try { made = value(); } catch { return undefined; }
      const lost = [];
      for (const one of fields) if (!(await one.verify())) lost.push(one);
      const known = lost.map((one) => one.input.value).join("\n");
      if (known !== warned && lost.length > 0) {
        warned = known;
        say("Save again to save it all the same");
        lost[0].input.focus();
        return undefined;
      }
      if (isNew) return { method: "POST", body: made };
      const changed = Object.entries(made).filter(([key, one]) => !same(one, record[key]));
      const removed = Object.keys(record).filter((key) => !Object.hasOwn(made, key));
      if (changed.length + removed.length === 0) { say("Nothing has changed"); return undefined; }
      if (removed.length === 0) return { method: "PATCH", body: Object.fromEntries(changed) };
      // In a merge patch null removes and objects are merged: with a null or an object, PUT the whole record.
      if (changed.some(([, one]) => one === null || isRecord(one))) return { method: "PUT", body: made };
      return { method: "PATCH", type: MERGE, body: Object.fromEntries([...changed, ...removed.map((key) => [key, null])]) };
    }

    /// One save at a time. A double click saves once; later input is saved afterwards.
    function save() {
      const typed = now();
      if (saving?.typed === typed) return;
      const before = saving;
      const mine = (saving = { typed });
      mine.done = (async () => {
        await before?.done;
        if (!left) await saveOnce();
        if (saving === mine) saving = undefined;
      })();
    }

    /// Sends a request. Disables a new record's form, because later input would not be in the request.
    async function send(method, sent) {
      place.inert = isNew;
      const entry = await call(method, path, sent);
      place.inert = false;
      return entry;
    }

    async function saveOnce() {
      fill(messages);
      if (!isJson()) fields.forEach((one) => one.setError(""));
      const before = now();
      const wanted = await request();
      if (!wanted) return;
      if (wanted.list) { await createAll(wanted.list); return; }
      const entry = await send(wanted.method, { ...wanted, tag });
      if (!element.isConnected) { if (!entry.ok) say(`Not saved: ${entry.problem}`); return; }
      if (entry.status === 412) { conflict(true); return; }
      if (!entry.ok) { showProblem(entry); return; }
      setRecord(entry);
      const savedId = record[idName()] ?? id;
      say(`${isNew ? "Created" : "Saved"} ${single ? line(name, 40) : called(name, savedId)}`, undoAction(name, single ? undefined : savedId));
      fill(notice);
      head();
      // Keep what was typed during the request.
      if (!isNew && now() !== before) { mark(); return; }
      if (isNew && record[idName()] !== undefined) { leave(recordLink(name, savedId)); return; }
      build(isJson());
      if (!place.contains(document.activeElement)) form.save.focus();
    }
    const now = () => { try { return isJson() ? area.value : JSON.stringify(value()); } catch { return undefined; } };

    /// Creates the records of a list. After an error, the rest stays in the field.
    async function createAll(records) {
      let done = 0;
      let failed;
      let last;
      while (done < records.length && !failed) {
        const entry = await send("POST", { body: records[done] });
        if (!entry.ok) { failed = entry; break; }
        last = entry.json?.[idName()];
        done += 1;
      }
      if (done > 0) say(`Created ${counted(name, done)}`, undoAction(name, last, done));
      if (!failed) { if (element.isConnected) leave(back); return; }
      if (!element.isConnected) { say(`Not created: ${failed.problem}`); return; }
      area.value = print(records.slice(done));
      mark();
      fill(messages, problem(failed, h("p", h("strong", `Record ${done + 1} was not created.`)), failed.errors.map((error) => h("p.wrong", `${error.pointer} ${error.detail}`)),
        done > 0 && h("p", `${plural(done, "record")} before it ${done === 1 ? "was" : "were"} created; the rest is in the field.`)));
      area.focus();
    }

    /// Shows the server's errors: at their fields, the rest above.
    function showProblem(entry) {
      const rest = [];
      for (const { pointer, detail, steps: [key, ...inside] } of entry.errors) {
        const one = !isJson() && fields.find((one) => one.key === key);
        if (one) one.setError([inside.join("/"), detail].filter(Boolean).join(" "));
        else rest.push(`${pointer} ${detail}`);
      }
      if (entry.status === 401) fill(notice);
      // Do not repeat an error that is shown at its field.
      const said = rest.length === 0 && entry.errors.length === 1;
      fill(messages, problem(said ? { ...entry, problem: "" } : entry, h("p", h("strong", entry.title ?? "Not saved"), ` (${entry.status || "no response"})`), rest.map((text) => h("p.wrong", text))));
      (fields.find((one) => one.wrong())?.input ?? messages.firstElementChild).focus();
    }

    const submit = h("button.primary", { type: "submit" }, isNew ? "Create" : "Save");
    const mode = button("Edit as JSON", { kind: "quiet", click: toggle });
    form = { isDirty, isJson, save: submit, saved: () => saving?.done };
    const whole = print(record);
    if (!draw(record)) {
      mode.hidden = true;
      if (whole.length <= 1000000) showJson(whole); else grid.append(h("pre", { tabindex: "0" }, cut(whole)));
    } else if (asJson) showJson(isNew && same(record, {}) ? "" : whole);
    mark();
    fill(place, h("form.record", { novalidate: true, submit: save }, messages, grid, json,
      h("div.save-bar.row", writing ? submit : h("span.soft", "Read-only: nothing can be saved."), isNew && h("a.button", { href: back }, "Cancel"), mode, grow(), dirty)));
  }

  /// Navigates to `to` after an action.
  function leave(to) {
    form = undefined;
    left = true;
    go(to, { follow: true });
  }

  /// Shows the record as it was reloaded.
  function reloadWith(entry) {
    setRecord(entry);
    fill(notice);
    build(form.isJson());
    head();
    related();
  }

  /// Shows what others have changed, and asks what to do; `again` after a failed save.
  async function conflict(again = false) {
    const entry = await get(path);
    if (!entry.ok) { fill(notice, entry.status === 404 ? h("p.hint", "The record has been deleted elsewhere. What you have typed is still here: duplicate it, or copy it as JSON.") : problem(entry)); return; }
    const choice = await choose("Changed elsewhere", [h("p", "Somebody else has changed this since you opened it:"), diff(record, entry.json)], [...(again ? [["Overwrite", "danger-quiet"]] : []), ["Reload"], ["Keep editing", "primary"]]);
    if (choice === "Overwrite") {
      tag = entry.header("etag");
      form.save.click();
    } else if (choice === "Reload") {
      reloadWith(entry);
      title.focus();
    }
  }

  function head() {
    if (isNew || single) return;
    label.textContent = labelOf(resource(), record);
    fill(actions, writing && [
      button("Duplicate", { icon: "copy", click: () => go(`#new${pathOf(name)}?_from=${encodeURIComponent(id)}`) }),
      button("Delete", { icon: "trash", kind: "danger-quiet", click: async () => { if (await removeRecords(name, [id])) leave(back); } }),
    ]);
  }

  /// Renders the links to dependents, and nested values as trees.
  async function related() {
    if (isNew || single) return;
    const { dependents } = resource();
    const counts = await Promise.all(dependents.map((one) => countsOf(one, [record[one.target]])));
    if (!element.isConnected) return;
    const isNested = (value) => typeof value === "object" && value !== null;
    const nested = Object.entries(record).filter(([, value]) => isRecord(value) || (Array.isArray(value) && value.some(isNested)));
    const link = (one, at) => {
      const value = String(record[one.target]);
      return h("li", h("a", { href: dependentsLink(one, value) }, counted(one.resource, counts[at].get(value) ?? 0)), h("span.soft", ` by ${line(one.property, 40)}`),
        writing && !one.many && h("a.add", { href: `#new${pathOf(one.resource)}?${encodeURIComponent(one.property)}=${encodeURIComponent(value)}` }, `Add ${singular(one.resource)}`));
    };
    element.querySelector(".related")?.remove();
    if (dependents.length + nested.length > 0) {
      element.append(h("section.related", { label: "Related" }, dependents.length > 0 && [h("h2", "Points to this"), h("ul.links", dependents.map(link))], nested.slice(0, 20).map(([key, value]) => [h("h2", line(key, 60)), tree(value)])));
    }
  }

  return {
    element,
    async start(pairs, quiet) {
      if (isNew) await initialize(pairs);
      else {
        loading = call("GET", path, { quiet });
        const entry = await loading;
        if (!entry.ok || !isRecord(entry.json)) { renew(place, entry.ok ? h("pre", { tabindex: "0" }, coloured(entry.text)) : problem(entry)); return; }
        setRecord(entry);
      }
      const asJson = pairs.some(([key]) => key === "_json");
      if (asJson) title.textContent = `Create ${name} from JSON`;
      build(asJson);
      head();
      related();
    },
    /// Handles a change of these records; without `ids` anything may have changed, also the rules.
    async refresh(ids) {
      // A second start would replace the form that is being filled in.
      await loading;
      if (!form && !isNew && !left) { this.start([], true); return; }
      if (isNew || left || (!single && ids?.size > 0 && !ids.has(String(id)))) { related(); return; }
      const before = tag;
      const entry = await get(path);
      // A save in the meantime is newer.
      if (!element.isConnected || left || tag !== before) return;
      // Keep the login fields.
      if (entry.status === 401 && place.querySelector(".problem input")) return;
      const isBusy = form.isDirty() || place.querySelector('[aria-expanded="true"]');
      if (entry.ok && same(entry.json, record) && (ids || isBusy)) { tag = entry.header("etag"); fill(notice); related(); }
      else if (isRecord(entry.json) && entry.ok && !isBusy) reloadWith(entry);
      else {
        renew(notice, entry.status === 404 ? h("p.hint", "The record has been deleted elsewhere.") : !entry.ok ? problem(entry)
          : h("p.hint", "The record has been changed elsewhere. ", button("Show the changes", { kind: "small", click: () => conflict() })));
      }
    },
    focus: () => (isNew ? place.querySelector("textarea:not([hidden] *), input, textarea, select") ?? title : title).focus(),
    isDirty: () => form?.isDirty() ?? false,
    saved: () => form?.saved(),
    save: () => form?.save.click(),
  };
}

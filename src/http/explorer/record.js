// One record as a form, or as JSON: what the rules or the other records say is kept.
import { button, choose, fill, h, number, plural, say } from "./dom.js";
import { call, get, pathOf, problem } from "./api.js";
import { diff } from "./cells.js";
import { field } from "./fields.js";
import { coloured, cut, isRecord, keysOf, line, mistake, parse, placed, print, same, tree } from "./json.js";
import { canWrite, counted, countsOf, dependentsLink, idName, labelOf, properties, recordLink, referenceOf, resourceOf, singular, typesOf } from "./model.js";
import { removeRecords, undoAction } from "./change.js";

const MOST_FIELDS = 200;
const MERGE = ["Content-Type", "application/merge-patch+json"];

/// The page of the record `id` of `name`, of a new one, or of a single object. `back` is the list it was opened from.
export function recordView({ name, id, isNew, go, back }) {
  const resource = () => resourceOf(name);
  const single = resource().kind !== "collection";
  const path = pathOf(name, single || isNew ? undefined : id);
  const writing = canWrite();
  /// The record as it was loaded, or what a new one begins with, and the entity tag of it.
  let record = {};
  let tag;
  let form;
  const title = h("h1", { tabindex: "-1" }, isNew ? `New ${singular(name)}` : single ? line(name, 80) : `${singular(name)} ${line(id, 80)}`);
  const label = h("span.count");
  const actions = h("div.row");
  const notice = h("div.notices");
  const place = h("div.record-body");
  const element = h("div.view.record-view", {},
    single ? null : h("nav.crumbs", { "aria-label": "Breadcrumb" }, h("a", { href: back }, line(name, 60)), h("span", { "aria-hidden": "true" }, "/"), h("span", isNew ? "new" : line(id, 60))),
    h("div.view-head", title, label, h("span.grow"), actions), notice, place);

  /// What a new record begins with: defaults, another record, and what the address says.
  async function begin(pairs) {
    const { found } = properties(resource());
    for (const [key, schema] of found) if (schema.default !== undefined && !schema.readOnly) record[key] = schema.default;
    const from = pairs.find(([key]) => key === "_from")?.[1];
    const entry = from === undefined ? undefined : await get(pathOf(name, from));
    if (isRecord(entry?.json)) record = Object.fromEntries(Object.entries(entry.json).filter(([key]) => key !== idName() && !found.get(key)?.readOnly));
    for (const [key, value] of pairs.filter(([key]) => !key.startsWith("_"))) {
      record[key] = typesOf(found.get(key)).includes("string") && !typesOf(found.get(key)).includes("integer") || !/^-?\d+$/.test(value) ? value : Number(value);
    }
  }

  async function load() {
    const entry = await call("GET", path);
    if (!entry.ok || !isRecord(entry.json)) {
      fill(place, entry.ok ? h("pre", { tabindex: "0" }, coloured(entry.text)) : problem(entry));
      fill(actions);
      return false;
    }
    take(entry);
    return true;
  }

  const take = (entry) => { record = isRecord(entry.json) ? entry.json : {}; tag = entry.header("etag"); };

  function build(asJson = false) {
    const { found, required } = properties(resource());
    const told = h("div");
    const grid = h("div.fields");
    const dirty = h("span.soft", { "data-test": "dirty", role: "status" });
    let fields = [];
    /// The references to nothing that the reader knows of.
    let warned = "";
    let jsonStart;
    let saving = false;
    const area = h("textarea", { id: "json", rows: "18", spellcheck: "false", placeholder: '[\n  { "name": "Ada" },\n  { "name": "Grace" }\n]', input: () => { sayWrong(""); mark(); }, "aria-describedby": "json-wrong" });
    const wrong = h("p.wrong", { id: "json-wrong", role: "alert" });
    const json = h("div.field.json", { hidden: true }, h("label", { for: "json" }, single ? "The object as JSON" : isNew ? "One object, or a list of objects" : "The record as JSON"), area, wrong);
    const isJson = () => !json.hidden;

    const draw = (values) => {
      const names = [...new Set([...found.keys(), ...Object.keys(values)])].filter((key) => (key !== idName() || single || (isNew && Object.hasOwn(values, key))) && !(isNew && found.get(key)?.readOnly));
      const tooMany = names.length > MOST_FIELDS;
      fields = (tooMany ? [] : names).map((key) => field({ key, schema: found.get(key) ?? {}, value: values[key], required: required.includes(key), reference: referenceOf(resource(), key), rules: resource().rules, changed: mark }));
      fill(grid, fields.map((one) => one.element), tooMany ? h("p.hint", `The record has ${number(names.length)} properties, too many for a form.`) : null, single || tooMany ? null : adder());
      return !tooMany;
    };

    /// A field for a property that no record has yet.
    function adder() {
      if (resource().rules && found.size > 0 && resource().schema.additionalProperties === false) return null;
      const key = h("input", { id: "new-property", placeholder: "New property", autocomplete: "off", "aria-label": "New property", keydown: (event) => { if (event.key === "Enter") { event.preventDefault(); add(); } } });
      const add = () => {
        const text = key.value.trim();
        if (text === "" || text === idName()) return;
        let one = fields.find((one) => one.key === text);
        if (!one) {
          one = field({ key: text, schema: {}, value: undefined, rules: resource().rules, changed: mark });
          fields.push(one);
          row.before(one.element);
          key.value = "";
        }
        one.input.focus();
      };
      const row = h("div.row.adder", key, button("Add property", { icon: "plus", kind: "quiet", click: add }));
      return row;
    }

    /// The record that the fields say; throws when one of them cannot be read.
    function value() {
      const made = new Map(Object.entries(record).filter(([key]) => !fields.some((one) => one.key === key)));
      let failed;
      for (const one of fields) {
        let read;
        try { read = one.get(); } catch (error) { one.setError(error.message); failed ??= one; continue; }
        if (read !== undefined) made.set(one.key, read);
      }
      if (failed) { failed.input.focus(); throw new Error("a field is not valid"); }
      // In the order of the record as it was; what is new comes last.
      const order = [...Object.keys(record).filter((key) => made.has(key)), ...[...made.keys()].filter((key) => !Object.hasOwn(record, key))];
      return Object.fromEntries(order.map((key) => [key, made.get(key)]));
    }

    function isDirty() {
      if (isJson()) return area.value !== jsonStart || (jsonStart !== "" && !same(parse(jsonStart), record));
      return fields.some((one) => {
        let read;
        try { read = one.get(); } catch { return true; }
        const was = record[one.key];
        return read === undefined || was === undefined ? read !== was : !same(read, was);
      });
    }

    function mark() {
      dirty.textContent = isDirty() ? "Unsaved changes" : "";
    }

    function showJson(text) {
      jsonStart = area.value = text;
      json.hidden = false;
      grid.hidden = true;
      mode.querySelector("span").textContent = "Edit as a form";
    }

    /// To JSON and back; each is left only when it is valid.
    function toggle() {
      if (!isJson()) {
        try { showJson(print(value())); } catch { return; }
        area.focus();
      } else {
        const read = readJson();
        if (!read) return;
        if (Array.isArray(read)) { sayWrong("A form holds one object."); return; }
        json.hidden = true;
        grid.hidden = false;
        draw(read);
        fields[0]?.input.focus();
        mode.querySelector("span").textContent = "Edit as JSON";
      }
      mark();
    }

    function sayWrong(text, at = 0) {
      wrong.textContent = text;
      if (!text) { area.removeAttribute("aria-invalid"); return; }
      area.setAttribute("aria-invalid", "true");
      area.focus();
      area.setSelectionRange(at, at);
    }

    function readJson() {
      const text = isNew && area.value === "" ? "{}" : area.value;
      const said = mistake(text);
      if (said) { sayWrong(said); return undefined; }
      const read = parse(text);
      if (isNew && Array.isArray(read)) {
        const bad = read.findIndex((one) => !isRecord(one));
        if (bad < 0 && read.length > 0) return read;
        sayWrong(bad < 0 ? "The list is empty." : `Item ${bad + 1} is not an object.`);
        return undefined;
      }
      if (!isRecord(read)) { sayWrong("It must be an object."); return undefined; }
      const was = record[idName()];
      if (!isNew && !single && read[idName()] !== undefined && !same(read[idName()], was)) {
        const { at } = keysOf(text).find(({ key, depth }) => depth === 1 && key === idName());
        sayWrong(placed(text, at, `the ${idName()} is ${print(was)} and cannot be changed. Duplicate the record to have it with another one.`), at);
        return undefined;
      }
      return read;
    }

    /// The request that saves what is here; undefined if something is wrong with it, or nothing has changed.
    async function request() {
      if (isJson()) {
        const read = readJson();
        return read && { method: isNew ? "POST" : "PUT", body: area.value, list: Array.isArray(read) ? read : undefined };
      }
      let made;
      try { made = value(); } catch { return undefined; }
      const lost = (await Promise.all(fields.map(async (one) => ((await one.verify()) ? undefined : one)))).filter(Boolean);
      const known = lost.map((one) => one.input.value).join("\n");
      if (lost.length > 0 && known !== warned) {
        warned = known;
        say("Save again to save it all the same");
        lost[0].input.focus();
        return undefined;
      }
      if (isNew) return { method: "POST", body: JSON.stringify(made) };
      const changed = Object.entries(made).filter(([key, one]) => !Object.hasOwn(record, key) || !same(one, record[key]));
      const removed = Object.keys(record).filter((key) => !Object.hasOwn(made, key));
      if (changed.length + removed.length === 0) { say("Nothing has changed"); return undefined; }
      if (removed.length === 0) return { method: "PATCH", body: JSON.stringify(Object.fromEntries(changed)) };
      // In a merge patch null removes, and an object is merged: with one of them among the changes the record is sent whole.
      if (changed.some(([, one]) => one === null || isRecord(one))) return { method: "PUT", body: JSON.stringify(made) };
      return { method: "PATCH", type: MERGE, body: JSON.stringify(Object.fromEntries([...changed, ...removed.map((key) => [key, null])])) };
    }

    /// Saves once at a time: a double click is one click.
    async function save() {
      if (saving) return;
      saving = true;
      await saveOnce();
      saving = false;
    }

    async function saveOnce() {
      fill(told);
      if (!isJson()) fields.forEach((one) => one.setError(""));
      const wanted = await request();
      if (!wanted) return;
      if (wanted.list) { await createAll(wanted.list); return; }
      const before = now();
      const entry = await call(wanted.method, path, { ...wanted, tag });
      if (!element.isConnected) { if (!entry.ok) say(`Not saved: ${entry.problem}`); return; }
      if (entry.status === 412) { conflict(true); return; }
      if (!entry.ok) { tell(entry); return; }
      const wasNew = isNew && !single;
      take(entry);
      const savedId = record[idName()] ?? id;
      say(`${isNew ? "Created" : "Saved"} ${single ? line(name, 40) : `${singular(name)} ${line(savedId, 40)}`}`, undoAction(name, single ? undefined : savedId));
      fill(notice);
      head();
      // What was typed while the request was on its way stays.
      if (!isNew && now() !== before) { mark(); return; }
      if (wasNew && record[idName()] !== undefined) {
        form = undefined;
        go(recordLink(name, savedId), { follow: true });
        return;
      }
      build(isJson());
      if (!place.contains(document.activeElement)) form.save.focus();
    }
    const now = () => { try { return isJson() ? area.value : JSON.stringify(value()); } catch { return undefined; } };

    /// Creates the records of a list, one after the other. What is left after a problem stays to be corrected.
    async function createAll(records) {
      let done = 0;
      let failed;
      let last;
      for (const one of records) {
        const entry = await call("POST", path, { body: JSON.stringify(one) });
        if (!entry.ok) { failed = entry; break; }
        last = entry.json?.[idName()];
        done += 1;
      }
      if (done > 0) say(`Created ${counted(name, done)}`, undoAction(name, last, done));
      if (!element.isConnected) { if (failed) say(`Not created: ${failed.problem}`); return; }
      if (!failed) {
        form = undefined;
        go(back, { follow: true });
        return;
      }
      area.value = print(records.slice(done));
      mark();
      fill(told, problem(failed, h("p", h("strong", `Record ${done + 1} was not created.`)), (failed.json?.errors ?? []).map((error) => h("p.wrong", `${error.pointer} ${error.detail}`)),
        done > 0 ? h("p", `${plural(done, "record")} before it ${done === 1 ? "was" : "were"} created; the rest is in the field.`) : null));
      area.focus();
    }

    /// Shows the server's problem: at the fields that it names, the rest above.
    function tell(entry) {
      const rest = [];
      const errors = entry.json?.errors ?? [];
      for (const { pointer, detail } of errors) {
        const [, key, ...inside] = pointer.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
        const one = isJson() ? undefined : fields.find((one) => one.key === key);
        if (one) one.setError(`${inside.length > 0 ? `${inside.join("/")} ` : ""}${detail}`);
        else rest.push(`${pointer} ${detail}`);
      }
      // What is at its field need not be said twice.
      const said = rest.length === 0 && errors.length === 1;
      fill(told, problem(said ? { ...entry, problem: "" } : entry, h("p", h("strong", entry.json?.title ?? "Not saved"), ` (${entry.status || "no response"})`), rest.map((text) => h("p.wrong", text))));
      (fields.find((one) => one.isWrong())?.input ?? told.firstElementChild).focus();
    }

    const submit = h("button.primary", { type: "submit" }, isNew ? "Create" : "Save");
    const mode = button("Edit as JSON", { kind: "quiet", click: toggle });
    const foot = h("div.save-bar", writing ? submit : h("span.soft", "Read-only: nothing can be saved."), isNew ? h("a.button", { href: back }, "Cancel") : null, mode, h("span.grow"), dirty);
    form = { isDirty, save: submit };
    const whole = print(record);
    if (!draw(record)) {
      mode.hidden = true;
      if (whole.length <= 1000000) showJson(whole); else grid.append(h("pre", { tabindex: "0" }, cut(whole)));
    } else if (asJson) showJson(isNew && same(record, {}) ? "" : whole);
    mark();
    fill(place, h("form.record", { novalidate: true, submit: (event) => { event.preventDefault(); save(); } }, told, grid, json, foot));
  }

  /// Shows what has changed on the server since the record was loaded, and asks what to do; `again` if it was to be saved.
  async function conflict(again = false) {
    const entry = await get(path);
    if (entry.status === 404) { fill(notice, h("p.hint", "The record has been deleted elsewhere. What you have typed is still here: duplicate it, or copy it as JSON.")); return; }
    if (!entry.ok) { fill(notice, problem(entry)); return; }
    const choice = await choose("Changed elsewhere", [h("p", "Somebody else has changed this since you opened it:"), diff(record, entry.json)], [...(again ? [["Overwrite", "danger-quiet"]] : []), ["Reload"], ["Keep editing", "primary"]]);
    if (choice === "Overwrite") {
      tag = entry.header("etag");
      form.save.click();
    } else if (choice === "Reload") {
      take(entry);
      fill(notice);
      build(Boolean(place.querySelector(".json:not([hidden])")));
      head();
      related();
      title.focus();
    }
  }

  function head() {
    label.textContent = isNew || single ? "" : labelOf(resource(), record);
    fill(actions, isNew || single || !writing ? null : [
      button("Duplicate", { icon: "copy", click: () => go(`#new${pathOf(name)}?_from=${encodeURIComponent(id)}`) }),
      button("Delete", { icon: "trash", kind: "danger-quiet", click: async () => {
        if (!(await removeRecords(name, [id]))) return;
        form = undefined;
        go(back, { follow: true });
      } }),
    ]);
  }

  /// What else is known of the record: what points to it, and its nested values as trees.
  async function related() {
    if (isNew || single) return;
    const dependents = resource().dependents;
    const values = dependents.map((one) => record[one.target] ?? null);
    const counts = await Promise.all(dependents.map((one, at) => (values[at] === null ? new Map() : countsOf(one, [values[at]]))));
    if (!element.isConnected) return;
    element.querySelector(".related")?.remove();
    const isNested = (value) => typeof value === "object" && value !== null;
    const nested = Object.entries(record).filter(([, value]) => isRecord(value) || (Array.isArray(value) && value.some(isNested)));
    if (dependents.length === 0 && nested.length === 0) return;
    element.append(h("section.related", { "aria-label": "Related" },
      dependents.length > 0 ? [h("h2", "Points to this"), h("ul.links", dependents.map((one, at) => h("li", h("a", { href: dependentsLink(one, values[at]) }, counted(one.resource, counts[at].get(String(values[at])) ?? 0)), h("span.soft", ` by ${line(one.property, 40)}`),
        writing && !one.many ? h("a.add", { href: `#new${pathOf(one.resource)}?${encodeURIComponent(one.property)}=${encodeURIComponent(String(values[at]))}` }, `Add ${singular(one.resource)}`) : null)))] : null,
      nested.slice(0, 20).map(([key, value]) => [h("h2", line(key, 60)), tree(value)])));
  }

  return {
    element,
    async start(pairs) {
      if (isNew) await begin(pairs);
      else if (!(await load())) return;
      const asJson = pairs.some(([key]) => key === "_json");
      if (asJson) title.textContent = `Create ${name} from JSON`;
      build(asJson);
      head();
      related();
    },
    /// Takes note of a change elsewhere: of the records with these ids, or of anything.
    async refresh(ids) {
      if (isNew || !form || (!single && ids?.size > 0 && !ids.has(String(id)))) { related(); return; }
      const before = tag;
      const entry = await get(path);
      // What was saved in the meantime is newer.
      if (!element.isConnected || tag !== before) return;
      // Without ids anything may have changed: the rules, too.
      if (entry.ok && same(entry.json, record) && (ids || form.isDirty())) { tag = entry.header("etag"); fill(notice); related(); return; }
      if (entry.ok && isRecord(entry.json) && !form.isDirty() && !place.querySelector('[aria-expanded="true"]')) {
        take(entry);
        build(Boolean(place.querySelector(".json:not([hidden])")));
        head();
        related();
        return;
      }
      fill(notice, entry.status === 404 ? h("p.hint", "The record has been deleted elsewhere.") : !entry.ok ? problem(entry)
        : h("p.hint", "The record has been changed elsewhere. ", button("Show the changes", { kind: "small", click: () => conflict() })));
    },
    focus: () => (isNew ? place.querySelector("textarea:not([hidden] *), input, textarea, select") ?? title : title).focus(),
    isDirty: () => form?.isDirty() ?? false,
    save: () => form?.save.click(),
  };
}

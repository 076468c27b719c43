// One record as a form, or as JSON: what the rules or the other records say is kept.
import { button, fill, h, number, say } from "./dom.js";
import { call, get, segment } from "./api.js";
import { field } from "./fields.js";
import { cut, coloured, isRecord, line, mistake, parse, print, same, tree } from "./json.js";
import { canWrite, counted, countsOf, dependentsLink, idName, labelOf, listLink, properties, recordLink, referenceOf, resourceOf, singular } from "./model.js";
import { removeRecords, undoAction } from "./change.js";

const MOST_FIELDS = 200;

/// The page of the record `id` of `name`, of a new one, or of a single object. `back` is the list it was opened from.
export function recordView({ name, id, isNew, from, go, back }) {
  const resource = () => resourceOf(name);
  const single = resource().kind !== "collection";
  const path = single || isNew ? `/${segment(name)}` : `/${segment(name)}/${segment(id)}`;
  let record = {};
  let start = {};
  let form;
  const title = h("h1", { tabindex: "-1" }, isNew ? `New ${singular(name)}` : single ? line(name, 80) : `${singular(name)} ${line(id, 80)}`);
  const label = h("span.count");
  const actions = h("div.row");
  const notice = h("div.notices");
  const place = h("div.record-body");
  const element = h("div.view.record-view", {},
    single ? null : h("nav.crumbs", { "aria-label": "Breadcrumb" }, h("a", { href: back }, line(name, 60)), h("span", { "aria-hidden": "true" }, "/"), h("span", isNew ? "new" : line(id, 60))),
    h("div.view-head", title, label, h("span.grow"), actions), notice, place);

  async function load(quiet) {
    if (isNew) {
      for (const [key, schema] of properties(resource()).found) if (schema.default !== undefined) start[key] = schema.default;
      if (from !== undefined) {
        const entry = await call("GET", `/${segment(name)}/${segment(from)}`, { quiet: true });
        if (isRecord(entry.json)) start = Object.fromEntries(Object.entries(entry.json).filter(([key]) => key !== idName()));
      }
      return true;
    }
    const entry = await call("GET", path, { quiet });
    if (!entry.ok || !isRecord(entry.json)) {
      fill(place, entry.ok ? h("pre", { tabindex: "0" }, coloured(entry.text)) : h("div.problem", { role: "alert" }, h("p", entry.problem), entry.json?.hint ? h("p.hint", entry.json.hint) : null));
      fill(actions);
      return false;
    }
    record = entry.json;
    return true;
  }

  function build() {
    const { found, required } = properties(resource());
    const shown = isNew ? start : record;
    const problem = h("div");
    const grid = h("div.fields");
    const dirty = h("span.soft", { "data-test": "dirty", role: "status" });
    let fields = [];
    let jsonStart;
    const asJson = h("textarea", { id: "json", rows: "18", spellcheck: "false", input: () => { wrong.textContent = ""; asJson.removeAttribute("aria-invalid"); mark(); }, "aria-describedby": "json-wrong" });
    const wrong = h("p.wrong", { id: "json-wrong", role: "alert" });
    const json = h("div.field.json", { hidden: true }, h("label", { for: "json" }, single ? "The object as JSON" : "The record as JSON"), asJson, wrong);
    const isJson = () => !json.hidden;

    const draw = (values) => {
      const names = [...new Set([...found.keys(), ...Object.keys(values)])].filter((key) => key !== idName() || single || Object.hasOwn(values, key) && isNew);
      const tooMany = names.length > MOST_FIELDS;
      fields = (tooMany ? [] : names).map((key) => field({ key, schema: found.get(key) ?? {}, value: values[key], required: required.includes(key), reference: referenceOf(resource(), key), rules: resource().rules, changed: mark }));
      fill(grid, fields.map((one) => one.element), tooMany ? h("p.hint", `The record has ${number(names.length)} properties, too many for a form.`) : null, single || tooMany ? null : adder());
      return !tooMany;
    };

    /// A field for a property that no record has yet.
    function adder() {
      if (resource().rules && properties(resource()).found.size > 0 && resource().schema.additionalProperties === false) return null;
      const key = h("input", { id: "new-property", placeholder: "New property", autocomplete: "off", "aria-label": "New property" });
      const add = () => {
        const text = key.value.trim();
        if (text === "" || text === idName()) return;
        const there = fields.find((one) => one.key === text);
        if (there) { there.input.focus(); return; }
        const one = field({ key: text, schema: {}, value: undefined, rules: resource().rules, changed: mark });
        fields.push(one);
        row.before(one.element);
        key.value = "";
        one.input.focus();
      };
      const row = h("div.row.adder", key, button("Add property", { icon: "plus", kind: "quiet", click: add }));
      key.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); add(); } });
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
      if (isJson()) return asJson.value !== jsonStart || !same(tryParse(jsonStart), isNew ? start : record);
      for (const one of fields) {
        let read;
        try { read = one.get(); } catch { return true; }
        const was = isNew ? start[one.key] : record[one.key];
        if (read === undefined ? was !== undefined : was === undefined || !same(read, was)) return true;
      }
      return false;
    }
    const tryParse = (text) => { try { return parse(text); } catch { return undefined; } };

    function mark() {
      dirty.textContent = isDirty() ? "Unsaved changes" : "";
    }

    /// To JSON and back; each is left only when it is valid.
    function toggle() {
      if (!isJson()) {
        let made;
        try { made = value(); } catch { return; }
        jsonStart = print(made);
        asJson.value = jsonStart;
        json.hidden = false;
        grid.hidden = true;
        asJson.focus();
      } else {
        const read = readJson();
        if (!read) return;
        json.hidden = true;
        grid.hidden = false;
        draw(read);
        // Compared with the record, not with what was drawn.
        for (const one of fields) one.set(read[one.key]);
        fields[0]?.input.focus();
      }
      mode.querySelector("span").textContent = isJson() ? "Edit as a form" : "Edit as JSON";
      mark();
    }

    function readJson() {
      const said = mistake(asJson.value);
      const read = said ? undefined : parse(asJson.value);
      if (!said && isRecord(read)) return read;
      wrong.textContent = said || "It must be an object.";
      asJson.setAttribute("aria-invalid", "true");
      asJson.focus();
      return undefined;
    }

    async function save() {
      let method;
      let body;
      fields.forEach((one) => one.setError(""));
      if (isJson()) {
        if (!readJson()) return;
        [method, body] = [isNew ? "POST" : "PUT", asJson.value];
      } else {
        let made;
        try { made = value(); } catch { return; }
        if (isNew) [method, body] = ["POST", JSON.stringify(made)];
        else if (Object.keys(record).some((key) => !Object.hasOwn(made, key))) [method, body] = ["PUT", JSON.stringify(made)];
        else {
          const changed = Object.entries(made).filter(([key, one]) => !Object.hasOwn(record, key) || !same(one, record[key]));
          if (changed.length === 0) { say("Nothing has changed"); return; }
          [method, body] = ["PATCH", JSON.stringify(Object.fromEntries(changed))];
        }
      }
      const before = isJson() ? body : JSON.stringify(value());
      const entry = await call(method, path, { body });
      if (!element.isConnected) return;
      if (!entry.ok) return tell(entry);
      const saved = isRecord(entry.json) ? entry.json : {};
      const savedId = saved[idName()] ?? id;
      say(`${isNew ? "Created" : "Saved"} ${single ? line(name, 40) : `${singular(name)} ${line(savedId, 40)}`}`, undoAction(name, single ? undefined : savedId));
      let is;
      try { is = isJson() ? asJson.value : JSON.stringify(value()); } catch { is = undefined; }
      record = saved;
      // What was typed while the request was on its way stays.
      if (!isNew && is !== before) { mark(); head(); return; }
      if (isNew && !single && saved[idName()] !== undefined) {
        form = undefined;
        go(recordLink(name, savedId), { follow: true });
        return;
      }
      const key = document.activeElement?.id;
      const wasJson = isJson();
      build();
      if (wasJson) form.toggle();
      (document.getElementById(key) ?? form.save).focus();
      head();
    }

    /// Shows the server's problem: at the fields that it names, the rest above.
    function tell(entry) {
      const rest = [];
      for (const { pointer, detail } of entry.json?.errors ?? []) {
        const [, key, ...inside] = pointer.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
        const one = isJson() ? undefined : fields.find((one) => one.key === key);
        if (one) one.setError(`${inside.length > 0 ? `${inside.join("/")} ` : ""}${detail}`);
        else rest.push(`${pointer} ${detail}`);
      }
      // What is at its field need not be said twice.
      const said = rest.length === 0 && entry.json?.errors?.length === 1;
      fill(problem, h("div.problem", { role: "alert", tabindex: "-1" }, h("p", h("strong", entry.json?.title ?? "Not saved"), ` (${entry.status || "no response"})`),
        said ? null : h("p", entry.problem), rest.map((text) => h("p.wrong", text)), entry.json?.hint ? h("p.hint", entry.json.hint) : null));
      (fields.find((one) => one.isWrong())?.input ?? problem.firstElementChild).focus();
    }

    const writing = canWrite();
    const submit = h("button.primary", { type: "submit" }, isNew ? "Create" : "Save");
    const mode = button("Edit as JSON", { kind: "quiet", click: toggle });
    const foot = h("div.save-bar", writing ? submit : h("span.soft", "Read-only: nothing can be saved."), isNew ? h("a.button", { href: back }, "Cancel") : null, mode, h("span.grow"), dirty);
    const formElement = h("form.record", { novalidate: true, submit: (event) => { event.preventDefault(); save(); } }, problem, grid, json, foot);
    const drawn = draw(shown);
    fill(place, formElement);
    form = { isDirty, toggle, save: submit };
    if (!drawn) {
      mode.hidden = true;
      if (JSON.stringify(record).length <= 1000000) { json.hidden = false; jsonStart = print(record); asJson.value = jsonStart; } else grid.append(h("pre", { tabindex: "0" }, cut(print(record))));
    }
    mark();
  }

  function head() {
    label.textContent = isNew || single ? "" : labelOf(resource(), record);
    fill(actions, isNew || single || !canWrite() ? null : [
      button("Duplicate", { icon: "copy", click: () => go(`#new/${segment(name)}?from=${encodeURIComponent(id)}`) }),
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
    const values = dependents.map((one) => record[one.target]);
    const counts = await Promise.all(dependents.map((one, at) => (values[at] === undefined || values[at] === null ? new Map() : countsOf(one, [values[at]]))));
    if (!element.isConnected) return;
    element.querySelector(".related")?.remove();
    const nested = Object.entries(record).filter(([, value]) => typeof value === "object" && value !== null && (isRecord(value) || (Array.isArray(value) && value.some((one) => typeof one === "object" && one !== null))));
    if (dependents.length === 0 && nested.length === 0) return;
    element.append(h("section.related", { "aria-label": "Related" },
      dependents.length > 0 ? [h("h2", "Points to this"), h("ul.links", dependents.map((one, at) => h("li", h("a", { href: dependentsLink(one, values[at]) }, counted(one.resource, counts[at].get(String(values[at])) ?? 0)), h("span.soft", ` by ${line(one.property, 40)}`),
        canWrite() && !one.many ? h("a.add", { href: `#new/${segment(one.resource)}?${encodeURIComponent(one.property)}=${encodeURIComponent(String(values[at]))}` }, `Add ${singular(one.resource)}`) : null)))] : null,
      nested.slice(0, 20).map(([key, value]) => [h("h2", line(key, 60)), tree(value)])));
  }

  const view = {
    element,
    async start(preset = []) {
      if (!(await load(false))) return;
      for (const [key, value] of preset) {
        const types = [properties(resource()).found.get(key)?.type ?? []].flat();
        start[key] = types.includes("string") && !types.includes("integer") || !/^-?\d+$/.test(value) ? value : Number(value);
      }
      build();
      head();
      related();
    },
    /// Takes note of a change elsewhere.
    async refresh(ids) {
      if (isNew || !form || (!single && ids && ids.size > 0 && !ids.has(String(id)))) { related(); return; }
      const entry = await get(path);
      if (!element.isConnected || (entry.ok && same(entry.json, record))) { related(); return; }
      if (entry.ok && isRecord(entry.json) && !form.isDirty()) {
        const key = place.contains(document.activeElement) ? document.activeElement.id : undefined;
        record = entry.json;
        build();
        head();
        related();
        if (key !== undefined) (document.getElementById(key) ?? title).focus();
        return;
      }
      fill(notice, entry.status === 404
        ? h("p.hint", "The record has been deleted elsewhere.")
        : h("p.hint", "The record has been changed elsewhere. ", button("Load the current version", { kind: "small", click: async () => { fill(notice); if (await load(false)) { build(); head(); title.focus(); } } })));
    },
    focus: () => (isNew ? place.querySelector("input, textarea, select") ?? title : title).focus(),
    isDirty: () => form?.isDirty() ?? false,
    save: () => form?.save.click(),
    listHash: back ?? listLink(name),
  };
  return view;
}

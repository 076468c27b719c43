// A record as a form made from its rules, with the server's problem at the field.
import { bodySchema, call, cut, el, fill, isNumber, isRecord, line, parse, paths, print, resolve, same, segment, say } from "./lib.js";

const MOST_FIELDS = 200;
const LONGEST = 200000;

const typesOf = (schema) => [schema?.type ?? []].flat();

/// What a field holds: how its value is shown, and how what is typed is read. Text that cannot be read is sent as it is,
/// so that the server says what is wrong with it.
function kindOf(schema, value) {
  const types = typesOf(schema);
  if (Array.isArray(schema?.enum) && schema.enum.every((option) => typeof option !== "object" || option === null)) return "choice";
  const seen = value === undefined || value === null ? types.find((type) => type !== "null") ?? "" : isNumber(value) ? "number" : Array.isArray(value) ? "array" : typeof value;
  return { string: "text", number: "number", integer: "number", boolean: "choice", array: "json", object: "json" }[seen] ?? "any";
}

function reader(kind, text, old) {
  if (kind === "text") return text;
  if (typeof old === "string" && text === old) return old;
  try { return parse(text); } catch { return text; }
}

/// Shows the form for the record `id` of `name` (or a new one, or a single object) in `place`. Gives a function that
/// takes note of a change elsewhere.
export async function form(place, { name, id, isNew, single, document, info, go, back }) {
  const path = single || isNew ? `/${segment(name)}` : `/${segment(name)}/${segment(id)}`;
  const { all, one } = paths(document, name);
  const operation = single ? all.put : isNew ? all.post : one.put;
  const schema = bodySchema(document, operation);
  let record = {};
  let state;
  const title = isNew ? `New record in ${name}` : single ? name : `${name} / ${id}`;
  const heading = el("div", { class: "row spread" }, el("h2", {}, line(title, 120)), single ? null : el("a", { href: back }, `All ${name}`));

  async function load(quiet) {
    const entry = await call("GET", path, { quiet });
    if (!entry.ok || !(isRecord(entry.json))) {
      place.replaceChildren(heading, entry.ok
        ? el("pre", {}, cut(entry.text))
        : el("div", { class: "problem", role: "alert" }, el("p", {}, entry.json?.detail ?? entry.text), entry.json?.hint ? el("p", {}, entry.json.hint) : null));
      return false;
    }
    record = entry.json;
    return true;
  }

  function build() {
    const properties = schema?.properties ?? {};
    const names = [...new Set([...Object.keys(properties), ...Object.keys(record)])].filter((key) => key !== info.id || single);
    const tooMany = names.length > MOST_FIELDS;
    const fields = names.slice(0, tooMany ? 0 : MOST_FIELDS).map((key) => field(key, resolve(document, properties[key]), (schema?.required ?? []).includes(key)));
    const problem = el("div", {});
    const notice = el("div", {});
    const asJson = el("textarea", { id: "json", rows: "12", spellcheck: "false" });
    const json = el("div", { class: "field", hidden: true }, el("label", { for: "json" }, "The record as JSON"), asJson, el("p", { class: "wrong", id: "json-wrong" }));
    const grid = el("div", {}, fields.map((one) => one.element));
    const toggle = el("button", { type: "button", class: "quiet", click: () => {
      if (json.hidden) asJson.value = print(value()); else fields.forEach((one) => one.show(readJson()?.[one.key]));
      json.hidden = !json.hidden;
      grid.hidden = !json.hidden;
      toggle.textContent = json.hidden ? "Edit as JSON" : "Edit as a form";
    } }, "Edit as JSON");
    const readJson = () => { try { return parse(asJson.value); } catch { return undefined; } };

    /// The record that the form says.
    function value() {
      const made = new Map(Object.entries(record).filter(([key]) => key === info.id || !fields.some((one) => one.key === key)));
      for (const one of fields) {
        const read = one.value();
        if (read !== undefined) made.set(one.key, read);
      }
      // In the order of the record as it was; what is new comes last.
      const order = [...Object.keys(record).filter((key) => made.has(key)), ...[...made.keys()].filter((key) => !Object.hasOwn(record, key))];
      return Object.fromEntries(order.map((key) => [key, made.get(key)]));
    }

    async function send(method) {
      let body;
      if (!json.hidden) body = asJson.value;
      else if (method !== "PATCH") body = JSON.stringify(value());
      else {
        const made = value();
        const changed = Object.entries(made).filter(([key, one]) => !Object.hasOwn(record, key) || !same(one, record[key]));
        if (Object.keys(record).some((key) => !Object.hasOwn(made, key))) {
          method = "PUT";
          body = JSON.stringify(made);
        } else body = JSON.stringify(Object.fromEntries(changed));
      }
      if (body === undefined) return;
      const entry = await call(method, path, { body });
      if (!place.contains(element)) return;
      if (entry.ok) {
        say(isNew ? "Created" : "Saved");
        if (isNew && isRecord(entry.json) && entry.json[info.id] !== undefined) go(`#/${segment(name)}/${segment(String(entry.json[info.id]))}`);
        else if (isRecord(entry.json)) { record = entry.json; state = build(); }
        return;
      }
      tell(entry);
    }

    /// Shows the server's problem: at the fields that it names, the rest above.
    function tell(entry) {
      fields.forEach((one) => one.wrong(""));
      const rest = [];
      for (const { pointer, detail } of entry.json?.errors ?? []) {
        const key = pointer.split("/")[1]?.replaceAll("~1", "/").replaceAll("~0", "~");
        const inside = pointer.split("/").slice(2).join("/");
        const found = json.hidden && fields.find((one) => one.key === key);
        if (found) found.wrong(`${inside ? `${inside} ` : ""}${detail}`);
        else rest.push(`${pointer} ${detail}`);
      }
      // What stands at its field need not be said twice.
      const said = rest.length === 0 && entry.json?.errors?.length === 1;
      fill(problem, el("div", { class: "problem", role: "alert" },
        el("p", {}, el("strong", {}, entry.json?.title ?? "Not saved"), ` (${entry.status || "no response"})`),
        said ? null : el("p", {}, entry.json?.detail ?? cut(entry.text, 400)), rest.map((text) => el("p", { class: "wrong" }, text)),
        entry.json?.hint ? el("p", { class: "hint" }, entry.json.hint) : null));
      const first = fields.find((one) => one.isWrong());
      (first?.input ?? problem.querySelector("p"))?.focus?.();
    }

    async function remove() {
      const entry = await call("DELETE", path);
      if (entry.ok) { say("Deleted"); go(back); } else tell(entry);
    }

    const writable = !info.readOnly;
    const element = el("form", { novalidate: true, submit: (event) => { event.preventDefault(); send(isNew ? "POST" : "PATCH"); } },
      !isNew && !single ? el("p", { class: "soft" }, `${info.id}: ${line(record[info.id] ?? id, 80)}`) : null,
      notice, problem, grid, json,
      el("div", { class: "row gap" },
        writable ? el("button", { type: "submit", class: "main" }, isNew ? "Create" : "Save") : null,
        writable && !isNew ? el("button", { type: "button", click: () => send("PUT"), title: "PUT the whole record instead of what changed" }, "Replace") : null,
        writable && !isNew && !single ? el("button", { type: "button", class: "bad", click: remove }, "Delete") : null,
        toggle));
    if (tooMany) {
      grid.append(el("p", { class: "hint" }, `The record has ${names.length.toLocaleString("en")} properties, too many for a form.`));
      if (JSON.stringify(record).length <= LONGEST * 5) toggle.click(); else grid.append(el("pre", {}, cut(print(record))));
      toggle.hidden = true;
    }
    place.replaceChildren(heading, element);
    const isDirty = () => !json.hidden || !same(value(), record);
    return { isDirty, notice, element };
  }

  function field(key, schema, required) {
    const old = record[key];
    const kind = kindOf(schema, old);
    const name = `field-${encodeURIComponent(key)}`;
    const long = typeof old === "string" && old.length > LONGEST;
    const many = kind === "json" || (typeof old === "string" && (old.length > 80 || old.includes("\n")));
    const options = schema?.enum ?? [true, false];
    const input = kind === "choice"
      ? el("select", { id: name }, el("option", { value: "" }, ""), options.map((option) => el("option", { value: JSON.stringify(option) }, String(option))),
          old !== undefined && !options.some((option) => same(option, old)) ? el("option", { value: JSON.stringify(old) }, line(old)) : null)
      : el(many ? "textarea" : "input", { id: name, spellcheck: kind === "text" ? null : "false", autocomplete: "off", inputmode: kind === "number" ? "decimal" : null });
    const typed = new Set(["choice"]).has(kind) ? (value) => (value === undefined ? "" : JSON.stringify(value))
      : (value) => (value === undefined ? "" : typeof value === "string" ? value : kind === "json" ? print(value) : JSON.stringify(value));
    const start = long ? "" : typed(old);
    input.value = start;
    // A text field of one line drops line ends, so that what it shows is compared with, not what it was given.
    const shown = input.value;
    const wrong = el("p", { class: "wrong", id: `${name}-wrong` });
    const kinds = typesOf(schema).join(" or ");
    const words = [schema?.description, [kinds, schema?.format].filter(Boolean).join(", "), required ? "required" : ""].filter(Boolean).join(" · ");
    const note = el("p", { class: "note", id: `${name}-note` }, long ? `${old.length.toLocaleString("en")} characters: too long to edit here` : words);
    if (long) input.disabled = true;
    input.setAttribute("aria-describedby", `${name}-wrong ${name}-note`);
    if (required) input.setAttribute("aria-required", "true");
    return {
      key, input,
      element: el("div", { class: "field" }, el("label", { for: name }, line(key, 120)), input, wrong, note),
      value() {
        if (long || (input.value === shown && (old !== undefined || shown === ""))) return old;
        if (input.value === "") return kind === "text" && typeof old === "string" && old === "" ? "" : undefined;
        if (kind === "text" && old === null && input.value === "null") return null;
        return reader(kind, input.value, old);
      },
      show(value) { if (!long) input.value = typed(value); },
      wrong(text) {
        wrong.textContent = text;
        if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      },
      isWrong: () => wrong.textContent !== "",
    };
  }

  if (!isNew && !(await load(false))) return () => {};
  state = build();
  if (isNew) state.element.querySelector("input, textarea, select")?.focus();
  return async (changed) => {
    if (isNew || (!single && changed && changed.size > 0 && !changed.has(String(id)))) return;
    if (place.contains(state.element) && !state.isDirty()) { if (await load(true)) state = build(); return; }
    state.notice.replaceChildren(el("p", { class: "hint" }, "The record has been changed elsewhere. ",
      el("button", { type: "button", class: "small", click: async () => { if (await load(false)) state = build(); } }, "Load the current version")));
  };
}

// A property of a record as a field that keeps its type.
import { button, h, unique } from "./dom.js";
import { get, segment } from "./api.js";
import { isDate, isTime } from "./cells.js";
import { isNumber, isRecord, isScalar, line, mistake, numberOf, parse, print, same } from "./json.js";
import { idName, labelOf, labelsOf, recordLink, resourceOf, typesOf } from "./model.js";

/// Longer texts are not edited here.
const LONGEST = 200000;

const kindOfValue = (value) => (isNumber(value) ? "number" : Array.isArray(value) ? "array" : value === null ? "null" : typeof value);

/// What kind of field a property gets: by its rules, or else by what the other records have.
function kindOf(schema, value, reference) {
  const types = typesOf(schema).filter((type) => type !== "null");
  const seen = value === undefined || value === null ? undefined : kindOfValue(value);
  const fits = (type) => types.length === 0 || types.includes(type) || (type === "number" && types.includes("integer"));
  if (Array.isArray(schema.enum) && schema.enum.every(isScalar)) return "choice";
  if (reference && !reference.many && (seen === undefined || isScalar(value))) return "reference";
  const type = seen !== undefined && fits(seen) ? seen : types.length > 0 ? types[0] : seen;
  if (type === "number" || type === "integer") return "number";
  if (type === "boolean") return "boolean";
  if (type === "object") return "json";
  if (type === "array") {
    const items = typesOf(schema.items);
    const plain = (one) => typeof one === "string" ? !/[,\n]/.test(one) && one.trim() === one && one !== "" : isNumber(one);
    const list = Array.isArray(value) ? value.every(plain) : true;
    return list && !items.includes("object") && !items.includes("array") ? "list" : "json";
  }
  if (type === "string") {
    if (schema.format === "date" && (value === undefined || value === null || value === "" || isDate(value))) return "date";
    if (schema.format === "date-time" && (value === undefined || value === null || value === "" || isTime(value))) return "time";
    return schema.format === "email" ? "email" : schema.format === "password" ? "password" : schema.format === "uri" ? "uri" : "text";
  }
  return "any";
}

/// What the rules ask, in a few words.
export function limits(schema) {
  const said = [];
  const between = (low, high, what) => {
    if (low !== undefined && high !== undefined) said.push(`${low} to ${high}${what}`);
    else if (low !== undefined) said.push(`at least ${low}${what}`);
    else if (high !== undefined) said.push(`at most ${high}${what}`);
  };
  between(schema.minLength, schema.maxLength, " characters");
  between(schema.minimum, schema.maximum, "");
  if (schema.exclusiveMinimum !== undefined) said.push(`more than ${schema.exclusiveMinimum}`);
  if (schema.exclusiveMaximum !== undefined) said.push(`less than ${schema.exclusiveMaximum}`);
  if (schema.multipleOf !== undefined) said.push(`a multiple of ${schema.multipleOf}`);
  between(schema.minItems, schema.maxItems, " items");
  if (schema.pattern) said.push(`matches ${line(schema.pattern, 60)}`);
  return said.join(", ");
}

const two = (number) => String(number).padStart(2, "0");
/// A time as `<input type="datetime-local">` has it.
function local(value) {
  const date = new Date(value);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/// How a kind of field is shown and read: `input`, `write(value)` into it, and `read()` of it, which throws a message.
function control(kind, schema, value, id, reference, compact) {
  const common = { id, autocomplete: "off" };
  const types = typesOf(schema);
  const plain = (properties = {}) => h("input", { ...common, type: "text", ...properties });
  switch (kind) {
    case "choice":
    case "boolean": {
      const options = kind === "boolean" ? [true, false] : schema.enum.filter((one) => one !== null);
      if (value !== undefined && value !== null && !options.some((one) => same(one, value))) options.push(value);
      const input = h("select", common, h("option", { value: "", hidden: true }, ""), options.map((one) => h("option", { value: JSON.stringify(one) }, String(one))));
      return { input, write: (one) => { input.value = one === undefined || one === null ? "" : JSON.stringify(one); }, read: () => parse(input.value) };
    }
    case "number": {
      const input = plain({ inputmode: "decimal", class: "number" });
      return { input, write: (one) => { input.value = one === undefined || one === null ? "" : String(one); }, read: () => {
        const read = numberOf(input.value);
        if (read !== undefined) return read;
        throw new Error(`must be a number${input.value.trim() === "" ? "; the button removes the property" : `, got "${line(input.value, 40)}"`}`);
      } };
    }
    case "date": {
      const input = plain({ type: "date" });
      return { input, write: (one) => { input.value = one ?? ""; }, read: () => input.value };
    }
    case "time": {
      const input = plain({ type: "datetime-local", step: "1" });
      // The time as it was written stays so until it is changed.
      const asWritten = new Map();
      return { input, write: (one) => { input.value = one ? local(one) : ""; asWritten.set(input.value, one ?? ""); },
        read: () => asWritten.get(input.value) ?? (input.value === "" ? "" : new Date(input.value).toISOString().replace(".000Z", "Z")) };
    }
    case "list": {
      const input = plain({ placeholder: "one, another" });
      const items = typesOf(schema.items);
      const numbers = items.length > 0 ? items.every((type) => type === "number" || type === "integer") : Array.isArray(value) && value.length > 0 && value.every(isNumber);
      const mixed = items.length > 1 || (items.length === 0 && Array.isArray(value) && value.some(isNumber) && !numbers);
      return { input, write: (one) => { input.value = Array.isArray(one) ? one.map(String).join(", ") : ""; }, read: () => {
        if (input.value.trim().startsWith("[")) {
          const wrong = mistake(input.value);
          if (wrong) throw new Error(wrong);
          return parse(input.value);
        }
        return input.value.split(",").map((one) => one.trim()).filter((one) => one !== "").map((one) => {
          const read = numberOf(one);
          if (numbers && read === undefined) throw new Error(`must be numbers, got "${line(one, 40)}"`);
          return numbers || (mixed && read !== undefined) ? read : one;
        });
      } };
    }
    case "json":
    case "any": {
      const input = h("textarea", { ...common, spellcheck: "false", rows: compact ? "3" : String(Math.min(12, Math.max(3, (print(value ?? "") ?? "").split("\n").length))) });
      return { input, write: (one) => { input.value = one === undefined || one === null ? "" : kind === "any" && typeof one === "string" ? one : print(one); }, read: () => {
        const wrong = mistake(input.value);
        if (!wrong) return parse(input.value);
        if (kind === "any" && !/^\s*[[{"]/.test(input.value)) return input.value;
        throw new Error(wrong);
      } };
    }
    case "reference": return picker(id, reference, types, value);
    default: {
      const long = typeof value === "string" && (value.length > 80 || value.includes("\n")) || (schema.maxLength ?? 0) > 200;
      if (long) {
        const input = h("textarea", { ...common, rows: compact ? "3" : "5" });
        return { input, write: (one) => { input.value = one ?? ""; }, read: () => input.value };
      }
      const input = plain({ type: kind === "password" ? "password" : "text", inputmode: kind === "email" ? "email" : kind === "uri" ? "url" : null, ...(kind === "password" ? { autocomplete: "new-password" } : {}) });
      const reveal = kind === "password" && !compact ? button("Show the password", { icon: "eye", only: true, kind: "quiet", click: () => { input.type = input.type === "password" ? "text" : "password"; } }) : null;
      return { input, beside: reveal, write: (one) => { input.value = one === undefined || one === null ? "" : String(one); }, read: () => input.value };
    }
  }
}

/// A reference: an input that finds records by what is typed, and holds the id of the chosen one.
function picker(id, reference, types, old) {
  const list = unique("options");
  const input = h("input", { id, type: "text", autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list" });
  const options = h("ul.options", { id: list, role: "listbox", "aria-label": reference.resource, hidden: true });
  const about = h("span.picked.soft");
  const parent = resourceOf(reference.resource);
  let active = -1;
  let asked = 0;
  const close = () => { options.hidden = true; active = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const name = (label, target) => about.replaceChildren(...(label || target !== undefined ? [h("a", { href: recordLink(reference.resource, target), title: `Open ${reference.resource}/${target}` }, label || `${reference.resource}/${target}`)] : []));
  const choose = (option) => {
    input.value = option.dataset.value;
    name(option.dataset.label, option.dataset.id);
    close();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    close();
    input.dispatchEvent(new Event("chosen", { bubbles: true }));
  };
  const search = async () => {
    const number = (asked += 1);
    const text = input.value.trim();
    const entry = await get(`/${segment(reference.resource)}`, [...(text ? [["q", text]] : []), ["_limit", "8"]]);
    if (number !== asked || document.activeElement !== input) return;
    const records = (Array.isArray(entry.json) ? entry.json : []).filter((record) => isRecord(record) && record[reference.target] !== undefined);
    options.replaceChildren(...records.map((record, at) => {
      const value = String(record[reference.target]);
      const label = parent ? labelOf(parent, record) : "";
      return h("li", { id: `${list}-${at}`, role: "option", "aria-selected": "false", "data-value": value, "data-label": label, "data-id": String(record[idName()]),
        pointerdown: (event) => { event.preventDefault(); choose(event.currentTarget); } }, h("span", label || value), label ? h("span.soft", value) : null);
    }));
    active = -1;
    options.hidden = records.length === 0;
    input.setAttribute("aria-expanded", String(records.length > 0));
  };
  let timer;
  input.addEventListener("input", (event) => {
    if (!event.isTrusted && !event.inputType) return;
    about.replaceChildren();
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  input.addEventListener("click", search);
  input.addEventListener("blur", () => { asked += 1; clearTimeout(timer); close(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && options.hidden) { event.preventDefault(); search(); return; }
    if (options.hidden) return;
    const all = [...options.children];
    if (event.key === "Escape") { event.stopPropagation(); close(); } else if (event.key === "Enter" && active >= 0) { event.preventDefault(); event.stopPropagation(); choose(all[active]); } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      active = (active + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length;
      all.forEach((one, at) => one.setAttribute("aria-selected", String(at === active)));
      input.setAttribute("aria-activedescendant", all[active].id);
    }
  });
  const asText = types.length > 0 ? types.includes("string") && !types.includes("integer") && !types.includes("number") : typeof old === "string";
  return { input, beside: h("div.picker", options), after: about, write: async (one) => {
    input.value = one === undefined || one === null ? "" : String(one);
    about.replaceChildren();
    if (one === undefined || one === null) return;
    const found = (await labelsOf(reference, [one])).get(String(one));
    if (found && input.value === String(one)) name(found.label, found.id);
  }, read: () => {
    const text = input.value.trim();
    if (text === "" && !asText) throw new Error("must name a record; the button removes the property");
    return asText ? text : numberOf(text) ?? text;
  } };
}

/// The field of the property `key`. `value` is undefined where the record does not have it.
export function field({ key, schema, value, required = false, reference, rules = false, compact = false, changed = () => {} }) {
  const id = compact ? unique("cell") : `field-${encodeURIComponent(key)}`;
  const long = typeof value === "string" && value.length > LONGEST;
  const kind = kindOf(schema, value, reference);
  const types = typesOf(schema);
  const nullable = types.includes("null") || types.length === 0 || !rules;
  const { input, write, read, beside, after } = control(kind, schema, long ? "" : value, id, reference, compact);
  // "value", "null" or "missing"; what is typed makes it a value.
  let state;
  let touched = false;
  let original = value;
  const wrong = h("p.wrong", { id: `${id}-wrong` });
  const tag = h("span.state");
  const asNull = button("Set to null", { kind: "quiet small", click: () => { set(null); touched = true; changed(); input.focus(); } });
  // The name of the property is in the text and not in a label, which is the field's.
  const remove = h("button.quiet.small", { type: "button", title: "Remove the property from the record", click: () => { set(undefined); touched = true; changed(); input.focus(); } }, "Remove", h("span.hidden", ` ${key}`));
  const describe = () => {
    tag.textContent = state === "missing" ? "not set" : state === "null" ? "null" : input.value === "" && ["text", "email", "uri", "password", "date", "time"].includes(kind) && !long ? "empty text" : "";
    asNull.hidden = !nullable || state === "null" || long;
    remove.hidden = state === "missing";
  };
  function set(one) {
    state = one === undefined ? "missing" : one === null ? "null" : "value";
    if (!long) write(one);
    describe();
    setError("");
  }
  function setError(text) {
    wrong.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
  }
  const edited = () => { state = "value"; touched = true; describe(); setError(""); changed(); };
  input.addEventListener("input", edited);
  if (input.tagName === "SELECT") input.addEventListener("change", edited);
  if (long) input.disabled = true;
  set(value);
  const typeName = kind === "reference" ? reference.resource : kind === "list" ? "list" : [types.filter((type) => type !== "null").join(" or "), schema.format].filter(Boolean).join(", ");
  const note = [long ? `${value.length.toLocaleString("en")} characters: too long to edit here` : "", schema.description, limits(schema)].filter(Boolean).join(" · ");
  input.setAttribute("aria-describedby", `${id}-wrong ${id}-note`);
  if (required) input.setAttribute("aria-required", "true");
  if (compact) input.setAttribute("aria-label", key);
  const element = compact ? h("div.edit", h("div.control", input, beside), wrong)
    : h("div.field", h("div.field-head", h("label", { for: id }, line(key, 120)), required ? h("span.required", { title: "required", "aria-hidden": "true" }, "*") : null, h("span.type", typeName), tag, h("span.grow"), asNull, remove),
      h("div.control", input, beside, after), wrong, h("p.note", { id: `${id}-note` }, note));
  return {
    key, input, element, kind,
    /// The value, undefined for a property that is not there; throws what is wrong with what was typed.
    get() {
      if (!touched || long && state === "value") return original;
      if (state === "missing") return undefined;
      if (state === "null") return null;
      return read();
    },
    set(one) { set(one); original = one; touched = false; },
    setError,
    isWrong: () => wrong.textContent !== "",
  };
}

// A form field for a property of a record, which preserves its type.
import { button, fill, grow, h, number, onKey, released, unique } from "./dom.js";
import { get, pathOf } from "./api.js";
import { isDate, isTime, show } from "./cells.js";
import { isNothing, isNumber, isRecord, isScalar, line, mistake, numberOf, parse, print, same } from "./json.js";
import { idOf, labelOf, labelsOf, recordLink, resourceOf, singular, typesOf } from "./model.js";

/// Longer texts are not edited here.
const LONGEST = 200000;
const TEXTS = ["text", "email", "uri", "password"];

const kindOfValue = (value) => (isNumber(value) ? "number" : Array.isArray(value) ? "array" : value === null ? "null" : typeof value);
const isLong = (value) => typeof value === "string" && (value.length > 80 || /[\r\n]/.test(value));
const choices = (schema) => schema.enum ?? (Object.hasOwn(schema, "const") ? [schema.const] : undefined);

/// The types of a property other than null; a number may be an integer.
const valueTypes = (schema) => typesOf(schema).filter((type, _, all) => type !== "null" && !(type === "integer" && all.includes("number")));
const allows = (types, value) => types.includes(kindOfValue(value)) || (isNumber(value) && types.includes("integer"));

/// The kind of field for a property.
function kindOf(schema, value, reference) {
  const types = valueTypes(schema);
  if (schema.readOnly) return "fixed";
  if (choices(schema)?.every(isScalar)) return "choice";
  if (reference && !reference.many && isScalar(value ?? null)) return "reference";
  if (types.length > 1) return "any";
  const type = isNothing(value) || (types.length > 0 && !allows(types, value)) ? types[0] : kindOfValue(value);
  if (type === "integer") return "number";
  if (type === "object") return "json";
  if (type === "array") {
    const isPlain = (one) => (typeof one === "string" ? /^[^,\s]([^,\n]*[^,\s])?$/.test(one) : isNumber(one)) && kindOfValue(one) === kindOfValue(value[0]);
    return (isNothing(value) || value.every(isPlain)) && /^(string|number|integer)?$/.test(typesOf(schema.items).join()) ? "list" : "json";
  }
  if (type !== "string") return type ?? "any";
  if (schema.format === "date" && (!value || isDate(value))) return "date";
  if (schema.format === "date-time" && (!value || isTime(value))) return "time";
  return TEXTS.includes(schema.format) ? schema.format : "text";
}

/// The constraints of the rules, in a few words.
export function limits(schema) {
  const some = (value, text) => (value === undefined ? "" : text);
  const between = (low, high, what = "") => (low === undefined ? some(high, `at most ${high}${what}`) : high === undefined ? `at least ${low}${what}` : `${low} to ${high}${what}`);
  return [between(schema.minLength, schema.maxLength, " characters"), between(schema.minimum, schema.maximum), some(schema.exclusiveMinimum, `more than ${schema.exclusiveMinimum}`),
    some(schema.exclusiveMaximum, `less than ${schema.exclusiveMaximum}`), some(schema.multipleOf, `a multiple of ${schema.multipleOf}`), between(schema.minItems, schema.maxItems, " items"),
    schema.pattern && `matches ${line(schema.pattern, 60)}`].filter(Boolean).join(", ");
}

/// A time in the format of `<input type="datetime-local">`.
function local(value) {
  const date = new Date(value);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

function parsed(text) {
  const wrong = mistake(text);
  if (wrong) throw new Error(wrong);
  return parse(text);
}

/// The control of a kind of field: its `input`, `text` (a value as text) and `read` (a text as a value, which throws
/// the error message).
function control(kind, schema, value, id, reference, compact) {
  const types = valueTypes(schema);
  const input = (properties) => h("input", { id, autocomplete: "off", type: "text", ...properties });
  const area = (rows) => h("textarea", { id, spellcheck: "false", rows: compact ? "3" : String(rows) });
  switch (kind) {
    case "choice":
    case "boolean": {
      const options = kind === "boolean" ? [true, false] : choices(schema).filter((one) => one !== null);
      if (!isNothing(value) && !options.some((one) => same(one, value))) options.push(value);
      return { input: h("select", { id }, h("option", { value: "", hidden: true }), options.map((one) => h("option", { value: JSON.stringify(one) }, String(one)))), text: JSON.stringify, read: parse };
    }
    case "number":
      return { input: input({ inputmode: "decimal", class: "number" }), read: (text) => {
        const read = numberOf(text);
        if (read === undefined) throw new Error(`must be a number${text.trim() === "" ? "; the button removes the property" : `, got "${line(text, 40)}"`}`);
        return read;
      } };
    case "date": return { input: input({ type: "date" }), read: String };
    case "time": return { input: input({ type: "datetime-local", step: "1" }), text: (one) => one && local(one), read: (text) => text && new Date(text).toISOString().replace(".000Z", "Z") };
    case "list": {
      const numbers = /number|integer/.test(typesOf(schema.items)[0] ?? kindOfValue(value?.[0]));
      const item = (text) => {
        const read = numbers ? numberOf(text) : text;
        if (read === undefined) throw new Error(`must be numbers, got "${line(text, 40)}"`);
        return read;
      };
      return { input: input({ placeholder: "one, another" }), text: (one) => one.join(", "),
        read: (text) => (text.trim().startsWith("[") ? parsed(text) : text.split(",").map((one) => one.trim()).filter((one) => one !== "").map(item)) };
    }
    case "json":
    case "any": {
      // A string is quoted if it would be another type without quotes.
      const isBare = (one) => kind === "any" && mistake(one) !== "" && !/^\s*[[{"]/.test(one);
      const text = (one) => (typeof one === "string" && isBare(one) ? one : print(one));
      const isShort = kind === "any" && types.length > 0 && !types.some((type) => ["object", "array"].includes(type)) && !isLong(value);
      return { input: isShort ? input() : area(Math.min(12, Math.max(3, isNothing(value) ? 3 : text(value).split("\n").length))), text, read: (typed) => {
        if (isBare(typed)) return typed;
        const read = parsed(typed);
        return kind === "any" && types.includes("string") && !allows(types, read) && read !== null ? typed : read;
      } };
    }
    case "reference": return picker(input, reference, types, value);
    default:
      if (isLong(value) || schema.maxLength > 200) return { input: area(5), read: (text) => (/\r\n/.test(value) ? text.replaceAll("\n", "\r\n") : text) };
      return { input: input(kind === "password" ? { type: kind, autocomplete: "new-password" } : { inputmode: { email: "email", uri: "url" }[kind] }), read: String };
  }
}

/// A reference: an input that searches records while you type.
function picker(make, reference, types, old) {
  const list = unique("options");
  const options = h("ul.options", { id: list, role: "listbox", label: reference.resource, hidden: true, mousedown: (event) => event.preventDefault() });
  const about = h("span.picked.soft");
  const parent = resourceOf(reference.resource);
  /// The ids by their texts: one record may have 5, another "5".
  const values = new Map([[String(old), old]]);
  let active = -1;
  let asked = 0;
  let timer;
  const input = make({ role: "combobox", "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list", click: search,
    blur: () => { asked += 1; clearTimeout(timer); open(false); },
    input: (event) => {
      if (!event.isTrusted && !event.inputType) return;
      fill(about);
      clearTimeout(timer);
      timer = setTimeout(search, 120);
    }, keydown: (event) => onKey(options.hidden ? { ArrowDown: search }
      : { Escape: () => open(false), Enter: () => active >= 0 && options.children[active].click(), ArrowDown: () => move(1), ArrowUp: () => move(-1) })(event) });
  function move(step) {
    const all = [...options.children];
    active = active < 0 && step < 0 ? all.length - 1 : (active + step + all.length) % all.length;
    all.forEach((one, at) => { one.ariaSelected = at === active; });
    input.setAttribute("aria-activedescendant", all[active].id);
  }
  function open(isOpen) {
    options.hidden = !isOpen;
    active = -1;
    input.ariaExpanded = isOpen;
    input.removeAttribute("aria-activedescendant");
  }
  const name = (label, id) => fill(about, h("a", { href: recordLink(reference.resource, id), title: `Open ${reference.resource}/${id}` }, label || `${reference.resource}/${id}`));
  function choose(value, label, id) {
    input.value = value;
    name(label, id);
    open(false);
    for (const kind of ["input", "chosen"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  async function find(pairs) {
    const entry = await get(pathOf(reference.resource), pairs);
    const records = entry.list.filter((record) => isRecord(record) && record[reference.target] !== undefined);
    for (const record of records) values.set(String(record[reference.target]), record[reference.target]);
    return { ok: entry.ok, records };
  }
  async function search() {
    const mine = (asked += 1);
    // Until the text is changed, all records are offered.
    const text = input.value === String(old) ? "" : input.value.trim();
    const { records } = await find([...(text ? [["q", text]] : []), ["_limit", "8"]]);
    if (mine !== asked || document.activeElement !== input) return;
    fill(options, records.map((record, at) => {
      const value = String(record[reference.target]);
      const label = parent ? labelOf(parent, record) : "";
      return h("li", { id: `${list}-${at}`, role: "option", "aria-selected": "false", click: () => choose(value, label, idOf(record)) }, h("span", label || value), label && h("span.soft", value));
    }));
    open(records.length > 0);
  }
  const asText = types.length > 0 ? types.every((type) => type === "string") : typeof old === "string";
  return { input, beside: h("div.picker", options), after: about, text: (one) => {
    labelsOf(reference, [one], true).then((labels) => {
      const found = labels.get(String(one));
      if (found && input.value === String(one)) name(found.label, found.id);
    });
    return String(one);
  }, read: (typed) => {
    const text = typed.trim();
    if (text === "" && !asText) throw new Error("must name a record; the button removes the property");
    return values.get(text) ?? (asText ? text : numberOf(text) ?? text);
  },
  /// The error if the reference has no target.
  check: async () => {
    const text = input.value.trim();
    if (text === "" || text === String(old ?? "")) return "";
    const { ok, records } = await find([[reference.target, text], ["_limit", "1"]]);
    return ok && records.length === 0 ? `There is no ${singular(reference.resource)} with the ${reference.target} ${line(text, 40)}` : "";
  } };
}

/// The field of the property `key`; `value` is undefined if it is missing.
export function field({ key, schema, value, required = false, reference, rules = false, compact = false, changed = () => {} }) {
  const id = compact ? unique("cell") : `field-${encodeURIComponent(key)}`;
  const long = typeof value === "string" && value.length > LONGEST;
  const kind = kindOf(schema, value, reference);
  const types = typesOf(schema);
  const isFixed = kind === "fixed";
  const { input, text = String, read, beside, after, check } = isFixed ? { input: h("output", { id }) } : control(kind, schema, value, id, reference, compact);
  // "value", "null" or "missing".
  let state;
  const wrong = h("p.wrong", { id: `${id}-wrong` });
  const tag = h("span.state");
  const empty = (how) => { write(how); changed(); input.focus(); };
  const asNull = button("Set to null", { kind: "quiet small", click: () => empty(null) });
  // The name is in the text because the label belongs to the field.
  const remove = h("button.quiet.small", { title: "Remove the property from the record", click: () => empty(undefined) }, "Remove", h("span.hidden", ` ${key}`));
  const describe = () => {
    tag.textContent = state === "missing" ? "not set" : state === "null" ? "null" : input.value === "" && TEXTS.includes(kind) && !long ? "empty text" : "";
    asNull.hidden = isFixed || state === "null" || long || !(types.includes("null") || types.length === 0 || !rules);
    remove.hidden = isFixed || state === "missing";
  };
  function write(one) {
    state = one === undefined ? "missing" : one === null ? "null" : "value";
    if (isFixed) fill(input, show(one, key));
    else if (!long) input.value = isNothing(one) ? "" : text(one);
    describe();
    setError("");
  }
  function setError(message, status) {
    wrong.textContent = message;
    wrong.classList.toggle("until-fixed", status === 503);
    input.ariaInvalid = message ? "true" : null;
  }
  // Warns of a dangling reference before it is saved. Concurrent checks of the same value share one request.
  let asking;
  const verify = () => {
    const typed = input.value;
    if (asking?.typed === typed) return asking.answer;
    const mine = (asking = { typed, answer: (async () => {
      const message = (await check?.()) ?? "";
      // Leaving the field by a press on a button checks it.
      await released();
      if (message && input.value === typed && state === "value") setError(message);
      if (asking === mine) asking = undefined;
      return !message;
    })() });
    return mine.answer;
  };
  input.addEventListener("input", () => { state = "value"; describe(); setError(""); changed(); });
  input.addEventListener("change", verify);
  if (long) input.disabled = true;
  write(value);
  // As long as the text is unchanged, the value is kept exactly.
  const untouched = state === "value" ? input.value : undefined;
  if (required && !isFixed) input.ariaRequired = true;
  input.setAttribute("aria-describedby", `${wrong.id} ${id}-note`);
  if (compact) input.ariaLabel = key;
  const typeName = kind === "reference" ? reference.resource : kind === "list" ? kind : [valueTypes(schema).join(" or "), schema.format].filter(Boolean).join(", ");
  const note = [long && `${number(value.length)} characters: too long to edit here`, isFixed && "read-only", schema.description, limits(schema),
    kind === "any" && types.includes("string") && "a number in quotes is a text"].filter(Boolean).join(" · ");
  return {
    key, input, setError, verify,
    element: compact ? h("div.edit", h("div.control", input, beside), wrong)
      : h("div.field", h("div.field-head", h("label", { for: id }, line(key, 120)), required && h("span.required", { title: "required", "aria-hidden": "true" }, "*"), h("span.type", typeName), tag, grow(), asNull, remove),
        h("div.control", input, beside, after), wrong, h("p.note", { id: `${id}-note` }, note)),
    /// The value; undefined if missing; throws the error message.
    get() {
      if (isFixed || (state === "value" && (long || input.value === untouched))) return value;
      return state === "missing" ? undefined : state === "null" ? null : read(input.value);
    },
    wrong: () => wrong.textContent,
  };
}

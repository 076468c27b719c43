// What the other scripts are built of: elements, exact JSON, requests, curl.

/// An element. Values get into the page only here, and only as text: nothing is ever read as markup.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    // A link leads into this page or to this server, whatever a record says.
    else if (name === "href" && !/^(#|\/(?!\/))/.test(value)) throw new Error(`no link to ${value}`);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...real(children));
  return element;
}

/// The children that are there: `condition ? element : null` is a way to leave one out.
const real = (children) => children.flat().filter((child) => child !== null && child !== undefined && child !== false);

/// Puts `children` into `place` and nothing else.
export const fill = (place, ...children) => place.replaceChildren(...real(children));

/// A number that JavaScript would change: 1.0, or one with twenty digits.
class Exact {
  constructor(source) { this.source = source; }
  toString() { return this.source; }
  toJSON() { return JSON.rawJSON ? JSON.rawJSON(this.source) : Number(this.source); }
}

export const isNumber = (value) => typeof value === "number" || value instanceof Exact;
export const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isNumber(value);
export const parse = (text) => JSON.parse(text, (_, value, context) =>
  typeof value === "number" && context?.source !== undefined && String(value) !== context.source
    ? new Exact(context.source) : value);
export const print = (value) => JSON.stringify(value, null, 2);
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/// A value as one short line.
export function line(value, most = 160) {
  const text = typeof value === "string" ? value.slice(0, most + 1)
    : typeof value === "object" && value !== null && !isNumber(value) ? JSON.stringify(value).slice(0, most + 1)
    : String(value);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/// What is sent of long texts to the page.
export const cut = (text, most = 20000) =>
  text.length > most ? `${text.slice(0, most)}\n… ${(text.length - most).toLocaleString("en")} characters more` : text;

const encode = (text) => encodeURIComponent(text).replace(/%(3A|2C|40|24)/g, (escape) => decodeURIComponent(escape));
export const segment = (text) => encodeURIComponent(text);
/// A path with a query: `pairs` are names and values.
export function target(path, pairs = []) {
  const query = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  return query ? `${path}?${query}` : path;
}

const listeners = new Set();
/// Calls `listener` with every request that a person made.
export const onRequest = (listener) => listeners.add(listener);

/// Sends a request, and tells the listeners unless it is `quiet`. Gives what was sent and what came.
export async function call(method, path, { body, type = "application/json", quiet = false } = {}) {
  const headers = body === undefined ? {} : { "Content-Type": type };
  const entry = { method, path, body, type, at: new Date(), status: 0, statusText: "", headers: [], text: "", json: undefined };
  const start = performance.now();
  try {
    const response = await fetch(path, { method, headers, body, cache: "no-store" });
    entry.text = await response.text();
    Object.assign(entry, { status: response.status, statusText: response.statusText, headers: [...response.headers] });
  } catch {
    entry.text = "No response: is standin still running?";
  }
  entry.time = performance.now() - start;
  const header = (name) => entry.headers.find(([known]) => known === name)?.[1];
  entry.header = header;
  if (/json/.test(header("content-type") ?? "")) {
    try { entry.json = parse(entry.text); } catch { /* shown as it came */ }
  }
  entry.ok = entry.status >= 200 && entry.status < 300;
  if (!quiet) for (const listener of listeners) listener(entry);
  return entry;
}

const word = (text) => (/^[\w\-./:=,@%+]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/// The request as a command for a shell.
export function curl({ method, path, body, type = "application/json" }) {
  const implied = body === undefined ? "GET" : "POST";
  const parts = ["curl"];
  if (method !== implied || body !== undefined) parts.push(`-X ${method}`);
  parts.push(word(location.origin + path));
  if (body !== undefined) parts.push(`-H "Content-Type: ${type}"`, `-d ${word(body)}`);
  return parts.join(" ");
}

/// The request and its answer as a page of documentation has them, so that `standin check` can check it.
export function example(entry) {
  const fence = (kind, text) => {
    const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
    const marks = "`".repeat(longest + 1);
    return `${marks}${kind}\n${text.replace(/\n$/, "")}\n${marks}\n`;
  };
  const answer = entry.text ? `\n${fence(entry.json === undefined ? "text" : "json", entry.text)}` : "";
  return fence("bash", curl(entry)) + answer;
}

let timer;
/// Says something in the corner, and to a screen reader.
export function say(text) {
  document.getElementById("status").textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { document.getElementById("status").textContent = ""; }, 4000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard but this one.
    const area = el("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`Copied ${what}`);
}

/// `schema` with what it points to and what it is put together from.
export function resolve(document, schema, depth = 0) {
  if (!schema || depth > 8) return schema ?? {};
  let whole = schema;
  if (schema.$ref?.startsWith("#/")) {
    const steps = schema.$ref.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const found = steps.reduce((value, step) => value?.[decodeURIComponent(step)] ?? value?.[step], document);
    whole = { ...resolve(document, found, depth + 1), ...schema };
  }
  for (const part of whole.allOf ?? []) {
    const { properties, required = [], ...rest } = resolve(document, part, depth + 1);
    whole = { ...rest, ...whole, properties: { ...properties, ...whole.properties },
      required: [...(whole.required ?? []), ...required] };
  }
  return whole;
}

/// The item of the document's paths for the resource `name`, and that for one of its records.
export function paths(document, name) {
  const found = Object.keys(document.paths).find((path) =>
    path.lastIndexOf("/") === 0 && decodeURIComponent(path.slice(1)) === name);
  return { all: document.paths[found] ?? {}, one: document.paths[`${found}/{id}`] ?? {} };
}

export const bodySchema = (document, operation) =>
  resolve(document, operation?.requestBody?.content?.["application/json"]?.schema);

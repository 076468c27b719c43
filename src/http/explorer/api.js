// Requests.
import { say } from "./dom.js";
import { cut, parse } from "./json.js";

const JSON_TYPE = ["Content-Type", "application/json"];
const listeners = new Set();
/// The user's last action: its request and those that followed, `{ main, then }`.
let action;

/// Calls `listener` with the action after each of its requests.
export const onAction = (listener) => listeners.add(listener);
/// The next request belongs to a new action.
export const newAction = () => { action = undefined; };

/// The credentials of each request, until the tab is closed: headers, each with its `value`, the `name` that is shown
/// for it, and whether it `expires`.
export const session = {
  get: () => JSON.parse(sessionStorage.getItem("standin-headers") ?? "{}"),
  set(header, said) {
    sessionStorage.setItem("standin-headers", JSON.stringify(header ? { ...session.get(), [header]: said } : {}));
    document.dispatchEvent(new Event("session"));
  },
  headers: () => Object.entries(session.get()).map(([name, { value }]) => [name, value]),
};
/// On this machine nothing needs cookies; without credentials, the browser does not show its own password dialog.
const credentials = /^(localhost|127\.|\[::1])/.test(location.hostname) ? "omit" : "same-origin";

const encode = (text) => encodeURIComponent(text).replace(/%(3A|2C|40|24)/g, (escape) => decodeURIComponent(escape));
export const segment = (text) => encodeURIComponent(text);
/// The path of a resource, or of its record `id`.
export const pathOf = (name, id) => `/${segment(name)}${id === undefined ? "" : `/${segment(String(id))}`}`;
/// The steps of a JSON pointer.
export const stepsOf = (pointer) => pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
/// A path with a query: `pairs` are names and values.
export function target(path, pairs = []) {
  const query = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  return query ? `${path}?${query}` : path;
}

/// Sends a request; returns it with its response. A `quiet` one is not shown. A write begins a new action, a read
/// belongs to the current one. `content` is a text, or a value to send as JSON. `tag` is sent as If-Match and is not
/// copied.
export async function call(method, path, { body: content, type = JSON_TYPE, tag, headers, quiet = false, signal } = {}) {
  const body = content === undefined || typeof content === "string" ? content : JSON.stringify(content);
  const sent = headers ?? [...(body === undefined ? [] : [type]), ...session.headers()];
  // The page needs records without the profile. A request that the user composed is sent as it is.
  const own = [...(headers ? [] : [["Standin-Profile", "none"]]), ...(tag ? [["If-Match", tag]] : [])];
  const entry = { method, path, body, sent, status: 0, headers: [], text: "", json: undefined };
  const start = performance.now();
  try {
    const response = await fetch(path, { method, headers: [...sent, ...own], body, cache: "no-store", credentials, signal });
    entry.text = await response.text();
    Object.assign(entry, { status: response.status, headers: [...response.headers] });
  } catch (error) {
    if (signal?.aborted) return { ...entry, aborted: true, header: () => undefined };
    entry.text = error instanceof TypeError && /method|header|body/i.test(error.message) ? error.message : "No response: is standin still running?";
  }
  entry.time = performance.now() - start;
  entry.header = (name) => entry.headers.find(([known]) => known === name)?.[1];
  if (/json/.test(entry.header("content-type") ?? "")) {
    try { entry.json = parse(entry.text); } catch { /* shown as it came */ }
  }
  entry.list = Array.isArray(entry.json) ? entry.json : [];
  entry.ok = entry.status >= 200 && entry.status < 300;
  // A record, or an error in the shape of a profile, may use these names for something else.
  const said = (name) => (!entry.ok && typeof entry.json?.[name] === "string" ? entry.json[name] : undefined);
  const errors = !entry.ok && Array.isArray(entry.json?.errors) ? entry.json.errors.filter((error) => typeof error?.pointer === "string") : [];
  entry.title = said("title");
  entry.problem = entry.ok ? "" : said("detail") ?? cut(entry.text || `status ${entry.status}`, 400);
  entry.hint = said("hint") ?? decode(entry.header("x-hint"));
  entry.errors = errors.map((error) => ({ ...error, steps: stepsOf(error.pointer) }));
  // Only an expired token is dropped.
  if (entry.status === 401 && session.get().Authorization?.expires && path !== "/me" && (await get("/me")).status === 401) session.set("Authorization");
  if (!quiet) {
    if (!action || method !== "GET") action = { main: entry, then: [] };
    else action.then.push(entry);
    for (const listener of listeners) listener(action);
  }
  return entry;
}

function decode(text) { try { return text && decodeURIComponent(text); } catch { return text; } }

export const get = (path, pairs) => call("GET", target(path, pairs), { quiet: true });

/// Shows a toast if a request failed; returns whether it did.
export function failed(entry, what = "Not changed") {
  if (!entry.ok) say(`${what}: ${entry.problem}`);
  return !entry.ok;
}

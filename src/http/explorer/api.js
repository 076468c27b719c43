// Requests: what a person asked for, and the reads that follow from it.
import { cut, parse } from "./json.js";

const listeners = new Set();
/// The request that a person made last, with those after it: `{ main, then }`.
let action;

/// Calls `listener` with each action as it grows.
export const onAction = (listener) => listeners.add(listener);
/// The next request belongs to a new action.
export const newAction = () => { action = undefined; };

const encode = (text) => encodeURIComponent(text).replace(/%(3A|2C|40|24)/g, (escape) => decodeURIComponent(escape));
export const segment = (text) => encodeURIComponent(text);
/// A path with a query: `pairs` are names and values.
export function target(path, pairs = []) {
  const query = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  return query ? `${path}?${query}` : path;
}

/// Sends a request and gives what was sent and what came. A `quiet` one is the page's own and not shown. A write begins
/// an action; a read belongs to the one before, if there is one.
export async function call(method, path, { body, headers, quiet = false, signal } = {}) {
  const sent = headers ?? (body === undefined ? [] : [["Content-Type", "application/json"]]);
  const entry = { method, path, body, sent, at: new Date(), status: 0, statusText: "", headers: [], text: "", json: undefined };
  const start = performance.now();
  try {
    const response = await fetch(path, { method, headers: sent, body, cache: "no-store", signal });
    entry.text = await response.text();
    Object.assign(entry, { status: response.status, statusText: response.statusText, headers: [...response.headers] });
  } catch (error) {
    if (signal?.aborted) return { ...entry, aborted: true, header: () => undefined };
    entry.text = error instanceof TypeError && /method|header|body/i.test(error.message) ? error.message : "No response: is standin still running?";
  }
  entry.time = performance.now() - start;
  entry.header = (name) => entry.headers.find(([known]) => known === name)?.[1];
  if (/json/.test(entry.header("content-type") ?? "")) {
    try { entry.json = parse(entry.text); } catch { /* shown as it came */ }
  }
  entry.ok = entry.status >= 200 && entry.status < 300;
  entry.problem = entry.ok ? "" : entry.json?.detail ?? cut(entry.text || entry.statusText, 400);
  if (!quiet) {
    if (!action || method !== "GET") action = { main: entry, then: [] };
    else action.then.push(entry);
    for (const listener of listeners) listener(action);
  }
  return entry;
}

export const get = (path, pairs) => call("GET", target(path, pairs), { quiet: true });

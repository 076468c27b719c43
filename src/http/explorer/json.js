// JSON with numbers as they are written, and its rendering.
import { h } from "./dom.js";

/// A number that JavaScript would change: 1.0, or one with twenty digits.
class Exact {
  constructor(source) { this.source = source; }
  toString() { return this.source; }
  toJSON() { return JSON.rawJSON ? JSON.rawJSON(this.source) : Number(this.source); }
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

export const isNothing = (value) => value === undefined || value === null;
export const isNumber = (value) => typeof value === "number" || value instanceof Exact;
export const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isNumber(value);
export const isScalar = (value) => typeof value !== "object" || value === null || isNumber(value);
export const parse = (text) => JSON.parse(text, (_, value, context) =>
  typeof value === "number" && context?.source !== undefined && String(value) !== context.source ? new Exact(context.source) : value);
export const print = (value) => JSON.stringify(value, null, 2);
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
/// Parses `text` as a number, kept as it is written; undefined if it is not a number.
export const numberOf = (text) => (NUMBER.test(text.trim()) ? parse(text.trim()) : undefined);

/// A value as one short line.
export function line(value, most = 160) {
  // Avoids printing ten thousand members for one line.
  const some = () => (Array.isArray(value) ? value.slice(0, 50) : Object.fromEntries(Object.entries(value).slice(0, 50)));
  const text = isScalar(value) ? String(value) : JSON.stringify(some());
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

export const cut = (text, most = 20000) =>
  text.length > most ? `${text.slice(0, most)}\n… ${(text.length - most).toLocaleString("en")} characters more` : text;

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d[\d.eE+-]*)/g;

/// JSON text with syntax highlighting.
export function coloured(text, most = 20000) {
  const shown = cut(text, most);
  const parts = [];
  let at = 0;
  for (const match of shown.matchAll(TOKEN)) {
    parts.push(shown.slice(at, match.index));
    const [all, string, colon, word] = match;
    parts.push(h(`span.j-${colon ? "key" : string ? "string" : word ? "word" : "number"}`, string ?? all), colon);
    at = match.index + match[0].length;
  }
  parts.push(shown.slice(at));
  return parts;
}

/// A nested value as a collapsible tree.
export function tree(value, depth = 0) {
  if (isScalar(value)) return h(`span.j-${isNumber(value) ? "number" : typeof value === "string" ? "string" : "word"}`, line(value, 300));
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return h("span.soft", isList ? "empty list" : "empty object");
  return h("details.tree", { open: depth === 0 }, h("summary", isList ? `list of ${entries.length}` : line(Object.keys(value).join(", "), 60)), h("dl", entries.slice(0, 200).map(([key, one]) =>
    [h("dt", key), h("dd", tree(one, depth + 1))]), entries.length > 200 && h("dd.soft", `${entries.length - 200} more`)));
}

/// The keys of valid JSON: each with its position, its depth, and whether it is a duplicate (`again`).
export function keysOf(text) {
  const found = [];
  const open = [];
  for (const [token, string, colon, at] of [...text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[[\]{}]/g)].map((match) => [...match, match.index])) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (colon) {
      const key = JSON.parse(string);
      found.push({ key, at, depth: open.length, again: open.at(-1).has(key) });
      open.at(-1).add(key);
    }
  }
  return found;
}

/// `what` with the line and column of `at` in `text`.
export function placed(text, at, what) {
  const lines = text.slice(0, at).split("\n");
  return `line ${lines.length}, column ${lines.at(-1).length + 1}: ${what}`;
}

/// The error in JSON text: it is not valid, or has a duplicate key, which would be lost.
export function mistake(text) {
  try { JSON.parse(text); } catch (error) {
    const at = /position (\d+)/.exec(error.message)?.[1] ?? text.length;
    return `Not valid JSON: ${placed(text, Number(at), error.message.replace(/ in JSON at position.*| \(line.*| at position.*/, ""))}`;
  }
  const twice = keysOf(text).find((one) => one.again);
  return twice ? `Not saved: ${placed(text, twice.at, `${JSON.stringify(twice.key)} appears twice`)}` : "";
}

/// "a, b and c".
export const list = (parts) => (parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`);

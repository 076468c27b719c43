// What a person asked for last, with its response; the reads after it; a way to send it again.
import { button, copy, dialog, fill, h, icon, menu, say } from "./dom.js";
import { call, newAction, onAction } from "./api.js";
import { coloured, cut, print } from "./json.js";
import { curl, FORMATS } from "./code.js";

const MOST = 40;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const past = [];
let shown;
let view;
let strip;

export const verb = (method) => h("span.verb", { class: `verb-${METHODS.includes(method) ? method.toLowerCase() : "other"}` }, method);
export const status = (code) => h("span.status", { class: `s${String(code)[0]}` }, String(code || "no response"));
export const milliseconds = (time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;

/// The menu that copies `request` in each format; `only` leaves formats out.
export function copyMenu(request, formats = FORMATS) {
  return menu("Copy as", { icon: "copy", kind: "small" }, (close) => formats.map(([name, make]) =>
    h("button.menu-item", { type: "button", click: () => { copy(make(request), name === "documentation example" ? "the documentation example" : `the request as ${name}`); close(); } }, `Copy as ${name}`)));
}

/// Puts the panel into `place` and the last request in short into `bar`.
export function panel(place, bar, open) {
  view = h("div.panel-view", h("p.soft", "Each action here is a request of the API. The last one is shown with its response."));
  const older = h("ol.past");
  const earlier = h("details", { hidden: true }, h("summary", "Earlier"), older);
  fill(place, h("div.panel-head", h("h2", "Request"), h("span.grow"), button("New request", { icon: "send", kind: "small", click: () => compose({ method: "GET", path: "/", sent: [] }) }),
    button("Close the request panel", { icon: "close", only: true, kind: "quiet small", click: () => open(false) })), view, earlier);
  strip = h("span.strip", h("span.soft", "No request yet"));
  fill(bar, h("button.strip-button", { type: "button", "aria-expanded": "false", click: () => open(true) }, icon("panel"), strip));
  onAction((action) => {
    if (past[0] !== action) past.unshift(action);
    past.splice(MOST);
    show(action);
    earlier.hidden = past.length < 2;
    fill(older, past.slice(1).map((one) => h("li", h("button.row-button", { type: "button", click: () => show(one) }, verb(one.main.method), h("span.path", cut(one.main.path, 80)), status(one.main.status)))));
  });
}

/// The request that is shown.
export const current = () => shown?.main;

function show(action) {
  // What follows a request is added to it; the reader's place in it stays.
  if (shown === action && view.contains(document.activeElement)) { fill(view.querySelector(".then") ?? h("div"), then(action)); return; }
  shown = action;
  fill(view, details(action.main), h("div.then", then(action)));
  fill(strip, verb(action.main.method), h("span.path", cut(action.main.path, 200)), status(action.main.status), h("span.soft", milliseconds(action.main.time)));
}

const then = (action) => (action.then.length === 0 ? null : [h("h3", "then"), h("ol.past", action.then.map((one) => h("li", h("details", h("summary", verb(one.method), h("span.path", cut(one.path, 120)), status(one.status)), details(one, true)))))]);

/// A request with its response.
export function details(entry, small = false) {
  const hint = entry.header?.("x-hint");
  return h("div.request", {},
    small ? null : h("p.request-line", { "data-test": "request" }, verb(entry.method), h("span.path", cut(entry.path, 500)), status(entry.status), h("span.soft", milliseconds(entry.time))),
    h("pre.command", { "data-test": small ? null : "curl", tabindex: "0", role: "region", "aria-label": "The request as a curl command" }, cut(curl(entry), 4000)),
    h("div.row", button("Copy as curl", { icon: "copy", kind: "small", click: () => copy(curl(entry), "the command") }), copyMenu(entry), button("Edit and send", { icon: "send", kind: "small", click: () => compose(entry) })),
    hint ? h("p.hint", decode(hint)) : null,
    h("details", h("summary", `Response headers (${entry.headers.length})`), h("dl.headers", entry.headers.map(([name, value]) => [h("dt", name), h("dd", value)]))),
    entry.text ? h("pre", { tabindex: "0", role: "region", "aria-label": "Response", "data-test": small ? null : "response" }, entry.json === undefined ? cut(entry.text, 8000) : coloured(entry.text, 8000)) : h("p.soft", "The response has no body."));
}

function decode(text) { try { return decodeURIComponent(text); } catch { return text; } }

/// A dialog in which a request is changed and sent.
export function compose(request) {
  const method = h("select", { id: "send-method", "aria-label": "Method" }, [...new Set([...METHODS, request.method])].map((one) => h("option", one)));
  method.value = request.method;
  const path = h("input", { id: "send-path", value: request.path, spellcheck: "false", autocomplete: "off", "aria-label": "Path and query" });
  const headers = h("textarea", { id: "send-headers", rows: "3", spellcheck: "false", value: request.sent.map(([name, value]) => `${name}: ${value}`).join("\n") });
  const body = h("textarea", { id: "send-body", rows: "8", spellcheck: "false", value: pretty(request.body) });
  const told = h("div", { role: "status", "aria-label": "Result" });
  const send = button("Send", { icon: "send", kind: "primary", click: async () => {
    const target = path.value.trim();
    if (!/^\/(?!\/)/.test(target)) { fill(told, h("p.wrong", "The path begins with one slash and leads to this server.")); path.focus(); return; }
    const sent = headers.value.split("\n").filter((line) => line.includes(":")).map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]);
    const has = body.value !== "" && !["GET", "HEAD"].includes(method.value);
    newAction();
    const entry = await call(method.value, target, { headers: sent, body: has ? body.value : undefined });
    fill(told, h("p.request-line", verb(entry.method), h("span.path", cut(entry.path, 300)), status(entry.status), h("span.soft", milliseconds(entry.time))),
      entry.json?.hint ? h("p.hint", entry.json.hint) : null, h("pre", { tabindex: "0", role: "region", "aria-label": "The response" }, entry.json === undefined ? cut(entry.text || "No body", 8000) : coloured(entry.text, 8000)));
    say(`${entry.method} ${cut(entry.path, 60)}: ${entry.status || "no response"}`);
  } });
  const shownDialog = dialog("Send a request", [h("div.send-line", method, path), h("label", { for: "send-headers" }, "Headers, one a line"), headers,
    h("label", { for: "send-body" }, "Body"), body, told], [button("Close", { click: () => shownDialog.close() }), send]);
  path.focus();
  return shownDialog;
}

function pretty(text) {
  if (text === undefined) return "";
  try { return print(JSON.parse(text)); } catch { return text; }
}

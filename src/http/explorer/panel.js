// The request panel: the user's last action with its response, and the reads that followed.
import { button, closer, copy, fill, grow, h, icon, menu, region } from "./dom.js";
import { onAction } from "./api.js";
import { coloured, cut } from "./json.js";
import { curl, FORMATS } from "./code.js";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
let shown;
let view;
let strip;

export const verb = (method) => h("span.verb", { class: `verb-${METHODS.includes(method) ? method.toLowerCase() : "other"}` }, method);
export const status = (code) => h("span.status", { class: `s${String(code)[0]}` }, String(code || "no response"));
export const milliseconds = (time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
/// A request in one line.
export const short = ({ method, path, status: code, time }) => [verb(method), h("span.path", cut(path, 300)), status(code), time !== undefined && h("span.soft", milliseconds(time))];

/// Opens the dialog in which a request is edited and sent.
export const compose = async (request) => (await import("./compose.js")).default(request);
/// The buttons of a request.
export const actions = (request) => h("div.row", button("Copy as curl", { icon: "copy", kind: "small", click: () => copy(curl(request), "the command") }),
  menu("Copy as", { icon: "copy", kind: "small" }, (close) => FORMATS.map(([name, make]) =>
    button(`Copy as ${name}`, { kind: "menu-item", click: () => { copy(make(request), `the request as ${name}`); close(); } }))),
  button("Edit and send", { icon: "send", kind: "small", click: () => compose(request) }));
/// The body of a request or a response.
export const bodyOf = (text, label, isJson) => region("pre", label, isJson ? coloured(text, 8000) : cut(text, 8000));
export const headers = (pairs) => h("dl.headers", pairs.map(([name, value]) => [h("dt", name), h("dd", value)]));

/// Renders the panel in `place`, and a summary of the last request in `bar`.
export function panel(place, bar, open) {
  view = h("div.panel-view", h("p.soft", "Each action here is a request of the API. The last one is shown with its response."));
  fill(place, h("div.row", h("h2", "Request"), grow(), button("New request", { icon: "send", kind: "small", click: () => compose() }),
    closer("Close the request panel", () => open(false))), view);
  strip = h("span.strip", h("span.soft", "No request yet"));
  fill(bar, h("button.strip-button", { "aria-expanded": "false", click: () => open(true) }, icon("panel"), strip));
  onAction(show);
}

/// The request that is shown.
export const current = () => shown?.main;

function show(action) {
  // Later requests are appended; what the user has expanded stays expanded.
  if (shown !== action) fill(view, details(action.main), h("h3", { hidden: true }, "then"), h("ol.past.then"));
  shown = action;
  const past = view.querySelector(".past");
  past.append(...action.then.slice(past.children.length).map((one) => h("li", h("details", h("summary", short({ ...one, time: undefined })), details(one, true)))));
  past.previousElementSibling.hidden = action.then.length === 0;
  fill(strip, short(action.main));
}

/// A request with its response.
const details = (entry, small = false) => h("div.request",
  !small && h("p.request-line", short(entry)), region("pre.command", "The request as a curl command", cut(curl(entry), 4000)), actions(entry),
  entry.ok && entry.hint && h("p.hint", entry.hint),
  h("details", h("summary", `Response headers (${entry.headers.length})`), headers(entry.headers)),
  entry.text ? bodyOf(entry.text, "Response", entry.json !== undefined) : h("p.soft", "The response has no body."));

// The page: what the address bar says is shown, and what happens on the server is followed.
import { call, el, line, say, segment } from "./lib.js";
import { current, panel } from "./panel.js";
import { link, table } from "./table.js";
import { form } from "./form.js";

const place = (id) => document.getElementById(id);
let info;
let api;
let version = 0;
/// Loads what is shown again; gets the ids that changed.
let refresh = () => {};
let tables = new Map();

const go = (hash) => { if (location.hash === hash) show(); else location.hash = hash; };

/// What the part of the address behind # names.
function route() {
  const hash = location.hash.slice(1);
  const at = hash.indexOf("?");
  const path = at < 0 ? hash : hash.slice(0, at);
  const pairs = at < 0 ? [] : [...new URLSearchParams(hash.slice(at + 1))];
  let parts;
  try { parts = path.split("/").map(decodeURIComponent); } catch { parts = []; }
  if (parts[0] === "new") return { name: parts[1], isNew: true, pairs };
  return { name: parts[1] ?? "", id: parts[2], pairs };
}

async function load() {
  const [health, spec] = await Promise.all([call("GET", "/-/health", { quiet: true }), call("GET", "/-/openapi.json", { quiet: true })]);
  if (!health.ok || !spec.ok) return false;
  info = health.json;
  // Plain numbers are enough for a description.
  api = JSON.parse(spec.text);
  version = Math.max(version, info.version);
  return true;
}

function navigation() {
  const { name } = route();
  const items = info.resources.map((resource) => el("li", {}, el("a", {
    href: link(resource.name), "aria-current": resource.name === name ? "page" : null, title: resource.rules ? "Has rules" : null,
  }, el("span", { class: "name" }, resource.name),
    el("span", { class: "count" }, resource.kind === "collection" ? resource.count.toLocaleString("en") : resource.kind))));
  const list = place("resources").querySelector("ul");
  list.replaceChildren(...items);
}

async function show() {
  const { name, id, isNew, pairs } = route();
  const main = place("main");
  refresh = () => {};
  if (!info) return;
  navigation();
  document.title = name ? `${name} – standin` : "standin";
  const resource = info.resources.find((one) => one.name === name);
  if (!resource) return home(main, name);
  if (resource.kind === "collection" && id === undefined && !isNew) {
    tables.set(name, location.hash);
    refresh = table(main, { name, pairs, document: api, info, go });
    return;
  }
  const back = tables.get(name) ?? link(name);
  const shown = location.hash;
  const update = await form(main, { name, id, isNew, single: resource.kind !== "collection", document: api, info, go, back });
  if (location.hash === shown) refresh = update;
}

function home(main, name) {
  if (name) {
    main.replaceChildren(el("h2", {}, "Nothing here"), el("p", { class: "gap" }, `The data has no resource ${line(name)}.`));
    return;
  }
  if (info.resources.length === 0) {
    main.replaceChildren(el("div", { class: "empty" }, el("h2", {}, "No resources yet"),
      el("p", {}, "Add one to ", el("code", {}, info.file ?? "the data file"), " and save; it appears here automatically."),
      el("pre", {}, '{\n  "users": []\n}')));
    return;
  }
  const rules = info.resources.filter((resource) => resource.rules).length;
  main.replaceChildren(el("h2", {}, "The API"),
    el("p", { class: "gap" }, `${info.resources.length} resource${info.resources.length > 1 ? "s" : ""}, ${rules} with rules. Pick a resource to browse it. Each action is shown as a curl command.`),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["Resource", "Records", "Rules", "URL"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, info.resources.map((resource) => el("tr", {},
        el("td", {}, el("a", { href: link(resource.name) }, line(resource.name, 60))),
        el("td", {}, resource.kind === "collection" ? resource.count.toLocaleString("en") : resource.kind),
        el("td", {}, resource.rules ? "yes" : "none"),
        el("td", {}, el("code", {}, line(`${location.origin}/${segment(resource.name)}`, 120)))))))));
}

async function undo() {
  const entry = await call("POST", `/-/undo?version=${version}`);
  say(entry.ok ? "Undone" : entry.json?.detail ?? "Not undone");
  if (entry.ok) version = Math.max(version, entry.json.version);
  // What has changed meanwhile is shown before the next attempt.
  else if (entry.status === 412 && (await load())) show();
}

/// Follows the changes on the server. Many at once are one refresh.
function follow() {
  const live = place("live");
  const events = new EventSource("/-/events");
  let changed = new Map();
  let timer;
  let whole = false;
  const soon = () => {
    timer ??= setTimeout(async () => {
      const ids = changed.get(route().name);
      const touched = whole || ids;
      const reload = whole;
      [changed, whole, timer] = [new Map(), false, undefined];
      const known = info?.resources.map((resource) => `${resource.name} ${resource.kind}`).join();
      if (!(await load())) return;
      navigation();
      const different = info.resources.map((resource) => `${resource.name} ${resource.kind}`).join() !== known;
      if (different || (touched && !route().name)) show();
      else if (touched) refresh(reload ? undefined : ids);
      else if (!route().name) show();
    }, 120);
  };
  const note = (event) => {
    const data = JSON.parse(event.data);
    version = data.version;
    const ids = changed.get(data.resource) ?? new Set();
    const records = data.records ?? [{ id: data.id }];
    for (const { id } of records) ids.add(String(id));
    changed.set(data.resource, ids);
    soon();
  };
  for (const name of ["create", "replace", "merge", "delete", "reload"]) events.addEventListener(name, note);
  events.addEventListener("ready", (event) => {
    const data = JSON.parse(event.data);
    live.textContent = "live";
    live.className = "live";
    // What was missed while the connection was away is not told.
    if (!data.resumed && (data.version !== version)) { version = data.version; whole = true; soon(); }
  });
  events.addEventListener("error", () => { live.textContent = "not connected"; live.className = "live off"; });
}

const KEYS = [["/", "Search"], ["n", "New record"], ["u", "Undo the last change"], ["c", "Copy the request as curl"], ["?", "This help"]];

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
  const press = { "/": () => document.getElementById("q")?.focus(), n: () => {
      const resource = info.resources.find((one) => one.name === route().name);
      if (resource?.kind === "collection" && !info.readOnly) go(`#new/${segment(resource.name)}`);
    },
    u: () => { if (!place("undo").hidden) undo(); }, "?": help,
    c: () => { if (current()) document.querySelector("#panel button")?.click(); } }[event.key];
  if (!press) return;
  event.preventDefault();
  press();
}

function help() {
  const dialog = el("dialog", { close: () => dialog.remove() }, el("h2", {}, "Keys"),
    el("dl", { class: "gap" }, KEYS.map(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
    el("button", { type: "button", class: "gap", click: () => dialog.close() }, "Close"));
  document.body.append(dialog);
  dialog.showModal();
}

if (await load()) {
  place("file").textContent = info.file ?? "";
  place("undo").hidden = !info.admin || info.readOnly;
  place("undo").addEventListener("click", undo);
  place("help").addEventListener("click", help);
  document.addEventListener("keydown", keys);
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); place("main").focus(); });
  panel(place("panel"), info.admin);
  addEventListener("hashchange", show);
  show();
  follow();
} else {
  place("main").replaceChildren(el("div", { class: "problem", role: "alert" }, el("p", {}, "The server does not respond.")));
}

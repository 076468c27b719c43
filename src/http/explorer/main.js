// The page: what the address says is shown, and what happens on the server is followed.
import { ask, button, copy, dialog, fill, h, icon, number, say } from "./dom.js";
import { newAction, segment } from "./api.js";
import { curl } from "./code.js";
import { line } from "./json.js";
import { canWrite, known, listLink, loadModel, resourceOf } from "./model.js";
import { current, panel } from "./panel.js";
import { tableView } from "./table.js";
import { recordView } from "./record.js";
import { failures, loadRequests, note, onRequest } from "./log.js";
import { undo } from "./change.js";

const place = (id) => document.getElementById(id);
const main = place("main");
/// What is shown: an element, and what it answers to.
let view;
let shownHash;
let shownName;
const lists = new Map();
const PAGES = [["requests", "Requests", "requests"], ["history", "History", "history"], ["rules", "Rules", "rules"], ["server", "Server", "server"]];

/// What the part of the address behind # names.
function route(hash) {
  const text = hash.replace(/^#/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  const pairs = at < 0 ? [] : [...new URLSearchParams(text.slice(at + 1))];
  let parts;
  try { parts = path.split("/").map(decodeURIComponent); } catch { parts = []; }
  if (parts[0] === "new") return { name: parts[1], isNew: true, pairs };
  if (parts[0] !== "") return { page: parts[0], pairs };
  return { name: parts[1] ?? "", id: parts[2], pairs };
}

let following = false;

/// Changes the address. `replace`: without a step in the browser's history; `follow`: the requests of the next page
/// belong to what was done before.
function go(hash, { replace = false, follow = false } = {}) {
  following = follow;
  if (hash === location.hash) show();
  else if (replace) { history.replaceState(null, "", hash); show(); } else location.hash = hash;
}

/// Whether what is shown may be left: unsaved changes only with the reader's consent.
async function mayLeave() {
  if (!view?.isDirty()) return true;
  return ask("Discard the changes?", h("p", "What you have typed here is not saved."), "Discard", { no: "Keep editing" });
}

async function arrive() {
  const wanted = location.hash;
  if (wanted === shownHash) return;
  if (view?.isDirty()) {
    history.pushState(null, "", shownHash || "#/");
    if (document.querySelector("dialog[open]") || !(await mayLeave())) return;
    view.isDirty = () => false;
    location.hash = wanted;
    return;
  }
  show();
}

function show() {
  if (!known.health) return;
  const hash = location.hash;
  const { name, id, isNew, page, pairs } = route(hash);
  const isMove = shownHash !== undefined;
  if (!following) newAction();
  const follows = following;
  following = false;
  shownHash = hash;
  const resource = resourceOf(name ?? "");
  const isList = resource?.kind === "collection" && id === undefined && !isNew;
  navigation();
  document.title = name ? `${name}${id === undefined ? "" : `/${id}`} – standin` : page ? `${PAGES.find(([key]) => key === page)?.[1] ?? page} – standin` : "standin";
  document.querySelector("#nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  if (isList) lists.set(name, hash);
  // The same table with another query stays, with the focus in it.
  if (isList && view?.isTable && shownName === name) { view.update(pairs); return; }
  view?.close?.();
  shownName = name;
  const back = lists.get(name) ?? listLink(name ?? "");
  if (isList) {
    view = { ...tableView({ name, go }), isTable: true };
  } else if (resource) view = recordView({ name, id, isNew, from: pairs.find(([key]) => key === "from")?.[1], go, back });
  else if (PAGES.some(([key]) => key === page)) view = later(page);
  else view = home(name);
  fill(main, view.element);
  main.scrollTop = 0;
  scrollTo(0, 0);
  const loaded = isList ? view.update(pairs) : view.start?.(pairs.filter(([key]) => key !== "from"));
  if (!isMove) return;
  const mine = view;
  Promise.resolve(loaded).then(() => {
    if (view !== mine) return;
    if (document.activeElement === document.body || main.contains(document.activeElement) || follows || !document.activeElement?.isConnected || document.activeElement.closest("#nav, .bar")) {
      if (!main.contains(document.activeElement) || document.activeElement === main) view.focus();
    }
  });
}

/// One of the other pages, whose script is loaded when it is first opened.
function later(page) {
  const shown = { element: h("div.view"), focus: () => shown.element.querySelector("h1")?.focus(), isDirty: () => false, refresh: () => {} };
  shown.start = async () => {
    const { default: make } = await import(`./${page}.js`);
    if (view !== shown) return;
    const made = make({ admin: known.health.admin, changed: () => { badges(); navigation(); } });
    shown.element.replaceWith(made.element);
    Object.assign(shown, made);
  };
  return shown;
}

function home(name) {
  const title = h("h1", { tabindex: "-1" }, name ? "Nothing here" : known.health.resources.length === 0 ? "No resources yet" : "Overview");
  const element = h("div.view", h("div.view-head", title));
  const { resources, file } = known.health;
  const draw = () => {
    element.replaceChildren(h("div.view-head", title));
    if (name) element.append(h("p", `The data has no resource ${line(name)}.`));
    else if (known.health.resources.length === 0) {
      element.append(h("div.empty", h("p", "Add one to ", h("code", file ?? "the data file"), " and save; it appears here automatically."), h("pre", '{\n  "users": []\n}')));
    } else {
      element.append(h("ul.cards", known.health.resources.map((one) => h("li", h("a.tile", { href: listLink(one.name) }, h("span.tile-head", icon(one.kind === "collection" ? "table" : "object"), h("strong", line(one.name, 40))),
        h("span.tile-count", one.kind === "collection" ? number(one.count) : one.kind), h("code", `/${segment(one.name)}`), one.rules ? h("span.badge.on", "rules") : null)))),
      h("p.soft", "Each action here is shown as the request it sends; press ", h("kbd", "?"), " for the keys."));
    }
  };
  draw();
  return { element, refresh: draw, focus: () => title.focus(), isDirty: () => false };
}

function navigation() {
  const { name, page } = route(location.hash);
  const failed = failures();
  const focused = place("nav").contains(document.activeElement) ? document.activeElement.getAttribute("href") : undefined;
  fill(place("resources"), h("ul", known.health.resources.map((one) => h("li", h("a", { href: listLink(one.name), "aria-current": one.name === name ? "page" : null, title: one.rules ? `${one.name}: has rules` : one.name },
    icon(one.kind === "collection" ? "table" : "object"), h("span.name", one.name), h("span.count", one.kind === "collection" ? number(one.count) : "")))))) ;
  fill(place("pages"), h("ul", PAGES.map(([key, text, name]) => h("li", h("a", { href: `#${key}`, "aria-current": page === key ? "page" : null }, icon(name), h("span.name", text), key === "requests" && failed > 0 ? h("span.count.bad", { title: "requests that failed" }, number(failed)) : null)))));
  if (focused) [...place("nav").querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus();
}

/// What is special about this server, beside its name.
function badges() {
  const { health } = known;
  fill(place("badges"), health.readOnly ? h("span.badge.warn", { title: "Writes are refused" }, "read-only") : null, health.ephemeral ? h("span.badge.warn", { title: "The file is never written" }, "ephemeral") : null);
  place("undo").hidden = !health.admin || health.readOnly;
}

/// The banner for a data file that is broken, missing, or cannot be written.
function banner({ status, reason }) {
  const where = reason && `${reason.file}${reason.line ? `:${reason.line}:${reason.column}` : ""}`;
  const what = { broken: "The data file is broken. Reads show the data from before the edit; writes are refused.", missing: "The data file is missing.", unsaved: "The data file cannot be written; writes are refused." }[reason?.kind];
  const shown = status === "degraded" ? [icon("warn"), h("div", h("p", h("strong", what ?? "Something is wrong with the data file.")), h("p", h("code", where), `  ${reason.message}`), reason.hint ? h("p.soft", reason.hint) : null)] : [];
  fill(place("banner"), shown);
  place("banner").hidden = shown.length === 0;
}

/// Follows the changes on the server. Many at once are one refresh.
function follow() {
  const live = place("live");
  const events = new EventSource(known.health.admin ? "/-/events?requests" : "/-/events");
  let changed = new Map();
  let whole = false;
  let timer;
  const soon = () => {
    timer ??= setTimeout(async () => {
      const was = changed;
      const all = whole;
      [changed, whole, timer] = [new Map(), false, undefined];
      const names = known.health.resources.map((one) => `${one.name} ${one.kind}`).join();
      if (!(await loadModel())) return;
      navigation();
      badges();
      const { name } = route(location.hash);
      const resource = resourceOf(name ?? "");
      const differs = known.health.resources.map((one) => `${one.name} ${one.kind}`).join() !== names;
      if (differs && !view?.isDirty()) { const at = shownHash; shownName = undefined; shownHash = undefined; show(); shownHash = at; return; }
      const related = resource && [...resource.references, ...resource.dependents].some((one) => was.has(one.resource));
      if (!resource || all) view?.refresh();
      else if (was.has(name)) view?.refresh(was.get(name));
      else if (related) view?.refresh(new Set());
    }, 120);
  };
  const take = (event) => {
    const data = JSON.parse(event.data);
    known.version = Math.max(known.version, data.version);
    const ids = changed.get(data.resource) ?? new Set();
    for (const { id } of data.records ?? [{ id: data.id }]) {
      ids.add(String(id));
      known.changes.set(`${data.resource} ${id ?? ""}`, data.version);
    }
    changed.set(data.resource, ids);
    soon();
  };
  for (const name of ["create", "replace", "merge", "delete", "reload"]) events.addEventListener(name, take);
  events.addEventListener("ready", (event) => {
    const data = JSON.parse(event.data);
    live.textContent = "live";
    live.className = "live";
    // What was missed while the connection was away is not told.
    if (!data.resumed && data.version !== known.version) { known.version = data.version; known.changes.clear(); whole = true; soon(); }
    if (known.health.admin) loadRequests();
  });
  events.addEventListener("status", (event) => { const data = JSON.parse(event.data); banner(data); known.health.status = data.status; if (!view?.isTable) view?.refresh?.(new Set()); });
  events.addEventListener("request", (event) => note(JSON.parse(event.data)));
  events.addEventListener("error", () => { live.textContent = "not connected"; live.className = "live off"; });
  let drawing;
  onRequest(() => { drawing ??= requestAnimationFrame(() => { drawing = undefined; navigation(); }); });
}

const KEYS = [["/", "Search"], ["n", "New record"], ["u", "Undo the last change"], ["c", "Copy the request as curl"], ["Ctrl S", "Save the record"], ["↑ ↓ ← →", "Move in the table"],
  ["Enter", "Open the record"], ["e or F2", "Edit the value"], ["f", "Filter by the value"], ["?", "This help"]];

function keys(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && view?.save) { event.preventDefault(); view.save(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog")) return;
  const press = { "/": () => document.getElementById("q")?.focus(), n: () => {
      const resource = resourceOf(route(location.hash).name ?? "");
      if (resource?.kind === "collection" && canWrite()) location.hash = `#new/${segment(resource.name)}`;
    },
    u: () => { if (!place("undo").hidden) undo(); }, "?": help, c: () => { if (current()) copy(curl(current()), "the command"); } }[event.key];
  if (!press) return;
  event.preventDefault();
  press();
}

function help() {
  const shown = dialog("Keys", h("dl.keys", KEYS.map(([key, what]) => [h("dt", h("kbd", key)), h("dd", what)])), [button("Close", { click: () => shown.close() })]);
}

const openPanel = (open, focus = true) => {
  document.body.classList.toggle("with-panel", open);
  place("panel").hidden = !open;
  place("request-bar").querySelector("button")?.setAttribute("aria-expanded", String(open));
  localStorage.setItem("standin-panel", open ? "open" : "closed");
  if (focus) (open ? place("panel") : place("request-bar")).querySelector("button")?.focus();
};

/// What has the focus keeps it or hands it on: when it goes away, the heading of what is shown gets it.
function keepFocus() {
  let last;
  document.addEventListener("focusin", (event) => { last = event.target; });
  new MutationObserver(() => {
    if (!last || last.isConnected || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
    last = undefined;
    (main.querySelector("h1") ?? main).focus();
  }).observe(document.body, { childList: true, subtree: true });
}

function theme() {
  const root = document.documentElement;
  const set = (value) => { if (value) root.dataset.theme = value; else delete root.dataset.theme; };
  set(localStorage.getItem("standin-theme"));
  place("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    localStorage.setItem("standin-theme", next);
    set(next);
  });
}

fill(place("theme"), icon("sun"));
fill(place("help"), icon("help"));
fill(place("undo"), icon("undo"), h("span", "Undo"));
theme();
if (await loadModel()) {
  place("file").textContent = known.health.file ?? "in memory";
  badges();
  banner(known.health);
  place("undo").addEventListener("click", () => undo());
  place("help").addEventListener("click", help);
  document.addEventListener("keydown", keys);
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
  panel(place("panel"), place("request-bar"), openPanel);
  openPanel((localStorage.getItem("standin-panel") ?? "open") === "open" && matchMedia("(min-width: 1200px)").matches, false);
  addEventListener("hashchange", arrive);
  addEventListener("popstate", arrive);
  addEventListener("beforeunload", (event) => { if (view?.isDirty()) event.preventDefault(); });
  keepFocus();
  show();
  follow();
} else {
  fill(main, h("div.problem", { role: "alert" }, h("p", "The server does not respond.")));
  say("The server does not respond");
}

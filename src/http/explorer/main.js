// The page: routes by the URL's hash, and follows the server's events.
import { askToDiscard, button, copy, dialog, fill, h, heading, icon, number, renew, say } from "./dom.js";
import { call, newAction, pathOf, session } from "./api.js";
import { curl } from "./code.js";
import { line } from "./json.js";
import { auth, canWrite, known, listLink, loadModel, resourceOf } from "./model.js";
import { current, panel } from "./panel.js";
import { loginFields } from "./login.js";
import { tableView } from "./table.js";
import { failures, loadRequests, note, onRequest } from "./log.js";
import { undo } from "./change.js";

const place = (id) => document.getElementById(id);
const main = place("main");
/// The current view: an element, and its methods.
let view;
let shownHash;
let shownName;
const lists = new Map();
const PAGES = { requests: "Requests", history: "History", rules: "Rules", server: "Server" };

/// Parses the hash of the URL.
function route(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const pairs = [...new URLSearchParams(query)];
  let parts;
  try { parts = path.split("/").map(decodeURIComponent); } catch { parts = [""]; }
  if (parts[0] === "new") return { name: parts[1] ?? "", isNew: true, pairs };
  return { page: parts[0], name: parts[0] ? "" : parts[1] ?? "", id: parts[2], pairs };
}
const here = () => route(location.hash);

let following = false;

/// Changes the hash. `replace`: without a step in the browser's history; `follow`: as a part of the current action.
function go(hash, { replace = false, follow = false } = {}) {
  following = follow;
  const isDirty = view.isDirty();
  if (replace && !isDirty) history.replaceState(null, "", hash);
  if (hash !== location.hash) location.hash = hash;
  else if (!isDirty) show();
}

/// Where to go when the save in progress is done.
let wanted;

/// Follows the hash, after a confirmation if there are unsaved changes.
async function onNavigation() {
  if (location.hash === shownHash) return;
  if (!view?.isDirty()) { show(); return; }
  const isWaiting = wanted !== undefined;
  wanted = location.hash;
  history.pushState(null, "", shownHash || "#/");
  if (isWaiting) return;
  await view.saved?.();
  const leaves = !view.isDirty() || (!document.querySelector("dialog[open]") && (await askToDiscard()));
  const to = wanted;
  wanted = undefined;
  if (!leaves) return;
  // Do not reuse the table.
  view.isDirty = () => false;
  shownName = undefined;
  location.hash = to;
}

function show() {
  const before = shownHash;
  const { name, id, isNew, page, pairs } = here();
  const follows = following;
  if (!follows) newAction();
  following = false;
  shownHash = location.hash;
  const resource = resourceOf(name);
  const isList = resource?.kind === "collection" && id === undefined && !isNew;
  navigation();
  document.title = [name ? `${name}${id === undefined ? "" : `/${id}`}` : PAGES[page], "standin"].filter(Boolean).join(" – ");
  document.querySelector("#nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  if (isList) lists.set(name, shownHash);
  // The same table with another query is updated in place, and keeps the focus.
  if (isList && view?.isTable && shownName === name) { view.update(pairs); return; }
  view?.close?.();
  shownName = name;
  const mine = withDefaults(isList ? { ...tableView({ name, go }), isTable: true } : resource ? lazyPage(import("./record.js"), { name, id, isNew, go, back: lists.get(name) ?? listLink(name) })
    : Object.hasOwn(PAGES, page) ? lazyPage(import(`./${page}.js`), { admin: known.health.admin, changed: () => { badges(); navigation(); } }) : home(name));
  view = mine;
  fill(main, view.element);
  main.scrollTop = 0;
  scrollTo(0, 0);
  const loaded = isList ? view.update(pairs) : view.start(pairs);
  if (before === undefined) return;
  Promise.resolve(loaded).then(() => {
    const active = document.activeElement;
    if (view === mine && (follows || active === document.body || active === main || active.closest("#nav, .bar")) && (active === main || !main.contains(active))) view.focus();
  });
}

/// Adds the default methods of a view.
const withDefaults = (made) => ({ start: () => {}, focus: () => made.element.querySelector("h1")?.focus(), isDirty: () => false, refresh: () => {}, ...made });

/// A view whose script is loaded when it is first opened.
function lazyPage(script, about) {
  const shown = { element: h("div.view"), start: async (pairs) => {
    let make;
    try { make = (await script).default; } catch { fill(shown.element, heading("No response"), noServer()); return; }
    if (shown.element !== main.firstElementChild) return;
    const made = withDefaults(make(about));
    shown.element.replaceWith(made.element);
    await Object.assign(view, made).start(pairs);
  } };
  return shown;
}
const noServer = () => h("div.problem", { role: "alert" }, h("p", "The server does not respond."));

function home(name) {
  const element = h("div.view");
  const tile = ({ name, kind, count, rules }) => h("li", h("a.tile", { href: listLink(name), key: name }, h("span.row", icon(kind === "collection" ? "table" : "object"), h("strong", line(name, 40))),
    h("span.tile-count", kind === "collection" ? number(count) : kind), h("code", pathOf(name)), rules && h("span.badge.on", "rules")));
  const refresh = () => {
    const { resources, file } = known.health;
    const isEmpty = resources.length === 0;
    fill(element, h("div.view-head", heading(name ? "Nothing here" : isEmpty ? "No resources yet" : "Overview")), name ? h("p", `The data has no resource ${line(name)}.`)
      : isEmpty ? h("div.empty", h("p", "Add one to ", h("code", file ?? "the data file"), " and save; it appears here automatically."), h("pre", '{\n  "users": []\n}')) : h("ul.cards", resources.map(tile)));
  };
  refresh();
  return { element, refresh };
}

function navigation() {
  const { name, page } = here();
  const failed = failures();
  const item = (href, isCurrent, shown, text, count, title) => h("li", h("a", { href, key: href, "aria-current": isCurrent && "page", title }, icon(shown), h("span.name", text), count));
  renew(document.querySelector("#resources > ul"), known.health.resources.map((one) => {
    const isList = one.kind === "collection";
    return item(listLink(one.name), one.name === name, isList ? "table" : "object", one.name, isList && h("span.count", number(one.count)), one.rules ? `${one.name}: has rules` : one.name);
  }));
  renew(document.querySelector("#pages > ul"), Object.entries(PAGES).map(([key, text]) => item(`#${key}`, page === key, key, text, key === "requests" && failed > 0 && h("span.count.bad", { title: "requests that failed" }, number(failed)))));
}

function badges() {
  const { health } = known;
  const user = Object.values(session.get()).map((one) => one.name).join(", ");
  const warning = (text, title) => h("span.badge.warn", { title }, text);
  fill(place("badges"), health.readOnly && warning("read-only", "Writes are refused"), health.ephemeral && warning("ephemeral", "The file is never written"));
  fill(place("user"), user ? [h("span.badge", { title: `Signed in as ${user}` }, user), button("Sign out", { kind: "quiet", click: signOut })] : auth() && button("Sign in", { kind: "quiet", click: signIn }));
  place("undo").hidden = !health.admin || health.readOnly;
}

function signIn() {
  const shown = dialog("Sign in", loginFields("Login"), [h("span.soft", "until you sign out or close the tab")]);
  document.addEventListener("session", () => shown.close(), { once: true });
}

async function signOut() {
  if (session.get().Authorization?.expires) await call("POST", "/logout", { quiet: true });
  session.set();
  say("Signed out");
}

const kept = (what) => `The ${what} cannot be used; what was in effect before stays.`;
const TROUBLES = { broken: "The data file is broken. Reads show the data from before the edit; writes are refused.", missing: "The data file is missing.", unsaved: "The data file cannot be written; writes are refused.",
  rules: kept("rules file"), routes: kept("routes file"), profile: kept("profile") };

/// The banner for a broken file. When the file is fixed, the errors that it caused are removed.
function banner({ status, reason }) {
  const isBad = status === "degraded";
  const where = isBad && `${reason.file}${reason.line ? `:${reason.line}:${reason.column}` : ""}`;
  fill(place("banner"), isBad && [icon("warn"), h("div", h("p", h("strong", TROUBLES[reason.kind] ?? "Something is wrong with a file.")), h("p", h("code", where), `  ${reason.message}`), reason.hint && h("p.soft", reason.hint))]);
  place("banner").hidden = !isBad;
  if (isBad) return;
  for (const one of document.querySelectorAll(".until-fixed")) if (one.matches(".problem")) one.remove(); else one.replaceChildren();
}

/// Changes that are not shown yet: ids by resource. Many changes are debounced to one refresh.
let changed = new Map();
/// Whether anything else may have changed, too.
let allChanged = false;
let timer;
function refreshSoon() {
  timer ??= setTimeout(async () => {
    const was = changed;
    const all = allChanged;
    const { name } = here();
    const before = resourceOf(name)?.kind;
    [changed, allChanged, timer] = [new Map(), false, undefined];
    if (!(await loadModel())) return;
    navigation();
    badges();
    const resource = resourceOf(name);
    if (resource?.kind !== before && !view.isDirty()) { shownName = undefined; show(); return; }
    if (!resource || all) view.refresh();
    else if (was.has(name)) view.refresh(was.get(name));
    else if ([...resource.references, ...resource.dependents].some((one) => was.has(one.resource))) view.refresh(new Set());
  }, 120);
}

let wasConnected = false;
const refreshAll = () => { allChanged = true; refreshSoon(); };

const setLive = (yes) => {
  place("live").textContent = yes ? "live" : "not connected";
  place("live").classList.toggle("off", !yes);
};

const EVENTS = {
  ready: ({ version, resumed }) => {
    setLive(true);
    // Changes may have been missed; a restarted server counts versions from the beginning.
    if (!resumed && (wasConnected || version !== known.version)) { known.version = version; known.changes.clear(); refreshAll(); }
    wasConnected = true;
    if (known.health.admin) loadRequests();
  },
  status: (data) => { banner(data); known.health.status = data.status; if (!view.isTable) view.refresh(new Set()); },
  rules: refreshAll,
  request: note,
};

/// Handles a change of records.
function onRecordChange({ version, resource, id, records = [{ id }] }) {
  known.version = Math.max(known.version, version);
  const ids = changed.get(resource) ?? new Set();
  for (const { id } of records) {
    ids.add(String(id));
    known.changes.set(`${resource} ${id ?? ""}`, version);
  }
  changed.set(resource, ids);
  refreshSoon();
}

/// Follows the event stream of the server. `EventSource` cannot send credentials in headers.
async function follow() {
  let last;
  let path = known.health.admin ? "/-/events?requests" : "/-/events";
  for (;;) {
    const stop = new AbortController();
    document.addEventListener("session", () => stop.abort(), { once: true });
    try {
      const headers = [...session.headers(), ...(last ? [["Last-Event-ID", last]] : [])];
      const response = await fetch(path, { headers, cache: "no-store", signal: stop.signal });
      // The request log is for this machine only.
      if (response.status === 403) path = "/-/events";
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const blocks = (text + part.value).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          const { id, event, data } = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/)));
          last = id ?? last;
          if (data) (EVENTS[event] ?? onRecordChange)(JSON.parse(data));
        }
      }
    } catch { /* asked again below */ }
    if (stop.signal.aborted) continue;
    setLive(false);
    await new Promise((done) => setTimeout(done, 1000));
  }
}

const KEYS = [["/", "Search"], ["n", "New record"], ["u", "Undo the last change"], ["c", "Copy the request as curl"], ["Ctrl S", "Save the record"], ["↑ ↓ ← →", "Move in the table"],
  ["Enter", "Open the record"], ["e or F2", "Edit the value"], ["f", "Filter by the value"], ["?", "This help"]];

function keys(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && view?.save) { event.preventDefault(); view.save(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog")) return;
  const { name } = here();
  const press = { "/": () => place("q")?.focus(), n: () => { if (resourceOf(name)?.kind === "collection" && canWrite()) location.hash = `#new${pathOf(name)}`; },
    u: () => { if (!place("undo").hidden) undo(); }, "?": help, c: () => { if (current()) copy(curl(current()), "the command"); } }[event.key];
  if (!press) return;
  event.preventDefault();
  press();
}

const help = () => dialog("Keys", h("dl.keys", KEYS.map(([key, what]) => [h("dt", h("kbd", key)), h("dd", what)])));

const openPanel = (open, focus = true) => {
  document.body.classList.toggle("with-panel", open);
  place("panel").hidden = !open;
  place("request-bar").querySelector("button")?.setAttribute("aria-expanded", String(open));
  localStorage.setItem("standin-panel", open ? "open" : "closed");
  if (focus) (open ? place("panel") : place("request-bar")).querySelector("button")?.focus();
};

/// When the focused element is removed, the heading gets the focus.
function keepFocus() {
  let last;
  document.addEventListener("focusin", (event) => { last = event.target; });
  new MutationObserver(() => {
    if (!last || last.isConnected || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
    last = undefined;
    (main.querySelector("h1") ?? main).focus();
  }).observe(document.body, { childList: true, subtree: true });
}

const { dataset } = document.documentElement;
dataset.theme = localStorage.getItem("standin-theme") ?? "";
function switchTheme() {
  const isDark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("standin-theme", dataset.theme);
}

place("reference").before(button("Undo", { id: "undo", icon: "undo", kind: "quiet", label: "Undo", title: "Undo the last change", hidden: true, click: () => undo() }));
place("reference").after(button("Switch the theme", { id: "theme", icon: "theme", only: true, kind: "quiet", click: switchTheme }), button("Keyboard shortcuts", { id: "help", icon: "help", only: true, kind: "quiet", click: help }));
if (await loadModel()) {
  place("file").textContent = known.health.file ?? "in memory";
  badges();
  banner(known.health);
  document.addEventListener("keydown", keys);
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
  panel(place("panel"), place("request-bar"), openPanel);
  openPanel((localStorage.getItem("standin-panel") ?? "open") === "open" && matchMedia("(min-width: 1200px)").matches, false);
  for (const event of ["hashchange", "popstate"]) addEventListener(event, onNavigation);
  addEventListener("beforeunload", (event) => { if (view?.isDirty()) event.preventDefault(); });
  document.addEventListener("session", () => { badges(); refreshAll(); });
  onRequest(navigation);
  keepFocus();
  show();
  follow();
} else {
  fill(main, noServer());
}

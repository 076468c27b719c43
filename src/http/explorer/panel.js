// What was sent and what came: by this page, and by all clients.
import { call, copy, curl, cut, el, example, onRequest, print } from "./lib.js";

const MOST = 30;
const done = [];
let shown;
let log;

const status = (code) => el("span", { class: `status s${String(code)[0]}` }, String(code || "no response"));
const milliseconds = (time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;

/// Puts the panel into `place`; `admin`: the server tells what other clients send.
export function panel(place, admin) {
  const view = el("div", {}, el("p", { class: "soft" }, "Each action is shown as the request it sends."));
  const older = el("ul", { class: "chips" });
  const past = el("details", { class: "gap", hidden: true }, el("summary", {}, "Earlier"), older);
  const show = (entry) => { shown = entry; view.replaceChildren(details(entry)); };
  onRequest((entry) => {
    done.unshift(entry);
    done.splice(MOST);
    show(entry);
    past.hidden = done.length < 2;
    older.replaceChildren(...done.slice(1).map((entry) => el("li", {},
      el("button", { type: "button", class: "quiet small", click: () => show(entry) }, `${entry.method} ${cut(entry.path, 60)} `, status(entry.status)))));
  });
  place.replaceChildren(el("h2", {}, "Request"), view, past);
  if (admin) place.append(clients());
}

/// The request that is shown.
export const current = () => shown;

function details(entry) {
  const copies = [
    el("button", { type: "button", class: "small", click: () => copy(curl(entry), "the command") }, "Copy as curl"),
    el("button", { type: "button", class: "small", click: () => copy(example(entry), "the example") }, "Copy as documentation example"),
  ];
  const hint = entry.header?.("x-hint");
  return el("div", {},
    el("pre", { "data-test": "curl", tabindex: "0", "aria-label": "The request as a curl command" }, cut(curl(entry), 4000)),
    el("div", { class: "row" }, copies),
    el("p", { class: "gap" }, status(entry.status), ` ${entry.statusText} · ${milliseconds(entry.time)}`),
    hint ? el("p", { class: "hint" }, hint) : null,
    el("details", {}, el("summary", {}, `Headers (${entry.headers.length})`),
      el("dl", {}, entry.headers.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]))),
    entry.text ? el("pre", { tabindex: "0", "aria-label": "Response" }, cut(entry.text, 8000)) : el("p", { class: "soft" }, "No body."));
}

/// The requests of all clients, asked for while somebody looks.
function clients() {
  const rows = el("div", {});
  const own = el("input", { type: "checkbox", change: () => { last = 0; rows.replaceChildren(); ask(); } });
  let last = 0;
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    if (!log.open) return;
    if (!document.hidden) {
      const { ok, json } = await call("GET", `/-/requests?after=${last}`, { quiet: true });
      const seen = ok && Array.isArray(json) ? json : [];
      last = seen.at(-1)?.number ?? last;
      rows.prepend(...seen.filter((one) => own.checked || !isOwn(one)).reverse().map(request));
      while (rows.childElementCount > 100) rows.lastElementChild.remove();
      if (!rows.hasChildNodes()) rows.append(el("p", { class: "soft" }, "Nothing yet: send something from your frontend, or with curl."));
      else if (rows.childElementCount > 1) rows.querySelector(":scope > p")?.remove();
    }
    timer = setTimeout(ask, 1000);
  };
  log = el("details", { class: "gap", toggle: ask, "data-test": "log" },
    el("summary", {}, el("h2", {}, "Recent requests")),
    el("label", { class: "row" }, own, "Include this page's requests"), rows);
  return log;
}

const isOwn = (one) => one.headers.referer === `${location.origin}/` || one.headers.referer === `${location.origin}/-/`;

function request(one) {
  const problem = one.problem;
  const told = problem ? [problem.detail, ...(problem.errors ?? []).map((error) => `${error.pointer} ${error.detail}`)] : [];
  const hint = problem?.hint ?? one.hint;
  const body = one.body ?? (one.bodySize ? `${one.bodySize} bytes` : "");
  return el("div", { class: "entry" },
    el("p", {}, status(one.status), ` ${one.method} ${one.target} `,
      el("span", { class: "soft small" }, `${milliseconds(one.milliseconds)} · ${new Date(one.at).toLocaleTimeString()}`)),
    told.map((text) => el("p", { class: "wrong" }, text)),
    hint ? el("p", { class: "hint" }, hint) : null,
    el("details", {}, el("summary", { class: "small" }, "Headers and body"),
      el("pre", {}, print(one.headers)), body ? el("pre", {}, body) : null));
}

// The requests of all clients, newest first, as they come.
import { button, fill, h, number } from "./dom.js";
import { coloured, cut } from "./json.js";
import { compose, copyMenu, milliseconds, status, verb } from "./panel.js";
import { FORMATS } from "./code.js";
import { isOwn, onRequest, seen } from "./log.js";

const NOT_SENT = new Set(["host", "connection", "content-length", "user-agent", "accept-encoding", "accept-language", "accept", "origin", "referer", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-dest", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "cache-control", "pragma", "priority"]);

const asRequest = (one) => ({ method: one.method, path: one.target, body: one.body, sent: Object.entries(one.headers).filter(([name]) => !NOT_SENT.has(name.toLowerCase())),
  status: one.status, ok: one.status < 400, text: one.problem ? JSON.stringify(one.problem, null, 2) : "", json: one.problem, headers: [] });

export default function ({ admin }) {
  const rows = h("ol.requests", { "data-test": "log" });
  const own = h("input", { type: "checkbox", change: draw });
  let wanted = "";
  const filters = [["", "All"], ["2", "2xx"], ["3", "3xx"], ["4", "4xx"], ["5", "5xx"]].map(([key, text]) => h("button", { type: "button", "aria-pressed": String(key === ""), "data-status": key, click: () => {
    wanted = key;
    filters.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.status === key)));
    draw();
  } }, h("span", text), h("span.soft")));
  const text = h("input", { type: "search", placeholder: "Filter by method or path", "aria-label": "Filter by method or path", input: draw });
  const title = h("h1", { tabindex: "-1" }, "Requests");
  const element = h("div.view", h("div.view-head", title, h("span.grow"), button("Send a request", { icon: "send", click: () => compose({ method: "GET", path: "/", sent: [] }) })),
    admin ? [h("div.toolbar", h("div.group", { role: "group", "aria-label": "Status" }, filters), text, h("label.check-label", own, "Include this page’s requests")), rows]
      : h("p.hint", "The list of requests is for this machine only, and off with --no-admin."));

  const visible = (one) => (own.checked || !isOwn(one));
  const matches = (one) => visible(one) && String(one.status).startsWith(wanted) && `${one.method} ${one.target}`.toLowerCase().includes(text.value.toLowerCase());
  const open = new Set();

  function row(one) {
    const problem = one.problem;
    const hint = problem?.hint ?? one.hint;
    const errors = (problem?.errors ?? []).map((error) => `${error.pointer} ${error.detail}`);
    const more = h("div.more");
    const detail = h("details", { open: open.has(one.number), toggle: () => {
      if (!detail.open) { open.delete(one.number); return; }
      open.add(one.number);
      const request = asRequest(one);
      const masked = request.sent.some(([, value]) => value === "***");
      fill(more, h("div.row", copyMenu(request, FORMATS), button("Edit and send", { icon: "send", kind: "small", click: () => compose(request) })),
        masked ? h("p.hint", "Secret values are shown as ***; put them in before you send it.") : null,
        one.body ? [h("h2", "Body"), h("pre", { tabindex: "0", role: "region", "aria-label": "Body" }, coloured(one.body, 8000))] : one.bodySize ? h("p.soft", `The body of ${number(one.bodySize)} bytes is not kept.`) : null,
        problem ? [h("h2", "Problem"), h("pre", { tabindex: "0", role: "region", "aria-label": "Problem" }, coloured(JSON.stringify(problem, null, 2), 8000))] : null,
        h("h2", "Headers"), h("dl.headers", Object.entries(one.headers).map(([name, value]) => [h("dt", name), h("dd", value)])));
    } }, h("summary", verb(one.method), h("span.path", cut(one.target, 300)), status(one.status), h("span.soft.time", milliseconds(one.milliseconds)), h("time.soft", new Date(one.at).toLocaleTimeString())), more);
    return h("li", { "data-number": String(one.number) }, detail, problem ? h("p.told", problem.detail) : null, errors.length > 1 || (errors.length === 1 && !problem.detail.includes(problem.errors[0].detail)) ? errors.map((error) => h("p.told", error)) : null, hint ? h("p.hint", hint) : null);
  }

  function draw() {
    const all = seen.filter(visible);
    filters.forEach((one) => { one.lastElementChild.textContent = number(all.filter((request) => String(request.status).startsWith(one.dataset.status)).length); });
    const focus = rows.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.number : undefined;
    const shown = seen.filter(matches);
    // Rows that are there stay, with the reader's place in them.
    const there = new Map([...rows.children].map((one) => [one.dataset.number, one]));
    fill(rows, shown.length === 0 ? h("li.empty", all.length === 0 ? "Nothing yet: send something from your frontend, or with curl." : "No request like that.") : shown.map((one) => there.get(String(one.number)) ?? row(one)));
    if (focus !== undefined) [...rows.children].find((one) => one.dataset.number === focus)?.querySelector("summary")?.focus();
  }
  draw();
  const stop = onRequest(draw);
  return { element, refresh: () => {}, focus: () => title.focus(), isDirty: () => false, close: stop };
}

// The requests of all clients, newest first, as they come.
import { button, fill, h, number } from "./dom.js";
import { cut, print } from "./json.js";
import { actions, bodyOf, compose, headers, milliseconds, status, verb } from "./panel.js";
import { isOwn, onRequest, seen } from "./log.js";

/// The headers that a client sends by itself.
const NOT_SENT = /^(host|connection|content-length|user-agent|accept(-.*)?|origin|referer|sec-.*|cache-control|pragma|priority)$/i;

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
  const element = h("div.view", h("div.view-head", h("h1", { tabindex: "-1" }, "Requests"), h("span.grow"), button("Send a request", { icon: "send", click: () => compose() })),
    admin ? [h("div.toolbar", h("div.group", { role: "group", "aria-label": "Status" }, filters), text, h("label.check-label", own, "Include this page’s requests")), rows]
      : h("p.hint", "The list of requests is for this machine only, and off with --no-admin."));

  const visible = (one) => own.checked || !isOwn(one);
  const matches = (one) => visible(one) && String(one.status).startsWith(wanted) && `${one.method} ${one.target}`.toLowerCase().includes(text.value.toLowerCase());

  function row({ number: key, method, target: path, body, bodySize, headers: all, status: code, problem, hint = problem?.hint, milliseconds: time, at }) {
    const errors = (problem?.errors ?? []).map((error) => `${error.pointer} ${error.detail}`);
    const more = h("div.more");
    const show = () => {
      const sent = Object.entries(all).filter(([name]) => !NOT_SENT.test(name));
      const json = problem && print(problem);
      fill(more, actions({ method, path, body, sent, status: code, ok: code < 400, text: json ?? "", json: problem, headers: [] }),
        sent.some(([, value]) => value === "***") ? h("p.hint", "Secret values are shown as ***; put them in before you send it.") : null,
        body ? [h("h2", "Body"), bodyOf(body, "Body", true)] : bodySize ? h("p.soft", `The body of ${number(bodySize)} bytes is not kept.`) : null,
        problem ? [h("h2", "Problem"), bodyOf(json, "Problem", true)] : null, h("h2", "Headers"), headers(Object.entries(all)));
    };
    return h("li", { "data-number": String(key) }, h("details", { toggle: show }, h("summary", { "data-key": String(key) }, verb(method), h("span.path", cut(path, 300)), status(code), h("span.soft.time", milliseconds(time)), h("time.soft", new Date(at).toLocaleTimeString())), more),
      problem ? h("p.told", problem.detail) : null, errors.length > 1 || (errors.length === 1 && !problem.detail.includes(problem.errors[0].detail)) ? errors.map((error) => h("p.told", error)) : null, hint ? h("p.hint", hint) : null);
  }

  function draw() {
    const all = seen.filter(visible);
    filters.forEach((one) => { one.lastElementChild.textContent = number(all.filter((request) => String(request.status).startsWith(one.dataset.status)).length); });
    // Rows that are there stay, with the reader's place in them.
    const there = new Map([...rows.children].map((one) => [one.dataset.number, one]));
    const shown = seen.filter(matches);
    fill(rows, shown.length === 0 ? h("li.empty", all.length === 0 ? "Nothing yet: send something from your frontend, or with curl." : "No request like that.") : shown.map((one) => there.get(String(one.number)) ?? row(one)));
  }
  draw();
  return { element, close: onRequest(draw) };
}

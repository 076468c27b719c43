// The live list of all clients' requests, newest first.
import { button, fill, grow, h, heading, number } from "./dom.js";
import { cut, line, print } from "./json.js";
import { actions, bodyOf, compose, headers, milliseconds, status, verb } from "./panel.js";
import { isOwn, onRequest, seen } from "./log.js";

/// Headers that clients add themselves.
const NOT_SENT = /^(host|standin-profile|connection|content-length|user-agent|accept(-.*)?|origin|referer|sec-.*|cache-control|pragma|priority)$/i;

export default function ({ admin }) {
  const rows = h("ol.requests", { "data-test": "log" });
  const own = h("input", { type: "checkbox", change: draw });
  let wanted = "";
  const filters = ["", "2", "3", "4", "5"].map((key) => h("button", { "data-status": key, click: () => { wanted = key; draw(); } }, h("span", key ? `${key}xx` : "All"), h("span.soft")));
  const text = h("input", { type: "search", placeholder: "Filter by method or path", label: "Filter by method or path", input: draw });
  const element = h("div.view", h("div.view-head", heading("Requests"), grow(), button("Send a request", { icon: "send", click: () => compose() })),
    admin ? [h("div.toolbar.row", h("div.group", { role: "group", label: "Status" }, filters), text, h("label", own, "Include this page’s requests")), rows]
      : h("p.hint", "The list of requests is for this machine only, and off with --no-admin."));

  function row({ number: key, method, target: path, body, bodySize, headers: sentHeaders, status: code, problem, hint = problem?.hint, milliseconds: time, at }) {
    // A problem in the shape of a profile may have other members.
    const { detail = "", errors: all = [] } = problem ?? {};
    const errors = Array.isArray(all) ? all.filter((error) => error?.pointer) : [];
    const more = h("div.more");
    const show = () => {
      const sent = Object.entries(sentHeaders).filter(([name]) => !NOT_SENT.test(name));
      const json = problem && print(problem);
      fill(more, actions({ method, path, body, sent, status: code, ok: code < 400, text: json ?? "", json: problem, headers: [] }),
        sent.some(([, value]) => value === "***") && h("p.hint", "Secret values are shown as ***; put them in before you send it."),
        body ? [h("h2", "Body"), bodyOf(body, "Body", true)] : bodySize > 0 && h("p.soft", `The body of ${number(bodySize)} bytes is not kept.`),
        problem && [h("h2", "Problem"), bodyOf(json, "Problem", true)], h("h2", "Headers"), headers(Object.entries(sentHeaders)));
    };
    return h("li", { "data-number": key }, h("details", { toggle: show }, h("summary", { key }, verb(method), h("span.path", cut(path, 300)), status(code), h("span.soft.time", milliseconds(time)), h("time.soft", new Date(at).toLocaleTimeString())), more),
      detail !== "" && h("p.cause", line(detail, 400)), (errors.length > 1 || !line(detail, 400).includes(errors[0]?.detail)) && errors.map((error) => h("p.cause", `${error.pointer} ${error.detail}`)), hint && h("p.hint", line(hint, 400)));
  }

  function draw() {
    const all = seen.filter((one) => own.checked || !isOwn(one));
    const has = (one, status) => String(one.status).startsWith(status);
    filters.forEach((one) => {
      one.lastElementChild.textContent = number(all.filter((request) => has(request, one.dataset.status)).length);
      one.ariaPressed = String(one.dataset.status === wanted);
    });
    // Existing rows are kept, with their scroll position and expanded details.
    const there = new Map([...rows.children].map((one) => [one.dataset.number, one]));
    const shown = all.filter((one) => has(one, wanted) && `${one.method} ${one.target}`.toLowerCase().includes(text.value.toLowerCase()));
    fill(rows, shown.length > 0 ? shown.map((one) => there.get(String(one.number)) ?? row(one)) : h("li.empty", all.length === 0 ? "Nothing yet: send something from your frontend, or with curl." : "No request like that."));
  }
  draw();
  return { element, close: onRequest(draw) };
}

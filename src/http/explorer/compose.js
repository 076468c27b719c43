// The dialog in which a request is edited and sent.
import { button, dialog, fill, h, say } from "./dom.js";
import { call, newAction, session } from "./api.js";
import { cut, print } from "./json.js";
import { bodyOf, METHODS, short } from "./panel.js";

export default function (request = { method: "GET", path: "/", sent: session.headers() }) {
  const method = h("select", { label: "Method" }, [...new Set([...METHODS, request.method])].map((one) => h("option", one)));
  method.value = request.method;
  const path = h("input", { value: request.path, spellcheck: "false", autocomplete: "off", label: "Path and query" });
  const area = (id, rows, value) => h("textarea", { id, rows, spellcheck: "false", value });
  const lines = area("send-headers", "3", request.sent.map(([name, value]) => `${name}: ${value}`).join("\n"));
  const body = area("send-body", "8", pretty(request.body));
  const result = h("div", { role: "status", label: "Result" });
  const text = () => [method, path, lines, body].map((one) => one.value).join("\n");
  let sent = text();
  const send = button("Send", { icon: "send", kind: "primary", click: async () => {
    const target = path.value.trim();
    if (!/^\/(?!\/)/.test(target)) { fill(result, h("p.wrong", "The path begins with one slash and leads to this server.")); path.focus(); return; }
    const headers = [...lines.value.matchAll(/^([^:\n]+):(.*)$/gm)].map(([, name, value]) => [name.trim(), value.trim()]);
    const has = body.value !== "" && !["GET", "HEAD"].includes(method.value);
    newAction();
    sent = text();
    const entry = await call(method.value, target, { headers, body: has ? body.value : undefined });
    fill(result, h("p.request-line", short(entry)), entry.hint && h("p.hint", entry.hint), bodyOf(entry.text || "No body", "The response", entry.json !== undefined));
    say(`${entry.method} ${cut(entry.path, 60)}: ${entry.status || "no response"}`);
  } });
  dialog("Send a request", [h("div.send-line", method, path), h("label", { for: "send-headers" }, "Headers, one a line"), lines, h("label", { for: "send-body" }, "Body"), body, result], [send], () => text() !== sent);
  path.focus();
}

function pretty(text) {
  if (text === undefined) return "";
  try { return print(JSON.parse(text)); } catch { return text; }
}

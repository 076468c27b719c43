// The API reference: what /-/openapi.json says, to be read.
import { copy, curl, el, line, print, resolve } from "./lib.js";

const main = document.getElementById("main");
const VERBS = ["get", "post", "put", "patch", "delete"];

function typeOf(schema) {
  const whole = resolve(api, schema);
  if (whole.enum) return whole.enum.map((option) => JSON.stringify(option)).join(" | ");
  const types = [whole.type ?? "anything"].flat().map((type) => (type === "array" && whole.items ? `array of ${typeOf(whole.items)}` : type));
  return types.join(" or ") + (whole.format ? ` (${whole.format})` : "");
}

const limits = (schema) => ["minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"]
  .filter((keyword) => schema[keyword] !== undefined && Math.abs(schema[keyword]) !== 2 ** 63 && schema[keyword] < 2 ** 63 || keyword === "pattern" && schema.pattern)
  .map((keyword) => `${keyword} ${schema[keyword]}`).join(", ");

function rows(names, heads) {
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, names.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell)))))));
}

function properties(schema) {
  const whole = resolve(api, schema);
  const all = Object.entries(whole.properties ?? {}).slice(0, 200);
  if (all.length === 0) return el("p", { class: "soft" }, whole.description ?? typeOf(whole));
  return [whole.description ? el("p", { class: "soft small" }, whole.description) : null,
    rows(all.map(([name, property]) => {
      const inner = resolve(api, property);
      return [el("code", {}, line(name, 80)), typeOf(inner), (whole.required ?? []).includes(name) ? "required" : "",
        [inner.description, limits(inner)].filter(Boolean).join(" · ")];
    }), ["Property", "Type", "", ""])];
}

function operation(path, verb, item) {
  const told = item[verb];
  const parameters = [...(item.parameters ?? []), ...(told.parameters ?? [])];
  const body = told.requestBody?.content?.["application/json"];
  const id = (item.parameters ?? []).find((parameter) => parameter.name === "id")?.example ?? 1;
  const request = { method: verb.toUpperCase(), path: path.replace("{id}", encodeURIComponent(id)), body: body?.example === undefined ? body && "{}" : JSON.stringify(body.example) };
  const good = Object.entries(told.responses).find(([status]) => status.startsWith("2"));
  const answer = good?.[1].content?.["application/json"]?.example;
  return el("details", { class: "operation" },
    el("summary", {}, el("span", { class: "method" }, verb.toUpperCase()), el("code", {}, path), ` ${told.summary ?? ""}`),
    el("pre", { tabindex: "0" }, curl(request)),
    el("button", { type: "button", class: "small", click: () => copy(curl(request), "the command") }, "Copy as curl"),
    parameters.length > 0 ? el("details", { class: "gap" }, el("summary", {}, `Parameters (${parameters.length})`),
      rows(parameters.map((one) => [el("code", {}, line(one.name, 80)), one.description ?? "", typeOf(one.schema ?? {})]), ["Name", "", "Type"])) : null,
    body ? el("details", { class: "gap" }, el("summary", {}, "Body"), properties(body.schema)) : null,
    el("details", { class: "gap" }, el("summary", {}, "Answers"),
      rows(Object.entries(told.responses).map(([status, response]) => [el("span", { class: `status s${status[0]}` }, status), response.description]), ["Status", ""]),
      answer === undefined ? null : el("pre", { tabindex: "0" }, print(answer))));
}

let api;
try {
  api = await (await fetch("/-/openapi.json")).json();
  const groups = new Map((api.tags ?? []).map((tag) => [tag.name, []]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const verb of VERBS.filter((verb) => item[verb])) {
      const tag = item[verb].tags?.[0] ?? "All";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, verb, item));
    }
  }
  main.replaceChildren(el("h2", {}, "API reference"), el("p", { class: "gap soft" }, api.info.description),
    ...[...groups].map(([name, operations]) => el("section", {}, el("h2", {}, line(name, 80)), operations)),
    el("section", {}, el("h2", {}, "Problems"), el("p", { class: "gap" }, "Every error has this body, with the type ", el("code", {}, "application/problem+json"), "."),
      properties(api.components.schemas.Problem)));
} catch {
  main.replaceChildren(el("p", { class: "problem", role: "alert" }, "The description of the API could not be read."));
}

// The rules of each resource, and rules made from the data.
import { askToDiscard, button, fill, h, region, say } from "./dom.js";
import { call, get } from "./api.js";
import { line, mistake, print } from "./json.js";
import { known, listLink, properties, typesOf } from "./model.js";
import { limits } from "./fields.js";

export default function ({ admin }) {
  const title = h("h1", { tabindex: "-1" }, "Rules");
  const made = h("section.made", { "aria-label": "Rules from the data", hidden: true });
  const tables = h("div.rule-tables");
  const area = h("textarea.schema", { id: "rules-text", rows: "24", spellcheck: "false", "aria-describedby": "rules-wrong" });
  /// The text as it was before it was edited.
  let start = "";
  const isDirty = () => !made.hidden && area.isConnected && area.value !== start;
  const element = h("div.view", h("div.view-head", title, h("span.grow"), button("Show the file", { click: () => edit() }), admin ? button("Make rules from the data", { icon: "rules", kind: "primary", click: () => edit(true) }) : null),
    h("p.soft", "What a record must look like. Resources without rules accept anything."), made, tables);

  function row([key, schema], { references, unique }, required) {
    const reference = references.find((one) => one.property === key);
    const together = unique.map((one) => [one].flat()).find((one) => one.includes(key));
    const others = together?.filter((one) => one !== key) ?? [];
    return h("tr", h("th", { scope: "row" }, line(key, 60)), h("td", typesOf(schema).join(" or ") || (schema.enum ? "one of" : "any"), schema.format ? h("span.soft", ` ${schema.format}`) : null),
      h("td", required.includes(key) ? h("span.tag", "required") : null), h("td", together ? h("span.tag", others.length > 0 ? `unique with ${others.join(", ")}` : "unique") : null),
      h("td", reference ? h("a", { href: listLink(reference.resource) }, `→ ${reference.resource}${reference.target === known.health.id ? "" : `/${reference.target}`}`) : null),
      h("td", [schema.enum?.map((one) => line(one, 20)).join(", "), limits(schema), schema.readOnly ? "read-only" : ""].filter(Boolean).join("; ")));
  }

  function draw() {
    fill(tables, known.model.resources.map((resource) => {
      const { found, required } = properties(resource);
      return h("section.card", { "aria-label": resource.name }, h("h2", h("a", { href: listLink(resource.name) }, line(resource.name, 60)), h("span.badge", { class: resource.rules ? "on" : "" }, resource.rules ? "rules" : "no rules: seen in the data")),
        found.size === 0 ? h("p.soft", "Nothing is known yet.") : region("div.scroll", `Rules of ${resource.name}`, {}, h("table.rule-table", h("thead", h("tr", ["Property", "Type", "Required", "Unique", "References", "Limits"].map((text) => h("th", { scope: "col" }, text)))),
          h("tbody", [...found].slice(0, 200).map((one) => row(one, resource, required))))));
    }));
  }

  /// Shows the rules file, or rules made from the data, to be looked at, changed and saved.
  async function edit(fromData = false) {
    if (isDirty() && !(await askToDiscard())) return;
    const [file, data] = await Promise.all([get("/-/rules"), fromData ? get("/-/rules", [["from", "data"]]) : undefined]);
    if (!file.ok || data?.ok === false) { say((file.ok ? data : file).problem); return; }
    const { file: name, text } = file.json;
    made.hidden = false;
    if (!data && typeof text !== "string") {
      fill(made, h("h2", { tabindex: "-1" }, "There is no rules file yet"), h("p", name ? `It would be ${name}.` : "The data is in memory only."));
    } else {
      area.value = data ? print(data.json) : text;
      start = area.value;
      const wrong = h("p.wrong", { id: "rules-wrong", role: "alert" });
      const save = button(text ? "Replace the rules file" : "Save as the rules file", { kind: "primary", click: async () => {
        wrong.textContent = mistake(area.value);
        const entry = wrong.textContent ? undefined : await call("PUT", "/-/rules", { body: area.value });
        if (entry && !entry.ok) wrong.textContent = [entry.problem, entry.hint].filter(Boolean).join(" – ");
        if (!entry?.ok) { area.focus(); return; }
        fill(made, h("p.hint", { tabindex: "-1" }, `Saved ${entry.json.saved}. The rules are in effect.`));
        made.firstElementChild.focus();
      } });
      fill(made, h("h2", { tabindex: "-1" }, data ? "Rules that the data keeps" : `The rules file ${name}`), h("label.soft", { for: "rules-text" }, "JSON Schema 2020-12. Look at it before you save it."), area, wrong,
        h("div.row", admin && name ? save : null, button("Close", { kind: "quiet", click: async () => { if (!isDirty() || (await askToDiscard())) { made.hidden = true; title.focus(); } } })));
    }
    made.firstElementChild.focus();
  }

  draw();
  return { element, refresh: draw, isDirty };
}

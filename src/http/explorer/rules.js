// The rules of each resource, and rules made from the data.
import { button, fill, h, say } from "./dom.js";
import { call, get } from "./api.js";
import { coloured, line, mistake } from "./json.js";
import { known, listLink, properties, typesOf } from "./model.js";
import { limits } from "./fields.js";

export default function () {
  const title = h("h1", { tabindex: "-1" }, "Rules");
  const about = h("p.soft", "What a record must look like. Resources without rules accept anything.");
  const made = h("section.made", { "aria-label": "Rules from the data", hidden: true });
  const tables = h("div.rule-tables");
  const area = h("textarea", { id: "rules-text", rows: "24", spellcheck: "false", "aria-describedby": "rules-wrong" });
  let shown = "";
  const element = h("div.view", h("div.view-head", title, h("span.grow"), button("Show the file", { click: showFile }), known.health.admin ? button("Make rules from the data", { icon: "rules", kind: "primary", click: make }) : null), about, made, tables);

  function draw() {
    fill(tables, known.model.resources.map((resource) => {
      const { found, required } = properties(resource);
      const unique = resource.unique.map((one) => [one].flat());
      const rows = [...found].slice(0, 200).map(([key, schema]) => {
        const reference = resource.references.find((one) => one.property === key);
        return h("tr", h("th", { scope: "row" }, line(key, 60)), h("td", typesOf(schema).join(" or ") || (schema.enum ? "one of" : "any"), schema.format ? h("span.soft", ` ${schema.format}`) : null),
          h("td", required.includes(key) ? h("span.tag", "required") : null), h("td", unique.some((one) => one.includes(key)) ? h("span.tag", unique.find((one) => one.includes(key)).length > 1 ? `unique with ${unique.find((one) => one.includes(key)).filter((one) => one !== key).join(", ")}` : "unique") : null),
          h("td", reference ? h("a", { href: listLink(reference.resource) }, `→ ${reference.resource}${reference.target === known.health.id ? "" : `/${reference.target}`}`) : null), h("td", [schema.enum ? schema.enum.map((one) => line(one, 20)).join(", ") : "", limits(schema)].filter(Boolean).join("; ")));
      });
      return h("section.card", { "aria-label": resource.name }, h("h2", h("a", { href: listLink(resource.name) }, line(resource.name, 60)), h("span.badge", { class: resource.rules ? "on" : "" }, resource.rules ? "rules" : "no rules: seen in the data")),
        rows.length === 0 ? h("p.soft", "Nothing is known yet.") : h("div.scroll", { tabindex: "0", role: "region", "aria-label": `Rules of ${resource.name}` }, h("table.rule-table", h("thead", h("tr", ["Property", "Type", "Required", "Unique", "References", "Limits"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", rows))));
    }));
  }

  async function make() {
    const entry = await get("/-/rules", [["from", "data"]]);
    if (!entry.ok) { say(entry.problem); return; }
    edit("Rules that the data keeps", JSON.stringify(entry.json, null, 2));
  }

  async function showFile() {
    const entry = await get("/-/rules");
    const text = entry.json?.text;
    if (typeof text === "string") edit(`The rules file ${entry.json.file}`, text);
    else {
      made.hidden = false;
      fill(made, h("h2", { tabindex: "-1" }, "There is no rules file yet"), h("p", entry.json?.file ? `It would be ${entry.json.file}.` : "The data is in memory only."));
      made.querySelector("h2").focus();
    }
  }

  async function edit(heading, text) {
    const file = (await get("/-/rules")).json;
    shown = text;
    area.value = text;
    const wrong = h("p.wrong", { id: "rules-wrong", role: "alert" });
    const view = h("pre.schema", { tabindex: "0", role: "region", "aria-label": "JSON Schema" }, coloured(text, 200000));
    const save = button(file?.text ? "Replace the rules file" : "Save as the rules file", { kind: "primary", click: async () => {
      wrong.textContent = mistake(area.value);
      if (wrong.textContent) { area.focus(); return; }
      const entry = await call("PUT", "/-/rules", { body: area.value });
      if (!entry.ok) { wrong.textContent = [entry.problem, entry.json?.hint].filter(Boolean).join(" – "); area.focus(); return; }
      shown = area.value;
      fill(made, h("p.hint", { tabindex: "-1" }, `Saved ${entry.json.saved}. The server reads rules when it starts: start it again to apply them.`));
      made.querySelector("p").focus();
    } });
    const change = button("Edit", { icon: "edit", click: () => { view.replaceWith(area); area.focus(); } });
    made.hidden = false;
    fill(made, h("h2", { tabindex: "-1" }, heading), h("p.soft", "JSON Schema 2020-12. Look at it before you save it."), h("label.hidden", { for: "rules-text" }, "JSON Schema"), view, wrong,
      h("div.row", known.health.admin && file?.file ? save : null, change, button("Close", { kind: "quiet", click: () => { shown = area.value; made.hidden = true; title.focus(); } })));
    made.querySelector("h2").focus();
  }

  draw();
  return { element, refresh: draw, focus: () => title.focus(), isDirty: () => !made.hidden && area.isConnected && area.value !== shown };
}

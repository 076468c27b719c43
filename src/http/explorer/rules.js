// The rules of each resource, and rules inferred from the data.
import { askToDiscard, button, fill, grow, h, heading, table } from "./dom.js";
import { call, failed, get } from "./api.js";
import { line, mistake, print } from "./json.js";
import { idName, known, listLink, properties, typesOf } from "./model.js";
import { limits } from "./fields.js";

export default function ({ admin }) {
  const title = heading("Rules");
  const made = h("section.made", { label: "Rules from the data", hidden: true });
  const tables = h("div.rule-tables");
  const wrong = h("p.wrong", { id: "rules-wrong", role: "alert" });
  const area = h("textarea", { id: "rules-text", rows: "24", spellcheck: "false", "aria-describedby": wrong.id });
  /// The text before it was edited.
  let start = "";
  const isDirty = () => !made.hidden && area.isConnected && area.value !== start;
  const element = h("div.view", h("div.view-head", title, grow(), button("Show the file", { click: () => edit() }), admin && button("Make rules from the data", { icon: "rules", kind: "primary", click: () => edit(true) })),
    h("p.soft", "What a record must look like. Resources without rules accept anything."), made, tables);

  function row([key, schema], { references, unique }, required) {
    const reference = references.find((one) => one.property === key);
    const together = unique.map((one) => [one].flat()).find((one) => one.includes(key));
    const others = together?.filter((one) => one !== key).join(", ");
    return h("tr", h("th", { scope: "row" }, line(key, 60)), [
      [typesOf(schema).join(" or ") || (schema.enum ? "one of" : "any"), schema.format && h("span.soft", ` ${schema.format}`)],
      required.includes(key) && h("span.tag", "required"),
      together && h("span.tag", others ? `unique with ${others}` : "unique"),
      reference && h("a", { href: listLink(reference.resource) }, `→ ${reference.resource}${reference.target === idName() ? "" : `/${reference.target}`}`),
      [schema.enum?.map((one) => line(one, 20)).join(", "), limits(schema), schema.readOnly && "read-only"].filter(Boolean).join("; "),
    ].map((one) => h("td", one)));
  }

  const draw = () => fill(tables, known.model.resources.map((resource) => {
    const { found, required } = properties(resource);
    const { name, rules } = resource;
    return h("section.card", { label: name }, h("h2", h("a", { href: listLink(name) }, line(name, 60)), h("span.badge", { class: rules ? "on" : "" }, rules ? "rules" : "no rules: seen in the data")),
      found.size === 0 ? h("p.soft", "Nothing is known yet.") : table(`Rules of ${name}`, ["Property", "Type", "Required", "Unique", "References", "Limits"], [...found].slice(0, 200).map((one) => row(one, resource, required))));
  }));

  /// Shows the rules file, or rules inferred from the data, in an editor.
  async function edit(fromData = false) {
    if (isDirty() && !(await askToDiscard())) return;
    const file = await get("/-/rules");
    const data = fromData && await get("/-/rules", [["from", "data"]]);
    if (failed(file, "No rules") || (data && failed(data, "No rules"))) return;
    const { file: name, text } = file.json;
    made.hidden = false;
    area.value = start = data ? print(data.json) : text ?? "";
    wrong.textContent = "";
    const save = async () => {
      wrong.textContent = mistake(area.value);
      const entry = !wrong.textContent && await call("PUT", "/-/rules", { body: area.value });
      if (entry && !entry.ok) wrong.textContent = [entry.problem, entry.hint].filter(Boolean).join(" – ");
      if (!entry.ok) { area.focus(); return; }
      fill(made, h("p.hint", { tabindex: "-1" }, `Saved ${entry.json.saved}. The rules are in effect.`));
      made.firstElementChild.focus();
    };
    const close = async () => { if (!isDirty() || (await askToDiscard())) { made.hidden = true; title.focus(); } };
    fill(made, h("h2", { tabindex: "-1" }, data ? "Rules that the data keeps" : text ? `The rules file ${name}` : "There is no rules file yet"),
      !data && !text ? h("p", name ? `It would be ${name}.` : "The data is in memory only.")
        : [h("label.soft", { for: area.id }, "JSON Schema 2020-12. Look at it before you save it."), area, wrong, h("div.row", admin && name && button(text ? "Replace the rules file" : "Save as the rules file", { kind: "primary", click: save }), button("Close", { kind: "quiet", click: close }))]);
    made.firstElementChild.focus();
  }

  draw();
  return { element, refresh: draw, isDirty };
}

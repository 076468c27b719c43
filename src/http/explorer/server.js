// The server: switches for failures, delays and writes; snapshots and reset; where else to look.
import { ask, button, fill, h, icon, plural, say } from "./dom.js";
import { call, get, segment, target } from "./api.js";
import { known, loadModel } from "./model.js";

const STATUSES = ["400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"];

/// `200ms` from a number; what is written with a unit stays.
const delayText = (text) => (/^\d+$/.test(text.trim()) ? `${text.trim()}ms` : text.trim());

export default function ({ changed }) {
  const health = known.health;
  const title = h("h1", { tabindex: "-1" }, "Server");
  const facts = h("dl.facts");
  const switches = h("div.switches");
  const faults = h("div.faults");
  const snapshots = h("div.snapshots");
  const links = [["/db", "All data", "table"], ["/-/openapi.json", "OpenAPI document", "object"], ["/-/docs", "API reference", "rules"], ["/-/errors", "Error reference", "help"], ["/-/health", "Health", "server"]];
  const element = h("div.view.server-view", h("div.view-head", title),
    h("section.card", { "aria-labelledby": "s-state" }, h("h2", { id: "s-state" }, "State"), facts, switches),
    h("section.card", { "aria-labelledby": "s-faults" }, h("h2", { id: "s-faults" }, "Delay and failures"), faults),
    h("section.card", { "aria-labelledby": "s-snap" }, h("h2", { id: "s-snap" }, "Snapshots"), snapshots),
    h("section.card", { "aria-labelledby": "s-links" }, h("h2", { id: "s-links" }, "Links"), h("ul.link-list", links.map(([href, text, name]) => h("li", h("a", { href }, icon(name), text))))));

  function drawState() {
    const { health } = known;
    const up = health.uptime;
    const fact = (name, value) => h("div", h("dt", name), h("dd", value));
    fill(facts, fact("File", health.file ?? "in memory"), fact("Status", h("span", { class: health.status === "ok" ? "good" : "bad" }, health.status)), fact("Version", `standin ${health.standin}`), fact("Running", up < 120 ? plural(up, "second") : up < 7200 ? plural(Math.floor(up / 60), "minute") : plural(Math.floor(up / 3600), "hour")),
      fact("Changes", String(health.version)), fact("Resources", String(health.resources.length)), health.ephemeral ? fact("Saving", "ephemeral: the file is never written") : null);
    const input = h("input", { type: "checkbox", role: "switch", id: "read-only", checked: health.readOnly, disabled: !health.admin, change: async () => {
      const entry = await call("PUT", "/-/settings", { body: JSON.stringify({ readOnly: input.checked }) });
      if (!entry.ok) { input.checked = !input.checked; say(`Not changed: ${entry.problem}`); return; }
      say(input.checked ? "Writes are refused now" : "Writes are accepted again");
      await loadModel();
      changed();
    } });
    if (!switches.contains(document.activeElement)) fill(switches, h("label.switch", { for: "read-only" }, input, h("span", "Read-only"), h("span.soft", "POST, PUT, PATCH and DELETE get a 403")));
  }

  async function drawFaults() {
    const entry = await get("/-/faults");
    if (!entry.ok) { fill(faults, h("p.soft", entry.status === 404 ? "This server has no switches for failures." : entry.problem)); return; }
    const rules = entry.json ?? {};
    const names = known.health.resources.map((one) => one.name);
    /// The rule that a row of switches makes; other rules are somebody else's.
    const keyOf = (name) => `* /${name}/**`;
    const mine = new Set(names.map(keyOf));
    const rows = names.map((name) => {
      const rule = rules[keyOf(name)] ?? {};
      const id = `fault-${encodeURIComponent(name)}`;
      const delay = h("input", { id: `${id}-delay`, size: "8", value: typeof rule.delay === "string" ? rule.delay : "", placeholder: "none", "aria-label": `Delay of ${name}`, autocomplete: "off" });
      const code = h("select", { "aria-label": `Failure of ${name}` }, h("option", { value: "" }, "no failures"), [...new Set([...STATUSES, ...(rule.fail?.status ? [String(rule.fail.status)] : [])])].map((one) => h("option", one)));
      code.value = rule.fail?.status ? String(rule.fail.status) : "";
      const chance = h("input", { type: "number", min: "1", max: "100", value: String(Math.round((rule.fail?.chance ?? 1) * 100)), "aria-label": `Chance for ${name}, in per cent` });
      return { name, delay, code, chance, element: h("tr", h("th", { scope: "row" }, name), h("td", delay), h("td", code), h("td", chance, " %")) };
    });
    const told = h("div", { role: "alert" });
    const others = Object.entries(rules).filter(([key]) => !mine.has(key));
    const apply = async (event) => {
      event.preventDefault();
      const made = Object.fromEntries(others);
      for (const row of rows) {
        // What the switches do not know of, such as a limit, stays.
        const { delay, fail, ...rule } = rules[keyOf(row.name)] ?? {};
        if (row.delay.value.trim()) rule.delay = delayText(row.delay.value);
        if (row.code.value) {
          rule.fail = { ...fail, status: Number(row.code.value) };
          delete rule.fail.chance;
          const chance = Number(row.chance.value);
          if (chance > 0 && chance < 100) rule.fail.chance = chance / 100;
        }
        if (Object.keys(rule).length > 0) made[keyOf(row.name)] = rule;
      }
      const sent = await call("PUT", "/-/faults", { body: JSON.stringify(made) });
      fill(told, sent.ok ? null : h("div.problem", h("p", sent.problem), sent.json?.hint ? h("p.hint", sent.json.hint) : null));
      if (sent.ok) say("The rules for delay and failures are in effect");
    };
    fill(faults, h("form", { submit: apply }, h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Switches of each resource" }, h("table.switch-table", h("thead", h("tr", ["Resource", "Delay", "Failure", "Chance"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", rows.map((row) => row.element)))),
      others.length > 0 ? h("p.soft", `${plural(others.length, "other rule")}: ${others.map(([key]) => key).join(", ")}`) : null, told,
      h("div.row", h("button.primary", { type: "submit" }, "Apply"), button("Turn all off", { click: async () => {
        const sent = await call("DELETE", "/-/faults");
        if (!sent.ok) { say(`Not changed: ${sent.problem}`); return; }
        say("No delays and no failures");
        await drawFaults();
        faults.querySelector("button")?.focus();
      } })), h("p.note", "A delay is a time such as 200ms or 2s, or a range such as 200ms..2s. This page’s own requests are delayed and fail, too.")));
  }

  async function drawSnapshots() {
    if (!health.admin) { fill(snapshots, h("p.soft", "Snapshots are for this machine only, and off with --no-admin.")); return; }
    const entry = await get("/-/snapshots");
    if (!entry.ok) { fill(snapshots, h("p.soft", entry.problem)); return; }
    const restore = async (name) => {
      const start = name === "start";
      if (!(await ask(start ? "Reset the data?" : `Go back to ${name}?`, h("p", start ? "The data, and the file, will be as they were when the server started. You can undo this." : "The data, and the file, will be as they were in this snapshot. You can undo this."), start ? "Reset" : "Go back"))) return;
      const done = await call("POST", target("/-/reset", [["snapshot", name]]));
      say(done.ok ? (start ? "The data is as it was at the start" : `The data is as it was in ${name}`) : `Not changed: ${done.problem}`, done.ok ? { text: "Undo", icon: "undo", run: async () => {
        const undone = await call("POST", `/-/undo?version=${done.json.version}`);
        say(undone.ok ? "Undone" : `Not undone: ${undone.problem}`);
      } } : undefined);
    };
    const name = h("input", { id: "snapshot", autocomplete: "off", placeholder: "before-lunch", maxlength: "100" });
    const take = async (event) => {
      event.preventDefault();
      const wanted = name.value.trim();
      if (!wanted) { name.focus(); return; }
      const done = await call("POST", `/-/snapshots/${segment(wanted)}`);
      say(done.ok ? `Took the snapshot ${wanted}` : `Not taken: ${done.problem}`);
      await drawSnapshots();
      snapshots.querySelector("#snapshot").focus();
    };
    fill(snapshots, h("ul.rows", entry.json.map((one) => h("li", h("strong", one.snapshot), h("span.soft", one.snapshot === "start" ? "as the server started" : `version ${one.version}`), h("span.grow"), known.health.readOnly ? null : button(one.snapshot === "start" ? "Reset" : "Go back", { icon: "undo", kind: "small", "aria-label": one.snapshot === "start" ? "Reset to the start" : `Go back to ${one.snapshot}`, click: () => restore(one.snapshot) })))),
      h("form.row", { submit: take }, h("label", { for: "snapshot" }, "Name"), name, h("button", { type: "submit" }, "Take a snapshot")));
  }

  drawState();
  drawFaults();
  drawSnapshots();
  return { element, refresh: drawState, focus: () => title.focus(), isDirty: () => false };
}

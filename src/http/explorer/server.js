// The server: switches for failures, delays and writes; snapshots and reset; where else to look.
import { ask, button, fill, h, icon, plural, region, say } from "./dom.js";
import { call, get, problem, segment, target } from "./api.js";
import { known, loadModel } from "./model.js";
import { undoOf } from "./change.js";

const STATUSES = ["400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"];
const LINKS = [["/db", "All data", "table"], ["/-/openapi.json", "OpenAPI document", "object"], ["/-/docs", "API reference", "rules"], ["/-/errors", "Error reference", "help"], ["/-/health", "Health", "server"]];

export default function ({ admin, changed }) {
  const facts = h("dl.facts");
  const switches = h("div");
  const faults = h("div");
  const snapshots = h("div.snapshots");
  const card = (text, ...content) => h("section.card", { "aria-label": text }, h("h2", text), content);
  const element = h("div.view.server-view", h("div.view-head", h("h1", { tabindex: "-1" }, "Server")), card("State", facts, switches), card("Delay and failures", faults), card("Snapshots", snapshots),
    card("Links", h("ul.link-list", LINKS.map(([href, text, name]) => h("li", h("a.button", { href }, icon(name), text))))));

  function drawState() {
    const { health } = known;
    const up = health.uptime;
    const all = { File: health.file ?? "in memory", Status: h("span", { class: health.status === "ok" ? "good" : "bad" }, health.status), Version: `standin ${health.standin}`,
      Running: up < 120 ? plural(up, "second") : up < 7200 ? plural(Math.floor(up / 60), "minute") : plural(Math.floor(up / 3600), "hour"), Changes: String(health.version), Resources: String(health.resources.length),
      ...(health.ephemeral ? { Saving: "ephemeral: the file is never written" } : {}) };
    fill(facts, Object.entries(all).map(([name, value]) => h("div", h("dt", name), h("dd", value))));
    const input = h("input", { type: "checkbox", role: "switch", id: "read-only", "data-key": "read-only", checked: health.readOnly, disabled: !admin, change: async () => {
      const entry = await call("PUT", "/-/settings", { body: JSON.stringify({ readOnly: input.checked }) });
      if (!entry.ok) { input.checked = !input.checked; say(`Not changed: ${entry.problem}`); return; }
      say(input.checked ? "Writes are refused now" : "Writes are accepted again");
      await loadModel();
      changed();
    } });
    fill(switches, h("label.switch", { for: "read-only" }, input, h("span", "Read-only"), h("span.soft", "POST, PUT, PATCH and DELETE get a 403")));
  }

  async function drawFaults() {
    const entry = await get("/-/faults");
    if (!entry.ok) { fill(faults, h("p.soft", entry.status === 404 ? "This server has no switches for failures." : entry.problem)); return; }
    const rules = entry.json ?? {};
    /// The rule that a row of switches makes; other rules are somebody else's.
    const keyOf = (name) => `* /${name}/**`;
    const rows = known.health.resources.map(({ name }) => {
      const { delay: wait, fail } = rules[keyOf(name)] ?? {};
      const delay = h("input", { size: "8", value: typeof wait === "string" ? wait : "", placeholder: "none", "aria-label": `Delay of ${name}`, autocomplete: "off" });
      const code = h("select", { "aria-label": `Failure of ${name}` }, h("option", { value: "" }, "no failures"), [...new Set([...STATUSES, ...(fail?.status ? [String(fail.status)] : [])])].map((one) => h("option", one)));
      code.value = String(fail?.status ?? "");
      const chance = h("input", { type: "number", min: "1", max: "100", value: String(Math.round((fail?.chance ?? 1) * 100)), "aria-label": `Chance for ${name}, in per cent` });
      return { key: keyOf(name), delay, code, chance, element: h("tr", h("th", { scope: "row" }, name), h("td", delay), h("td", code), h("td", chance, " %")) };
    });
    const told = h("div");
    const others = Object.entries(rules).filter(([key]) => !rows.some((row) => row.key === key));
    const apply = async (event) => {
      event.preventDefault();
      const made = Object.fromEntries(others);
      for (const { key, delay, code, chance } of rows) {
        // What the switches do not know of, such as a limit, stays.
        const { delay: _, fail, ...rule } = rules[key] ?? {};
        const wait = delay.value.trim();
        // A number means milliseconds; what is written with a unit stays.
        if (wait) rule.delay = /^\d+$/.test(wait) ? `${wait}ms` : wait;
        if (code.value) {
          const part = Number(chance.value) / 100;
          rule.fail = { ...fail, status: Number(code.value), chance: part > 0 && part < 1 ? part : undefined };
        }
        if (Object.keys(rule).length > 0) made[key] = rule;
      }
      const sent = await call("PUT", "/-/faults", { body: JSON.stringify(made) });
      // The place is one in the JSON that these switches made, which nobody has seen.
      fill(told, sent.ok ? null : problem({ ...sent, problem: sent.problem.replace(/^\d+:\d+: /, ""), hint: "" }));
      if (sent.ok) say("The rules for delay and failures are in effect");
    };
    const clear = async () => {
      const sent = await call("DELETE", "/-/faults");
      if (!sent.ok) { say(`Not changed: ${sent.problem}`); return; }
      say("No delays and no failures");
      await drawFaults();
    };
    fill(faults, h("form.snapshots", { submit: apply }, region("div.scroll", "Switches of each resource", {}, h("table.switch-table", h("thead", h("tr", ["Resource", "Delay", "Failure", "Chance"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", rows.map((row) => row.element)))),
      others.length > 0 ? h("p.soft", `${plural(others.length, "other rule")}: ${others.map(([key]) => key).join(", ")}`) : null, told,
      h("div.row", h("button.primary", { type: "submit" }, "Apply"), button("Turn all off", { "data-key": "off", click: clear })), h("p.note", "A delay is a time such as 200ms or 2s, or a range such as 200ms..2s. This page’s own requests are delayed and fail, too.")));
  }

  async function restore(name) {
    const isStart = name === "start";
    const sure = await ask(isStart ? "Reset the data?" : `Go back to ${name}?`, h("p", `The data, and the file, will be as they were ${isStart ? "when the server started" : "in this snapshot"}. You can undo this.`), isStart ? "Reset" : "Go back");
    if (!sure) return;
    const done = await call("POST", target("/-/reset", [["snapshot", name]]));
    say(done.ok ? `The data is as it was ${isStart ? "at the start" : `in ${name}`}` : `Not changed: ${done.problem}`, done.ok ? undoOf(() => done.json.version) : undefined);
  }

  async function drawSnapshots() {
    if (!admin) { fill(snapshots, h("p.soft", "Snapshots are for this machine only, and off with --no-admin.")); return; }
    const entry = await get("/-/snapshots");
    if (!entry.ok) { fill(snapshots, h("p.soft", entry.problem)); return; }
    const name = h("input", { id: "snapshot", "data-key": "name", autocomplete: "off", placeholder: "before-lunch", maxlength: "100" });
    const take = async (event) => {
      event.preventDefault();
      const wanted = name.value.trim();
      name.focus();
      if (!wanted) return;
      const done = await call("POST", `/-/snapshots/${segment(wanted)}`);
      say(done.ok ? `Took the snapshot ${wanted}` : `Not taken: ${done.problem}`);
      await drawSnapshots();
    };
    fill(snapshots, h("ul.rows", entry.json.map(({ snapshot, version }) => {
      const isStart = snapshot === "start";
      return h("li", h("strong", snapshot), h("span.soft", isStart ? "as the server started" : `version ${version}`), h("span.grow"),
        known.health.readOnly ? null : button(isStart ? "Reset" : "Go back", { icon: "undo", kind: "small", "aria-label": isStart ? "Reset to the start" : `Go back to ${snapshot}`, click: () => restore(snapshot) }));
    })), h("form.row", { submit: take }, h("label", { for: "snapshot" }, "Name"), name, h("button", { type: "submit" }, "Take a snapshot")));
  }

  drawState();
  drawFaults();
  drawSnapshots();
  return { element, refresh: drawState };
}

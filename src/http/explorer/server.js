// The server: switches, snapshots, links.
import { ask, button, fill, grow, h, heading, icon, plural, say, table } from "./dom.js";
import { call, failed, get, segment, target } from "./api.js";
import { problem } from "./login.js";
import { known, loadModel } from "./model.js";
import { undoOf } from "./change.js";

const STATUSES = ["400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"];
const LINKS = [["/db", "All data", "table"], ["/-/openapi.json", "OpenAPI document", "object"], ["/-/docs", "API reference", "rules"], ["/-/errors", "Error reference", "help"], ["/-/health", "Health", "server"]];

export default function ({ admin, changed }) {
  const facts = h("dl.facts");
  const switches = h("div");
  const faults = h("div");
  const snapshots = h("div.snapshots");
  const card = (text, ...content) => h("section.card", { label: text }, h("h2", text), content);
  const element = h("div.view.server-view", h("div.view-head", heading("Server")), card("State", facts, switches), card("Delay and failures", faults), card("Snapshots", snapshots),
    card("Links", h("ul.link-list", LINKS.map(([href, text, name]) => h("li", h("a.button", { href }, icon(name), text))))));

  function drawState() {
    const { file, status, standin, uptime: up, version, resources, ephemeral, readOnly } = known.health;
    const all = { File: file ?? "in memory", Status: h("span", { class: status === "ok" ? "good" : "bad" }, status), Version: `standin ${standin}`,
      Running: up < 120 ? plural(up, "second") : up < 7200 ? plural(Math.floor(up / 60), "minute") : plural(Math.floor(up / 3600), "hour"), Changes: version, Resources: resources.length, Saving: ephemeral && "ephemeral: the file is never written" };
    fill(facts, Object.entries(all).map(([name, value]) => value !== false && h("div", h("dt", name), h("dd", value))));
    const input = h("input", { type: "checkbox", role: "switch", id: "read-only", checked: readOnly, disabled: !admin, change: async () => {
      if (failed(await call("PUT", "/-/settings", { body: { readOnly: input.checked } }))) { input.checked = !input.checked; return; }
      say(input.checked ? "Writes are refused now" : "Writes are accepted again");
      await loadModel();
      changed();
    } });
    fill(switches, h("label.switch", { for: input.id }, input, h("span", "Read-only"), h("span.soft", "POST, PUT, PATCH and DELETE get a 403")));
  }

  async function drawFaults() {
    const entry = await get("/-/faults");
    if (!entry.ok) { fill(faults, h("p.soft", entry.status === 404 ? "This server has no switches for failures." : entry.problem)); return; }
    const rules = entry.json ?? {};
    const rows = known.health.resources.map(({ name }) => {
      const key = `* /${name}/**`;
      const { delay: wait, fail } = rules[key] ?? {};
      const delay = h("input", { size: "8", value: typeof wait === "string" ? wait : "", placeholder: "none", label: `Delay of ${name}`, autocomplete: "off" });
      const code = h("select", { label: `Failure of ${name}` }, h("option", { value: "" }, "no failures"), [...new Set([...STATUSES, ...(fail?.status ? [String(fail.status)] : [])])].map((one) => h("option", one)));
      code.value = String(fail?.status ?? "");
      const chance = h("input", { type: "number", min: "1", max: "100", value: String(Math.round((fail?.chance ?? 1) * 100)), label: `Chance for ${name}, in per cent` });
      return { key, delay, code, chance, element: h("tr", h("th", { scope: "row" }, name), [delay, code, [chance, " %"]].map((one) => h("td", one))) };
    });
    const told = h("div");
    const others = Object.entries(rules).filter(([key]) => !rows.some((row) => row.key === key));
    const apply = async (event) => {
      event.preventDefault();
      const made = Object.fromEntries(others);
      for (const { key, delay, code, chance } of rows) {
        // What the switches do not know of stays.
        const { delay: _, fail, ...rule } = rules[key] ?? {};
        const wait = delay.value.trim();
        // A number means milliseconds; what is written with a unit stays.
        if (wait) rule.delay = /^\d+$/.test(wait) ? `${wait}ms` : wait;
        const part = Number(chance.value) / 100;
        if (code.value) rule.fail = { ...fail, status: Number(code.value), chance: part > 0 && part < 1 ? part : undefined };
        if (Object.keys(rule).length > 0) made[key] = rule;
      }
      const sent = await call("PUT", "/-/faults", { body: made });
      // Without the place in the JSON, which nobody has seen.
      fill(told, !sent.ok && problem({ ...sent, problem: sent.problem.replace(/^\d+:\d+: /, ""), hint: "" }));
      if (sent.ok) say("The rules for delay and failures are in effect");
    };
    const clear = async () => {
      if (failed(await call("DELETE", "/-/faults"))) return;
      say("No delays and no failures");
      await drawFaults();
    };
    fill(faults, h("form.snapshots", { submit: apply }, table("Switches of each resource", ["Resource", "Delay", "Failure", "Chance"], rows.map((row) => row.element)),
      others.length > 0 && h("p.soft", `${plural(others.length, "other rule")}: ${others.map(([key]) => key).join(", ")}`), told,
      h("div.row", h("button.primary", { type: "submit" }, "Apply"), button("Turn all off", { key: "off", click: clear })), h("p.note", "A delay is a time such as 200ms or 2s, or a range such as 200ms..2s. This page’s own requests are delayed and fail, too.")));
  }

  async function restore(name, isStart) {
    const sure = await ask(isStart ? "Reset the data?" : `Go back to ${name}?`, h("p", `The data, and the file, will be as they were ${isStart ? "when the server started" : "in this snapshot"}. You can undo this.`), isStart ? "Reset" : "Go back");
    if (!sure) return;
    const done = await call("POST", target("/-/reset", [["snapshot", name]]));
    if (!failed(done)) say(`The data is as it was ${isStart ? "at the start" : `in ${name}`}`, undoOf(() => done.json.version));
  }

  async function drawSnapshots() {
    const entry = admin ? await get("/-/snapshots") : { problem: "Snapshots are for this machine only, and off with --no-admin." };
    if (!entry.ok) { fill(snapshots, h("p.soft", entry.problem)); return; }
    const name = h("input", { id: "snapshot", autocomplete: "off", placeholder: "before-lunch", maxlength: "100" });
    const take = async (event) => {
      event.preventDefault();
      const wanted = name.value.trim();
      name.focus();
      if (!wanted) return;
      if (!failed(await call("POST", `/-/snapshots/${segment(wanted)}`), "Not taken")) say(`Took the snapshot ${wanted}`);
      await drawSnapshots();
    };
    fill(snapshots, h("ul.rows", entry.json.map(({ snapshot, version }) => {
      const isStart = snapshot === "start";
      return h("li", h("strong", snapshot), h("span.soft", isStart ? "as the server started" : `version ${version}`), grow(),
        !known.health.readOnly && button(isStart ? "Reset" : "Go back", { icon: "undo", kind: "small", label: isStart ? "Reset to the start" : `Go back to ${snapshot}`, click: () => restore(snapshot, isStart) }));
    })), h("form.row", { submit: take }, h("label", { for: name.id }, "Name"), name, h("button", { type: "submit" }, "Take a snapshot")));
  }

  drawState();
  drawFaults();
  drawSnapshots();
  return { element, refresh: drawState };
}

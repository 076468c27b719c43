// The server: switches, snapshots, links.
import { ask, button, fill, grow, h, heading, icon, plural, say, table } from "./dom.js";
import { call, failed, get, segment, target } from "./api.js";
import { same } from "./json.js";
import { problem } from "./login.js";
import { known, loadModel } from "./model.js";
import { undoOf } from "./change.js";

const STATUSES = ["400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"];
const LINKS = [["/db", "All data", "table"], ["/-/openapi.json", "OpenAPI document", "object"], ["/-/docs", "API reference", "rules"], ["/-/errors", "Error reference", "help"], ["/-/health", "Health", "server"]];

/// Failures without a response.
const CUTS = { abort: "connection closed", hang: "no response" };

const ruleOf = (name) => `* /${name}/**`;
/// The resources that a rule's path can name; these characters are wildcards there.
const names = () => known.health.resources.map(({ name }) => name).filter((name) => !/^:|[*?]/.test(name));

export default function ({ admin, changed }) {
  /// The rows of the switches, and their resources.
  let rows = [];
  let shownNames = [];
  const isDirty = () => rows.some((row) => row.isDirty());
  const facts = h("dl.facts");
  const switches = h("div");
  const faults = h("div");
  const snapshots = h("div.snapshots");
  const card = (text, ...content) => h("section.card", { label: text }, h("h2", text), content);
  const element = h("div.view.server-view", h("div.view-head", heading("Server")), card("State", facts, switches), card("Delay and failures", faults), card("Snapshots", snapshots),
    card("Links", h("ul.link-list.row", LINKS.map(([href, text, name]) => h("li", h("a.button", { href }, icon(name), text))))));

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
    fill(switches, h("label.switch.row", { for: input.id }, input, h("span", "Read-only"), h("span.soft", "POST, PUT, PATCH and DELETE get a 403")));
  }

  /// The switches of a resource: the row, and `change`, which applies them to its rule.
  function faultRow(name, { delay: wait, fail } = {}) {
    const delay = h("input", { size: "8", value: wait ?? "", placeholder: "none", label: `Delay of ${name}`, autocomplete: "off" });
    const how = fail ? Object.keys(CUTS).find((key) => fail[key]) ?? fail.status ?? 500 : "";
    const chance = h("input", { type: "number", min: "0", max: "100", step: "any", required: true, value: Number((100 * (fail?.chance ?? 1)).toFixed(4)), label: `Chance for ${name}, in per cent` });
    const code = h("select", { label: `Failure of ${name}`, change: () => { chance.disabled = !code.value; } }, h("option", { value: "" }, "no failures"),
      [...new Set([...STATUSES, ...Object.keys(CUTS), ...(how ? [String(how)] : [])])].map((value) => h("option", { value }, CUTS[value] ?? value)));
    code.value = how;
    chance.disabled = !how;
    const said = () => [delay, code, chance].map((one) => one.value).join();
    const start = said();
    return { name, key: ruleOf(name), delay, isDirty: () => said() !== start, element: h("tr", h("th", { scope: "row" }, name), [delay, code, [chance, " %"]].map((one) => h("td", one))),
      // Keys of the rule without a switch are kept.
      change({ delay: _, fail: { status, abort, hang, chance: old, ...fail } = {}, ...rule } = {}) {
        const typed = delay.value.trim();
        const part = Number((chance.value / 100).toFixed(6));
        // A plain number means milliseconds.
        if (typed) rule.delay = /^\d+$/.test(typed) ? `${typed}ms` : typed;
        if (code.value) rule.fail = { ...fail, ...(CUTS[code.value] ? { [code.value]: true } : { status: Number(code.value) }), chance: part < 1 ? part : undefined };
        return Object.keys(rule).length > 0 ? rule : undefined;
      } };
  }

  async function drawFaults(entry) {
    entry ??= await get("/-/faults");
    if (!entry.ok) { fill(faults, h("p.soft", entry.problem)); return; }
    shownNames = names();
    rows = shownNames.map((name) => faultRow(name, entry.json[ruleOf(name)]));
    const messages = h("div");
    const others = Object.keys(entry.json).filter((key) => !rows.some((row) => row.key === key));
    const apply = async () => {
      // Keep rules that were set elsewhere in the meantime.
      const made = { ...(await get("/-/faults")).json };
      for (const row of rows.filter((one) => one.isDirty())) made[row.key] = row.change(made[row.key]);
      const sent = await call("PUT", "/-/faults", { body: made });
      if (sent.ok) {
        say("The rules for delay and failures are in effect");
        drawFaults(sent);
        return;
      }
      const wrong = rows.find(({ delay }) => delay.value && sent.problem.includes(JSON.stringify(delay.value.trim())));
      for (const { delay } of rows) delay.ariaInvalid = delay === wrong?.delay ? "true" : null;
      // Without the position in the JSON, which the user has not seen.
      fill(messages, problem({ ...sent, problem: `${wrong ? `${wrong.name}: ` : ""}${sent.problem.replace(/^\d+:\d+: /, "")}`, hint: "" }));
      wrong?.delay.focus();
    };
    const clear = async () => {
      const sent = await call("DELETE", "/-/faults");
      if (failed(sent)) return;
      say("All switches are off");
      drawFaults(sent);
    };
    fill(faults, h("form.snapshots", { submit: apply }, table("Switches of each resource", ["Resource", "Delay", "Failure", "Chance"], rows.map((row) => row.element)),
      others.length > 0 && h("p.soft", `${plural(others.length, "other rule")}: ${others.join(", ")}`), messages,
      h("div.row", h("button.primary", { type: "submit", key: "apply" }, "Apply"), button("Turn all off", { key: "off", click: clear })),
      h("p.note", "A delay is a time such as 200ms or 2s, or a range such as 200ms..2s. It adds to the delays of --delay and of the routes file, whose failures stay, too. This page’s own requests are delayed and fail as well.")));
  }

  async function restore(name, isStart) {
    const sure = await ask(isStart ? "Reset the data?" : `Go back to ${name}?`, h("p", `The data, and the file, will be as they were ${isStart ? "when the server started" : "in this snapshot"}. You can undo this.`), isStart ? "Reset" : "Go back");
    if (!sure) return;
    const done = await call("POST", target("/-/reset", [["snapshot", name]]));
    if (!failed(done)) say(`The data is as it was ${isStart ? "at the start" : `in ${name}`}`, undoOf(() => done.json.version));
  }

  async function drawSnapshots() {
    const entry = await get("/-/snapshots");
    if (!entry.ok) { fill(snapshots, h("p.soft", entry.problem)); return; }
    const name = h("input", { id: "snapshot", autocomplete: "off", placeholder: "before-lunch", maxlength: "100" });
    const take = async () => {
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
  return { element, isDirty, refresh: () => {
    drawState();
    if (!isDirty() && !same(names(), shownNames)) drawFaults();
  } };
}

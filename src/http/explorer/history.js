// The changes of the data, newest first, with what differs and the way back.
import { fill, h, icon, plural, say } from "./dom.js";
import { call, get } from "./api.js";
import { isRecord, line, same } from "./json.js";
import { canWrite, known, recordLink, singular } from "./model.js";

const CAUSES = { api: "API", edit: "edit of the file", undo: "undo", reset: "reset" };

const kind = ({ before, after }) => (before === null ? "created" : after === null ? "deleted" : "changed");

/// What differs between two states of a record, property by property.
function diff(before, after) {
  const whole = (value, mark) => h(`dd.${mark}`, line(value, 300));
  if (!isRecord(before ?? {}) || !isRecord(after ?? {})) return [before !== null ? whole(before, "old") : null, after !== null ? whole(after, "new") : null];
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter((key) => !same(before?.[key], after?.[key]));
  return keys.slice(0, 60).map((key) => [h("dt", line(key, 60)),
    before && Object.hasOwn(before, key) ? h("dd.old", h("span.hidden", "before: "), line(before[key], 300)) : null,
    after && Object.hasOwn(after, key) ? h("dd.new", h("span.hidden", "after: "), line(after[key], 300)) : null]);
}

function change(one) {
  const what = kind(one);
  const name = one.id === null ? one.resource : `${singular(one.resource)} ${line(one.id, 60)}`;
  return h("details.change", { open: what === "changed" }, h("summary", h("span.mark", { class: what }, what), h("span", name)), h("dl.diff", diff(one.before, one.after)),
    one.id !== null && what !== "deleted" ? h("a", { href: recordLink(one.resource, one.id) }, `Open ${name}`) : null);
}

export default function () {
  const steps = h("ol.history");
  const title = h("h1", { tabindex: "-1" }, "History");
  const element = h("div.view", h("div.view-head", title), h("p.soft", "The last hundred changes since the start, whoever made them. Going back is a change, too, and can be undone."), steps);

  async function goBack(version, what) {
    const entry = await call("POST", `/-/reset?version=${version}`);
    if (!entry.ok) { say(`Not changed: ${entry.problem}`); return; }
    known.version = Math.max(known.version, entry.json.version);
    say(`Went back to ${what}`, { text: "Undo", icon: "undo", run: async () => {
      const undone = await call("POST", `/-/undo?version=${entry.json.version}`);
      say(undone.ok ? "Undone" : `Not undone: ${undone.problem}`);
    } });
    await load();
    title.focus();
  }

  const backButton = (version, what) => h("button.small", { type: "button", click: () => goBack(version, what) }, icon("undo"), "Go back to here", h("span.hidden", `: ${what}`));

  async function load() {
    const entry = await get("/-/history");
    if (!entry.ok) { fill(steps, h("li.empty", entry.problem)); return; }
    const { steps: all, first } = entry.json;
    const focused = steps.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.version : undefined;
    const row = (step, at) => h("li.step", { "data-version": String(step.version) }, h("div.step-head", h("strong", `Version ${step.version}`), h("span.soft", CAUSES[step.cause] ?? step.cause), h("time.soft", new Date(step.at).toLocaleString()), h("span.grow"),
      at === 0 ? h("span.badge", "now") : canWrite() ? backButton(step.version, `version ${step.version}`) : null),
    step.changes.slice(0, 20).map(change), step.count > Math.min(step.changes.length, 20) ? h("p.soft", `${plural(step.count - Math.min(step.changes.length, 20), "more record")}`) : null);
    fill(steps, all.map(row), first === null ? h("li.empty", "Nothing has changed since the start.") : h("li.step", { "data-version": String(first) }, h("div.step-head", h("strong", first === 0 ? "Start" : `Version ${first}`), h("span.grow"),
      canWrite() ? backButton(first, first === 0 ? "the start" : `version ${first}`) : null)));
    if (focused) ([...steps.children].find((one) => one.dataset.version === focused)?.querySelector("button, a") ?? title).focus();
  }
  load();
  return { element, refresh: load, focus: () => title.focus(), isDirty: () => false };
}

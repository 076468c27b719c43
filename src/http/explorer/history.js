// The changes of the data, newest first.
import { fill, grow, h, heading, icon, plural, renew, say } from "./dom.js";
import { call, failed, get } from "./api.js";
import { diff } from "./cells.js";
import { called, canWrite, known, recordLink } from "./model.js";
import { undoOf } from "./change.js";

const CAUSES = { api: "API", edit: "edit of the file" };

function change({ resource, id, before, after }) {
  const what = before === null ? "created" : after === null ? "deleted" : "changed";
  const name = id === null ? resource : called(resource, id);
  return h("details.change", { open: what === "changed" }, h("summary", h("span.mark", { class: what }, what), h("span", name)), diff(before, after),
    id !== null && what !== "deleted" && h("a", { href: recordLink(resource, id) }, `Open ${name}`));
}

export default function () {
  const steps = h("ol.history");
  const title = heading("History");
  const element = h("div.view", h("div.view-head", title), h("p.soft", "The last hundred changes since the start, whoever made them. Going back is a change, too, and can be undone."), steps);

  async function goBack(version, what) {
    const entry = await call("POST", `/-/reset?version=${version}`);
    if (failed(entry)) return;
    say(`Went back to ${what}`, undoOf(() => entry.json.version));
    await load();
    title.focus();
  }

  const step = (version, name, about, changes) => h("li.step", { "data-version": version }, h("div.step-head.row", h("strong", name), about, grow(), version === known.version ? h("span.badge", "now")
    : canWrite() && h("button.small", { key: version, click: () => goBack(version, name.toLowerCase()) }, icon("undo"), "Go back to here", h("span.hidden", `: ${name.toLowerCase()}`))), changes);

  async function load() {
    const entry = await get("/-/history");
    if (!entry.ok) { fill(steps, h("li.empty", entry.problem)); return; }
    const { version, steps: all, first } = entry.json;
    known.version = Math.max(known.version, version);
    const there = new Map([...steps.children].map((one) => [one.dataset.version, one]));
    /// What the user has expanded in a step stays expanded.
    const kept = (made) => {
      const old = there.get(made.dataset.version);
      if (old) renew(old.firstElementChild, ...made.firstElementChild.childNodes);
      return old ?? made;
    };
    fill(steps, all.map((one) => kept(step(one.version, `Version ${one.version}`, [h("span.soft", CAUSES[one.cause] ?? one.cause), h("time.soft", new Date(one.at).toLocaleString())],
      [one.changes.slice(0, 20).map(change), one.count > 20 && h("p.soft", plural(one.count - Math.min(one.changes.length, 20), "more record"))]))),
    first === null ? h("li.empty", "Nothing has changed since the start.") : kept(step(first, first === 0 ? "Start" : `Version ${first}`)));
  }
  load();
  return { element, refresh: load };
}

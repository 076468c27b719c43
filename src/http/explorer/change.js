// Deleting and undoing, for all pages with records.
import { ask, choose, h, say } from "./dom.js";
import { call, failed, get, pathOf, segment } from "./api.js";
import { problem } from "./login.js";
import { line, list } from "./json.js";
import { called, counted, known, versionOf } from "./model.js";

/// The Undo action of a toast: undoes `steps` changes, unless something else has changed since.
export const undoAction = (name, id, steps = 1) => undoOf(() => versionOf(name, id), steps);
/// The same for the change that made version `version()`.
export const undoOf = (version, steps) => (known.health.admin ? { text: "Undo", run: () => undo(version, steps) } : undefined);

/// Undoes the last change, or the last `steps`, if the data is still at version `version()`.
export async function undo(version = () => known.version, steps = 1) {
  let at = version();
  for (let step = 0; step < steps; step += 1) {
    const entry = await call("POST", `/-/undo?version=${at}`);
    if (!entry.ok) {
      say(entry.status === 412 ? "Not undone: the data has changed since. History has every change." : `Not undone: ${entry.problem}`);
      return;
    }
    at = entry.json.version;
    known.version = Math.max(known.version, at);
  }
  say("Undone");
}

/// "post 1", "posts 1, 2 and 3", "12 posts".
function named(name, ids) {
  if (ids.length === 1) return called(name, ids[0]);
  return ids.length > 5 ? counted(name, ids.length) : `${name} ${list(ids.map((id) => line(id, 40)))}`;
}

/// Deletes records after a confirmation that lists what is deleted with them; returns whether they were deleted.
export async function removeRecords(name, ids) {
  const entry = await get(`/-/dependents/${segment(name)}`, ids.map((id) => ["id", String(id)]));
  const found = entry.json ?? {};
  if (found.refused) {
    await choose(`Delete ${named(name, ids)}?`, problem({ problem: found.refused.detail, hint: found.refused.hint }), [["Close"]]);
    return false;
  }
  const others = Object.entries(found.removed ?? {}).map(([resource, gone]) => [resource, resource === name ? gone.length - ids.length : gone.length]).filter(([, count]) => count > 0);
  const also = others.map(([resource, count]) => counted(resource, count));
  const all = list([named(name, ids), ...also]);
  const sure = await ask(`Delete ${all}?`, [
    others.length > 0 ? h("p", `${list(also)} ${others.length === 1 && others[0][1] === 1 ? "points" : "point"} to what is deleted and will be deleted, too.`) : null,
    Object.entries(found.changed ?? {}).filter(([, changed]) => changed.length > 0).map(([resource, changed]) => h("p", `${counted(resource, changed.length)} will no longer point to anything.`)),
    h("p.soft", known.health.admin ? "You can undo this." : "This cannot be undone here."),
  ], "Delete");
  if (!sure) return false;
  let done = 0;
  let last;
  for (const id of ids) {
    const gone = await call("DELETE", pathOf(name, id));
    // One of them may have been deleted by a cascade.
    if (gone.status === 404) continue;
    if (!gone.ok) {
      say(`Not deleted: ${gone.problem}`, done > 0 ? undoAction(name, last, done) : undefined);
      if (gone.status === 401) await choose("Not deleted", problem(gone), [["Close"]]);
      return done > 0;
    }
    done += 1;
    last = id;
  }
  say(`Deleted ${all}`, undoAction(name, last, done));
  return true;
}

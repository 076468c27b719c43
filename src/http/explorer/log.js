// The request log of all clients, fed by the event stream.
import { get } from "./api.js";

const MOST = 200;
export const seen = [];
const listeners = new Set();
let drawing;

export const isOwn = (one) => [`${location.origin}/`, `${location.origin}/-/`].includes(one.headers.referer);

/// Adds a request from the event stream.
export function note(one) {
  if (seen.some((known) => known.number === one.number)) return;
  seen.unshift(one);
  seen.sort((a, b) => b.number - a.number);
  seen.splice(MOST);
  // Redraw once per frame.
  drawing ??= requestAnimationFrame(() => {
    drawing = undefined;
    for (const listener of listeners) listener();
  });
}

/// The requests from before the page was opened.
export async function loadRequests() {
  (await get("/-/requests")).list.forEach(note);
}

/// How many requests of other clients have failed.
export const failures = () => seen.filter((one) => !isOwn(one) && one.status >= 400).length;
export const onRequest = (listener) => { listeners.add(listener); return () => listeners.delete(listener); };

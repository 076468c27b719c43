// Elements, icons, dialogs and toasts.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "tabIndex"]);
/// Short names of attributes.
const NAMES = { label: "aria-label", key: "data-key" };

/// Whether a URL is safe in a link: records may contain any.
const isSafe = (href) => /^(#|\/(?!\/)|https?:\/\/|blob:)/i.test(href);

/// Creates an element: its tag with classes (`p.soft`), an object of properties and event listeners, and children:
/// elements, texts, numbers and lists of these; null, undefined and false are skipped. Values get into the page only
/// here, and only as text. A button is not a submit button by default.
export function h(tag, ...children) {
  const properties = children[0]?.constructor === Object ? children.shift() : {};
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  if (name === "button") element.type = "button";
  for (const [key, value] of Object.entries(properties)) {
    if (isNone(value)) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
    else if (PROPERTIES.has(key)) element[key] = value;
    else if ((key === "href" || key === "src") && !isSafe(value) && !(key === "src" && /^data:image\//.test(value))) throw new Error(`no link to ${value}`);
    else element.setAttribute(NAMES[key] ?? key, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

const isNone = (value) => value === undefined || value === null || value === false;

/// `children` as a flat list of nodes.
const nodes = (children) => children.flat(Infinity).filter((child) => !isNone(child)).map((child) => {
  if (typeof child === "object" && !(child instanceof Node)) throw new TypeError(`not a child of an element: ${Object.prototype.toString.call(child)}`);
  return child instanceof Node ? child : document.createTextNode(child);
});

/// Makes `children` the content of `place`; those already there are not moved. Focus and caret are kept, or move to the
/// element with the same id or `data-key`.
export function fill(place, ...children) {
  const active = document.activeElement;
  const { id, selectionStart, selectionEnd } = active;
  const key = active.closest("[data-key]")?.dataset.key;
  const held = place.contains(active);
  const wanted = nodes(children);
  const kept = new Set(wanted);
  for (const old of [...place.childNodes]) if (!kept.has(old)) old.remove();
  wanted.forEach((one, at) => { if (place.childNodes[at] !== one) place.insertBefore(one, place.childNodes[at] ?? null); });
  if (!held || document.activeElement === active) return;
  const next = active.isConnected ? active : place.querySelector(id ? `#${CSS.escape(id)}` : `[data-key="${CSS.escape(key ?? "")}"]`);
  next?.focus({ preventScroll: true });
  if (typeof selectionStart === "number" && next?.setSelectionRange) next.setSelectionRange(selectionStart, selectionEnd);
}

/// As `fill`, but keeps each old child that is equal to the new one in its position, so that a click in progress is not
/// lost. For children whose listeners depend only on their visible content.
export const renew = (place, ...children) => {
  const old = [...place.childNodes];
  fill(place, nodes(children).map((one, at) => (old[at]?.isEqualNode(one) ? old[at] : one)));
};

/// A scrollable region that can be focused by keyboard.
export const region = (tag, label, ...children) => h(tag, { tabindex: "0", role: "region", label }, children);
export const heading = (...text) => h("h1", { tabindex: "-1" }, text);
export const grow = () => h("span.grow");
/// A table with these headings, in a scrollable region.
export const table = (label, headings, rows) => region("div.scroll", label, h("table", h("thead", h("tr", headings.map((text) => h("th", { scope: "col" }, text)))), h("tbody", rows)));

const ICONS = {
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM11 11l3.5 3.5",
  filter: "M2 3h12l-4.7 5.6V13l-2.6-1.4v-3Z",
  columns: "M2.5 2.5h11v11h-11ZM6.2 2.5v11M9.8 2.5v11",
  plus: "M8 2.5v11M2.5 8h11",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  trash: "M2.5 4.2h11M6 4V2.5h4V4M4 4.5l.6 9h6.8l.6-9M6.7 7v4M9.3 7v4",
  edit: "M3 13l.6-3L10.5 3.1l2.4 2.4L6 12.4ZM9 4.6 11.4 7",
  copy: "M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3",
  undo: "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M5.8 3.5 2.8 6.5l3 3",
  down: "M8 2.5v8M4.5 7.2 8 10.7l3.5-3.5M2.5 13.5h11",
  facets: "M2.5 3.5h5M2.5 8h8M2.5 12.5h11M10 3.5h3.5",
  paste: "M5.5 3H3v11h10V3h-2.5M5.5 2h5v2.5h-5Z",
  send: "M2.5 8 13.5 2.5 10 13.5 7.5 9Z",
  table: "M2.5 3h11v10h-11ZM2.5 6.3h11M6 6.3V13",
  object: "M6 2.5C4 2.5 5 7 2.5 8 5 9 4 13.5 6 13.5M10 2.5c2 0 1 4.5 3.5 5.5C11 9 12 13.5 10 13.5",
  requests: "M2.5 5h9M9 2.5 11.5 5 9 7.5M13.5 11h-9M7 8.5 4.5 11 7 13.5",
  history: "M3 8a5 5 0 1 0 1.6-3.7M2.5 2.5v3h3M8 5v3.2l2 1.3",
  rules: "M3 4l1.2 1.2L6.4 3M3 9l1.2 1.2L6.4 8M8.5 4.5h5M8.5 9.5h5M3 13.5h10.5",
  server: "M2.5 3h11v4h-11ZM2.5 9h11v4h-11ZM5 5h.01M5 11h.01",
  theme: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2v12M8 5h5M8 8h6M8 11h5",
  help: "M6 6a2 2 0 1 1 2.8 1.8c-.5.3-.8.7-.8 1.4M8 11.8h.01M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z",
  warn: "M8 2 14.5 13.5h-13ZM8 6.5v3M8 11.6h.01",
  image: "M2.5 3h11v10h-11ZM2.5 11l3-3 2.5 2.5 2-2 3.5 3M10.5 5.8h.01",
  panel: "M2.5 3h11v10h-11ZM9.8 3v10",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/// A button with a text and an icon, or `only` the icon.
export function button(text, { icon: name, only, kind = "", ...properties } = {}) {
  return h("button", { class: `${kind}${only ? " only" : ""}`, label: only && text, title: only && text, ...properties }, name && icon(name), !only && h("span", text));
}

/// A button that closes or removes something.
export const closer = (text, click) => button(text, { icon: "close", only: true, kind: "quiet small", click });

/// A listener that calls the function in `keys` for the pressed key, and prevents its default action unless the
/// function returns false.
export const onKey = (keys) => (event) => {
  if (!Object.hasOwn(keys, event.key) || keys[event.key](event) === false) return;
  event.preventDefault();
  event.stopPropagation();
};

// Forms are never submitted by the browser.
document.addEventListener("submit", (event) => event.preventDefault());

let press;
let release = () => {};
document.addEventListener("pointerdown", () => { press ??= new Promise((done) => { release = done; }); }, true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(() => { release(); press = undefined; }), true);

/// Resolves once no pointer button is pressed. A layout change before that makes the browser drop the click.
export const released = () => press;

let counter = 0;
/// A unique id for an element that another one refers to.
export const unique = (stem) => `${stem}-${(counter += 1)}`;

/// A dialog. While `isDirty()`, closing it needs a confirmation.
export function dialog(title, content, actions = [], isDirty = () => false) {
  const name = unique("dialog");
  const leave = async () => { if (!isDirty() || (await askToDiscard())) shown.close(); };
  const shown = h("dialog", { "aria-labelledby": name, close: () => shown.remove(),
    keydown: onKey({ Escape: leave }) },
  h("div.dialog-head", h("h2", { id: name }, title), closer("Close", leave)),
  h("div.dialog-body", content), h("div.dialog-foot.row", actions.length > 0 ? actions : button("Close", { click: leave })));
  document.body.append(shown);
  shown.showModal();
  return shown;
}

/// Asks for a choice; returns its text, or undefined. A choice is a text and the kind of its button; the last one has
/// the focus.
export function choose(title, content, choices) {
  return new Promise((answer) => {
    const buttons = choices.map(([text, kind]) => button(text, { kind, click: () => { answer(text); shown.close(); } }));
    const shown = dialog(title, content, buttons);
    shown.addEventListener("close", () => answer(undefined));
    buttons.at(-1).focus();
  });
}

/// Asks for a confirmation; returns whether it was given.
export const ask = async (title, content, yes, no = "Cancel") => (await choose(title, content, [[no], [yes, "danger"]])) === yes;
export const askToDiscard = () => ask("Discard the changes?", h("p", "What you have typed here is not saved."), "Discard", "Keep editing");

/// Shows a toast, with an optional action: `{ text, run }`.
export function say(text, action) {
  const place = document.getElementById("toasts");
  const toast = h("div.toast", h("span", text));
  const close = () => {
    if (toast.contains(document.activeElement)) document.getElementById("main").focus();
    toast.remove();
  };
  if (action) {
    place.querySelectorAll(".offer").forEach((old) => old.remove());
    toast.append(button(action.text, { kind: "quiet small offer", icon: "undo", click: () => { close(); action.run(); } }));
  }
  toast.append(closer("Dismiss", close));
  place.append(toast);
  while (place.children.length > 4) place.firstElementChild.remove();
  let timer;
  const later = () => { timer = setTimeout(close, action ? 15000 : 5000); };
  for (const stay of ["pointerenter", "focusin"]) toast.addEventListener(stay, () => clearTimeout(timer));
  toast.addEventListener("pointerleave", later);
  later();
}

/// A button, and the menu of `content(close)` that it opens.
export function menu(text, { icon, kind }, content) {
  const body = h("div.menu-body", { popover: "", id: unique("menu"), beforetoggle: (event) => { if (event.newState === "open") fill(body, content(() => body.hidePopover())); } });
  return [button(text, { icon, kind, popovertarget: body.id }), body];
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context, this is the only clipboard API.
    const area = h("textarea", { value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`Copied ${what}`);
}

/// Offers `text` as a download.
export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export const number = (value) => value.toLocaleString("en");
export const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

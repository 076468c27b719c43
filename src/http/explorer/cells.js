// Rendering of values.
import { button, h, icon } from "./dom.js";
import { isNumber, isRecord, isScalar, line, same } from "./json.js";

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?$/;
const WEB = /^https?:\/\/[^\s"<>]+$/i;
const IMAGE = /\.(png|jpe?g|gif|webp|avif|svg)([?#].*)?$/i;
const PICTURE = /(^|[a-z_])(image|img|avatar|photo|picture|thumbnail|thumb|icon|logo|cover)(url|uri|src)?$/i;
const DATA = /^data:image\/(png|jpe?g|gif|webp|avif);/i;

const isLike = (pattern) => (value) => typeof value === "string" && pattern.test(value) && !Number.isNaN(Date.parse(value));
export const isDate = isLike(DATE);
export const isTime = isLike(TIME);

function date(value) {
  const style = isDate(value) ? { timeZone: "UTC" } : { timeStyle: "short" };
  return h("time", { datetime: value, title: value }, new Date(value).toLocaleString(undefined, { dateStyle: "medium", ...style }));
}

const allowed = () => new Set(JSON.parse(localStorage.getItem("standin-images") ?? "[]"));

/// A thumbnail. One of another host is fetched only after the user has allowed that host, because the request reveals
/// the visit.
function picture(value, address) {
  const show = () => h("img.thumb", { src: value, alt: "", loading: "lazy", referrerpolicy: "no-referrer",
    error: (event) => event.target.replaceWith(h("span.thumb.none", { title: "The picture cannot be loaded" }, icon("image"))) });
  if (!address || address.origin === location.origin || allowed().has(address.host)) return show();
  const ask = button(`Show pictures from ${address.host}`, { icon: "image", only: true, kind: "thumb none", "data-host": address.host, click: (event) => {
    event.stopPropagation();
    localStorage.setItem("standin-images", JSON.stringify([...allowed(), address.host]));
    for (const other of document.querySelectorAll("button.thumb")) if (other.dataset.host === address.host) other.replaceWith(other.show());
  } });
  ask.show = show;
  return ask;
}

function pictureOf(value, property) {
  if (DATA.test(value)) return picture(value);
  const web = WEB.test(value);
  const own = /^\/(?!\/)\S+$/.test(value);
  if ((!web && !own) || (!IMAGE.test(value) && !(web && PICTURE.test(property)))) return null;
  const address = URL.parse(value, location.origin);
  return address && picture(value, address);
}

function text(value, property, most) {
  if (value === "") return h("span.none", "empty");
  const shown = pictureOf(value, property);
  if (DATA.test(value)) return h("span.pic", shown, h("span.soft", "picture"));
  if (WEB.test(value)) {
    return h("span.pic", shown, h("a.out", { href: value, target: "_blank", rel: "noopener noreferrer", title: value }, line(value.replace(/^https?:\/\/(www\.)?/i, ""), most)));
  }
  if (shown) return h("span.pic", shown, line(value, most));
  if (isDate(value) || isTime(value)) return date(value);
  return line(value, most);
}

function nested(value, most) {
  if (Array.isArray(value)) {
    if (value.length === 0) return h("span.none", "empty list");
    const shown = value.slice(0, 4).map((one) => h("span.tag", isScalar(one) ? line(one, 24) : line(inside(one), 40)));
    return h("span.tags", shown, value.length > 4 && h("span.soft", `+${value.length - 4}`));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return h("span.none", "empty object");
  return h("span", { title: line(value, 500) }, entries.slice(0, 3).map(([key, one], at) => [h("span.soft", `${at > 0 ? "· " : ""}${line(key, 20)} `), line(isScalar(one) ? one : inside(one), most / 4), " "]),
    entries.length > 3 && h("span.soft", `+${entries.length - 3}`));
}

const inside = (value) => (Array.isArray(value) ? `list of ${value.length}` : `{${Object.keys(value).slice(0, 4).join(", ")}}`);

/// `value` as a cell shows it; undefined means missing.
export function show(value, property = "", most = 80) {
  if (value === undefined) return h("span.missing", { title: "This record does not have it", label: "missing" }, "–");
  if (value === null) return h("span.none", "null");
  if (typeof value === "boolean") return h("span.flag", { class: value ? "yes" : "no" }, String(value));
  if (isNumber(value)) return String(value);
  if (typeof value === "string") return text(value, property, most);
  return nested(value, most);
}

/// The differences between two versions of a record; null means none.
export function diff(before, after) {
  if (![before, after].every((one) => one === null || isRecord(one))) return h("dl.diff", [[before, "old"], [after, "new"]].map(([value, mark]) => value !== null && h(`dd.${mark}`, line(value, 300))));
  const keys = Object.keys({ ...before, ...after }).filter((key) => !same(before?.[key], after?.[key]));
  const side = (record, key, mark, text) => record && Object.hasOwn(record, key) && h(`dd.${mark}`, h("span.hidden", text), line(record[key], 300));
  return h("dl.diff", keys.slice(0, 60).map((key) => [h("dt", line(key, 60)), side(before, key, "old", "before: "), side(after, key, "new", "after: ")]));
}

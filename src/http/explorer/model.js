// What is known of the data: resources, the types of their properties, relations, labels.
import { call, get, segment, target } from "./api.js";
import { isNumber, isRecord } from "./json.js";

/// The server's health and model, as of the last load.
export const known = { health: undefined, model: { resources: [] }, version: 0, changes: new Map() };

export async function loadModel() {
  const [health, model] = await Promise.all([get("/-/health"), get("/-/model")]);
  if (!health.ok || !model.ok) return false;
  known.health = health.json;
  // Plain numbers are enough for a description.
  known.model = JSON.parse(model.text);
  known.version = Math.max(known.version, known.health.version);
  return true;
}

/// A resource as the model describes it, with its number of records.
export function resourceOf(name) {
  const found = known.model.resources.find((one) => one.name === name);
  const health = known.health?.resources.find((one) => one.name === name);
  return found && { ...found, count: health?.count ?? 0 };
}

export const idName = () => known.health.id;
export const canWrite = () => !known.health.readOnly;

/// What is after the `#` for a resource and a query.
export const listLink = (name, pairs = []) => `#${target(`/${segment(name)}`, pairs)}`;
export const recordLink = (name, id) => `#/${segment(name)}/${segment(String(id))}`;

/// `schema` with what it points to and what it is put together from.
export function resolve(schema, depth = 0) {
  if (typeof schema !== "object" || schema === null || depth > 8) return {};
  let whole = schema;
  if (schema.$ref?.startsWith("#/")) {
    const steps = schema.$ref.slice(2).split("/").map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"));
    whole = { ...resolve(steps.reduce((value, step) => value?.[step], known.model.rules), depth + 1), ...schema };
  }
  for (const part of whole.allOf ?? []) {
    const { properties, required = [], ...rest } = resolve(part, depth + 1);
    whole = { ...rest, ...whole, properties: { ...properties, ...whole.properties }, required: [...(whole.required ?? []), ...required] };
  }
  return whole;
}

/// The properties of a resource's records, by name, and which are required.
export function properties(resource) {
  const schema = resolve(resource.schema);
  const found = new Map(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, resolve(one)]));
  return { found, required: resource.rules ? schema.required ?? [] : [] };
}

export const typesOf = (schema) => [schema?.type ?? []].flat();
export const referenceOf = (resource, property) => resource.references?.find((one) => one.property === property);

const LABELS = ["name", "title", "label", "fullName", "username", "email", "subject", "slug"];

/// The property that names a record of `resource`, if it has one.
export function labelProperty(resource) {
  if (resource.label) return resource.label;
  const { found } = properties(resource);
  const isText = (name) => found.has(name) && typesOf(found.get(name)).includes("string");
  return LABELS.find(isText);
}

/// What a record is called besides its id; empty if nothing.
export function labelOf(resource, record) {
  if (!isRecord(record)) return "";
  const name = labelProperty(resource);
  const value = name === undefined ? undefined : record[name];
  if (typeof value === "string" || isNumber(value)) return String(value).slice(0, 80);
  if (typeof record.firstName === "string" && typeof record.lastName === "string") return `${record.firstName} ${record.lastName}`.slice(0, 80);
  return "";
}

/// The labels of the records that `values` of a reference name: a map from the value's text.
export async function labelsOf(reference, values, quiet = false) {
  const parent = resourceOf(reference.resource);
  const distinct = [...new Set(values.filter((value) => value !== null && value !== undefined).map(String))].slice(0, 200);
  if (!parent || distinct.length === 0) return new Map();
  const pairs = distinct.map((value) => [reference.target, value]);
  const entry = await call("GET", target(`/${segment(parent.name)}`, [...pairs, ["_limit", "200"]]), { quiet });
  const records = Array.isArray(entry.json) ? entry.json : [];
  return new Map(records.map((record) => [String(record[reference.target]), { id: record[idName()], label: labelOf(parent, record) }]));
}

/// How many records of the dependent resource point to each of `values`.
export async function countsOf(dependent, values) {
  const filter = dependent.many ? `${dependent.property}:contains` : dependent.property;
  const pairs = [...new Set(values.map(String))].map((value) => [filter, value]);
  if (pairs.length === 0) return new Map();
  const entry = await get(`/-/facets/${segment(dependent.resource)}`, [["_facet", dependent.property], ...pairs]);
  const facet = entry.json?.facets?.[0]?.values ?? [];
  return new Map(facet.map((one) => [String(one.value), one.count]));
}

/// The list of the dependent resource's records that point to a record.
export const dependentsLink = (dependent, value) =>
  listLink(dependent.resource, [[dependent.many ? `${dependent.property}:contains` : dependent.property, String(value)]]);

/// "2 comments".
export function counted(name, count) {
  const one = known.model.resources.find((resource) => resource.name === name)?.singular ?? name;
  return `${count.toLocaleString("en")} ${count === 1 ? one : name}`;
}
export const singular = (name) => known.model.resources.find((resource) => resource.name === name)?.singular ?? name;

/// The version of the data that the last change of a record made, as the event stream says.
export const versionOf = (name, id) => known.changes.get(`${name} ${id ?? ""}`) ?? known.version;

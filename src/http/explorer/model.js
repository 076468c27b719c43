// The model of the data: resources, the types of their properties, relations, labels.
import { call, get, pathOf, segment, stepsOf, target } from "./api.js";
import { number } from "./dom.js";
import { isNothing, isNumber, isRecord, line } from "./json.js";

/// The server's health and model, as of the last load.
export const known = { health: undefined, model: { resources: [] }, version: 0, changes: new Map() };

export async function loadModel() {
  const [health, model] = await Promise.all([get("/-/health"), get("/-/model")]);
  if (!health.ok || !model.ok) return false;
  known.health = health.json;
  // Plain numbers are exact enough here.
  known.model = JSON.parse(model.text);
  known.version = Math.max(known.version, known.health.version);
  return true;
}

export function resourceOf(name) {
  const named = (one) => one.name === name;
  const found = known.model.resources.find(named);
  return found && { ...found, count: known.health.resources.find(named)?.count ?? 0 };
}

export const idName = () => known.health.id;
export const idOf = (record) => String(record?.[idName()]);
/// How users log in, if the rules say so.
export const auth = () => known.model.rules?.["x-auth"];
export const canWrite = () => !known.health.readOnly;

/// The hash of the URL for a resource and a query.
export const listLink = (name, pairs) => `#${target(pathOf(name), pairs)}`;
export const recordLink = (name, id) => `#${pathOf(name, id)}`;

/// `schema` with its `$ref` and `allOf` resolved.
export function resolve(schema, depth = 0) {
  if (typeof schema !== "object" || schema === null || depth > 8) return {};
  let whole = schema;
  if (schema.$ref?.startsWith("#/")) {
    whole = { ...resolve(stepsOf(decodeURIComponent(schema.$ref)).reduce((value, step) => value?.[step], known.model.rules), depth + 1), ...schema };
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

/// The types that a schema allows; none means any.
export const typesOf = (schema) => [...new Set(schema?.type ? [schema.type].flat() : (schema?.anyOf ?? schema?.oneOf ?? []).flatMap((one) => typesOf(resolve(one))))];
export const referenceOf = (resource, property) => resource.references?.find((one) => one.property === property);

const LABELS = ["name", "title", "label", "fullName", "username", "email", "subject", "slug"];

/// The label of a record, in addition to its id; empty if there is none.
export function labelOf(resource, record) {
  if (!isRecord(record)) return "";
  const { found } = properties(resource);
  const value = record[resource.label ?? LABELS.find((name) => typesOf(found.get(name)).includes("string"))];
  const { firstName, lastName } = record;
  const both = typeof firstName === "string" && typeof lastName === "string" ? `${firstName} ${lastName}` : "";
  return String(typeof value === "string" || isNumber(value) ? value : both).slice(0, 80);
}

/// The query parameters that find each of `values`.
const pairsOf = (name, values) => [...new Set(values.filter((value) => !isNothing(value)).map(String))].map((value) => [name, value]);
const filterOf = ({ property, many }) => (many ? `${property}:contains` : property);

/// The labels of the records that the `values` of a reference point to, by the value's text.
export async function labelsOf(reference, values, quiet = false) {
  const parent = resourceOf(reference.resource);
  const pairs = pairsOf(reference.target, values).slice(0, 200);
  if (!parent || pairs.length === 0) return new Map();
  const entry = await call("GET", target(pathOf(parent.name), [...pairs, ["_limit", "200"]]), { quiet });
  return new Map(entry.list.map((record) => [String(record[reference.target]), { id: record[idName()], label: labelOf(parent, record) }]));
}

/// How many dependent records point to each of `values`.
export async function countsOf(dependent, values) {
  const pairs = pairsOf(filterOf(dependent), values);
  if (pairs.length === 0) return new Map();
  const entry = await get(`/-/facets/${segment(dependent.resource)}`, [["_facet", dependent.property], ...pairs]);
  const facet = entry.json?.facets?.[0]?.values ?? [];
  return new Map(facet.map((one) => [String(one.value), one.count]));
}

export const dependentsLink = (dependent, value) => listLink(dependent.resource, [[filterOf(dependent), String(value)]]);

export const singular = (name) => resourceOf(name)?.singular ?? name;
/// "post 1".
export const called = (name, id) => `${singular(name)} ${line(id, 40)}`;
/// "2 comments".
export const counted = (name, count) => `${number(count)} ${count === 1 ? singular(name) : name}`;

/// The version of the last change of a record.
export const versionOf = (name, id) => known.changes.get(`${name} ${id ?? ""}`) ?? known.version;

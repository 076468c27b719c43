// Requests as code for several tools.

const single = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const word = (text) => (/^[\w\-./:=,@%+]+$/.test(text) ? text : single(text));
const string = (text) => JSON.stringify(text);
const url = (path) => (/^https?:/.test(path) ? path : location.origin + path);

/// The body as JavaScript; as text if an object would not be exact (`1.10`).
function literal(body = "null") {
  const bare = (text) => text.replace(/\s/g, "");
  try {
    const text = JSON.stringify(JSON.parse(body), null, 2);
    if (bare(text) === bare(body)) return [text, true];
  } catch { /* a text */ }
  return [string(body), false];
}

export function curl({ method, path, body, sent }) {
  const implied = body === undefined ? "GET" : "POST";
  const parts = ["curl"];
  if (method === "HEAD") parts.push("-I");
  else if (method !== implied || body !== undefined) parts.push(`-X ${method}`);
  parts.push(word(url(path)));
  for (const [name, value] of sent) parts.push(/["$`\\]/.test(value) ? `-H ${single(`${name}: ${value}`)}` : `-H "${name}: ${value}"`);
  if (body !== undefined) parts.push(`-d ${word(body)}`);
  return parts.join(" ");
}

/// A JavaScript object literal: names and the code of their values. False ones are left out.
const object = (options) => `{\n${options.filter(([, value]) => value).map(([name, value]) => `  ${name}: ${value.replaceAll("\n", "\n  ")},\n`).join("")}}`;
const headersOf = (sent) => sent.length > 0 && JSON.stringify(Object.fromEntries(sent));

function fetchCode({ method, path, body, sent }) {
  const [value, isJson] = literal(body);
  const options = object([["method", method !== "GET" && string(method)], ["headers", headersOf(sent)], ["body", body !== undefined && (isJson ? `JSON.stringify(${value})` : value)]]);
  return `const response = await fetch(${string(url(path))}${method === "GET" && sent.length === 0 ? "" : `, ${options}`});\nconst data = await response.json();`;
}

function axios({ method, path, body, sent }) {
  return `const { data } = await axios(${object([["method", string(method.toLowerCase())], ["url", string(url(path))], ["headers", headersOf(sent)], ["data", body !== undefined && literal(body)[0]]])});`;
}

function httpie({ method, path, body, sent }) {
  // JSON is its default.
  const headers = sent.filter((pair) => !/^content-type,application\/json$/i.test(pair)).map(([name, value]) => ` ${word(`${name}:${value}`)}`).join("");
  return `http ${method} ${word(url(path))}${headers}${body === undefined ? "" : ` --raw ${single(body)}`}`;
}

function powershell({ method, path, body, sent }) {
  const quote = (text) => `'${text.replaceAll("'", "''")}'`;
  const isType = ([name]) => /^content-type$/i.test(name);
  const type = sent.find(isType)?.[1];
  const rest = sent.filter((pair) => !isType(pair));
  const headers = rest.length > 0 ? ` -Headers @{ ${rest.map(([name, value]) => `${quote(name)} = ${quote(value)}`).join("; ")} }` : "";
  return `Invoke-RestMethod -Method ${method} -Uri ${quote(url(path))}${type ? ` -ContentType ${quote(type)}` : ""}${headers}${body === undefined ? "" : ` -Body ${quote(body)}`}`;
}

function http({ method, path, body, sent }) {
  const headers = sent.map(([name, value]) => `${name}: ${value}\n`).join("");
  return `${method} ${url(path)}\n${headers}${body === undefined ? "" : `\n${body}\n`}`;
}

/// The request and its response for a page of documentation, as `standin check` reads it.
export function example(entry) {
  const fence = (kind, text) => {
    const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
    const marks = "`".repeat(longest + 1);
    return `${marks}${kind}\n${text.replace(/\n$/, "")}\n${marks}\n`;
  };
  const answer = entry.text ? `\n${fence(entry.json === undefined ? "text" : "json", entry.text)}` : "";
  const status = entry.ok || !entry.status ? "" : `<!-- standin: status=${entry.status} -->\n\n`;
  return status + fence("bash", curl(entry)) + answer;
}

/// The formats in which a request can be copied: a name, and a function that returns the text.
export const FORMATS = [["curl", curl], ["fetch", fetchCode], ["axios", axios], ["HTTPie", httpie], ["PowerShell", powershell],
  [".http", http], ["documentation example", example]];

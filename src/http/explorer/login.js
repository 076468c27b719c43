// Credentials: the fields that a refused request needs, and the server's error message.
import { button, h, onKey } from "./dom.js";
import { call, session } from "./api.js";
import { auth } from "./model.js";

/// The login fields of a scheme; the credentials are sent with each request from then on.
export function loginFields(scheme, header) {
  const { login = "email", password = "password" } = auth() ?? {};
  const error = h("p.wrong", { role: "alert" });
  const authorize = (value, name, expires) => session.set("Authorization", { value, name, expires });
  const signIn = async (name, secret) => {
    // Not shown in the panel: the body has the password.
    const entry = await call("POST", "/login", { quiet: true, body: { [login]: name, [password]: secret } });
    error.textContent = entry.problem;
    if (entry.ok) authorize(`Bearer ${entry.json.accessToken}`, name, true);
    else inputs.at(-1).focus();
  };
  const schemes = {
    Login: [[login, password], signIn],
    Basic: [["User", "Password"], (user, secret) => authorize(`Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${secret}`)))}`, user)],
    Bearer: [["Token"], (token) => authorize(`Bearer ${token}`, "token")],
    Key: [[header], (key) => session.set(header, { value: key, name: header })],
  };
  if (!Object.hasOwn(schemes, scheme)) return null;
  const [labels, send] = schemes[scheme];
  const use = () => send(...inputs.map((input) => input.value.trim()));
  const inputs = labels.map((_, at) => {
    const isName = at + 1 < labels.length;
    return h("input", { key: `${scheme} ${at}`, type: isName ? "text" : "password", autocomplete: isName ? "username" : "current-password", keydown: onKey({ Enter: use }) });
  });
  return [h("div.row", inputs.map((input, at) => h("label", labels[at], input)), button(scheme === "Login" ? "Sign in" : "Send it from now on", { click: use })), error];
}

/// The server's message about a failed request. A 503 is removed when the data file is fixed.
export function problem({ status, problem, hint, header }, ...more) {
  const [, scheme, name] = /^(\w+)(?:.*header="(.+?)")?/.exec(header?.("www-authenticate")) ?? [];
  const fields = status === 401 && loginFields(/\/login/.test(hint) ? "Login" : scheme, name);
  return h("div.problem", { role: "alert", tabindex: "-1", class: status === 503 ? "until-fixed" : "" }, more, problem && h("p", problem), fields || (hint && h("p.hint", hint)));
}

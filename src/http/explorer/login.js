// Signing in, where the rules have `x-auth`.
import { fill, h, heading, say } from "./dom.js";
import { call, problem, session } from "./api.js";
import { auth } from "./model.js";

export default function ({ go, back }) {
  const { login = "email", password = "password" } = auth() ?? {};
  const told = h("div");
  const name = h("input", { id: "login", autocomplete: "username" });
  const secret = h("input", { id: "password", type: "password", autocomplete: "current-password" });
  const row = (text, input) => h("div.field", h("label", { for: input.id }, text), h("div.control", input));
  const submit = async (event) => {
    event.preventDefault();
    // Not shown as a request: the body has the password.
    const entry = await call("POST", "/login", { quiet: true, body: JSON.stringify({ [login]: name.value, [password]: secret.value }) });
    fill(told, !entry.ok && problem(entry));
    if (!entry.ok) { secret.focus(); return; }
    session.set("Authorization", { value: `Bearer ${entry.json.accessToken}`, name: name.value, expires: true });
    say(`Signed in as ${name.value}`);
    go(back);
  };
  return { element: h("div.view", h("div.view-head", heading("Sign in")), h("form.record", { submit }, told, row(login, name), row(password, secret),
    h("p.note", "You stay signed in until you sign out or close the tab. The requests of this page then have the header Authorization."), h("div.row", h("button.primary", { type: "submit" }, "Sign in")))), focus: () => name.focus() };
}

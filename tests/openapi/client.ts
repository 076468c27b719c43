// A client made of the document: that this compiles shows what the types say, that it runs shows that they are true.
import createClient from "openapi-fetch";
import type { paths, components } from "./users.js";
import type { paths as RichPaths, components as Rich } from "./rich.js";

type User = components["schemas"]["User"];
const client = createClient<paths>({ baseUrl: process.argv[2] });

const made = await client.POST("/users", {
  body: { lastName: "Lovelace", firstName: "Ada", email: "ada@example.com" },
});
if (!made.data) throw new Error(`not created: ${JSON.stringify(made.error)}`);
const user: User = made.data;
const id: number = user.id;

const found = await client.GET("/users", { params: { query: { lastName: "Lovelace", email: { contains: "ada" }, _limit: 1 } } });
if (found.data?.length !== 1 || found.data[0].id !== id) throw new Error("not found");

const refused = await client.PATCH("/users/{id}", { params: { path: { id } }, body: { email: "broken" } });
if (refused.error?.errors?.[0]?.pointer !== "/email") throw new Error(`no problem: ${JSON.stringify(refused)}`);

const later = await client.GET("/users", { params: { query: { id: { gt: id } } } });
if (later.data?.length !== 0) throw new Error(`not filtered: ${JSON.stringify(later)}`);

// @ts-expect-error a required property is missing
const half: components["schemas"]["NewUser"] = { lastName: "x" };
void half;

const gone = await client.DELETE("/users/{id}", { params: { path: { id } } });
if (gone.response.status !== 200) throw new Error("not deleted");

// The types of a richer document.
type Post = Rich["schemas"]["Post"];
const post: Post = { id: 1, title: "x", views: null };
const views: number | null = post.views;
const born: string | undefined = post.author?.born;
const role: Rich["schemas"]["NewPeople" extends keyof Rich["schemas"] ? "NewPeople" : "NewPerson"]["role"] = "admin";
const comments: Rich["schemas"]["Comment"][] | undefined = post.comments;
void comments;
type PostQuery = NonNullable<RichPaths["/posts"]["get"]["parameters"]["query"]>;
void ({ views: { gte: 5 }, _embed: ["comments"] } satisfies PostQuery);
// @ts-expect-error a number is compared with a number
void ({ views: { gte: "many" } } satisfies PostQuery);
type Nested = RichPaths["/posts/{id}/comments"]["get"];
void (views satisfies number | null);
void born;
void role;
void (null as unknown as Nested);
console.log("the client works");

// How long it takes to render rows of 100,000 records: opening the page, and each action. Prints the minimum and the
// median in milliseconds, and the requests of the page before its first rows.
import { many, open, serve } from "./support.mjs";

const ROUNDS = 7;
const ends = [];
const { url } = await serve({ after: (end) => ends.push(end) }, many());
const browser = await open();
const { page } = browser;

/// The time in the page from `act` until the range below the table is `wanted`.
async function timed(act, wanted) {
  const seen = page.evaluate((wanted) => new Promise((done) => {
    const start = performance.now();
    const look = () => (document.querySelector('[data-test="range"]')?.textContent.startsWith(wanted) ? done(performance.now() - start) : requestAnimationFrame(look));
    look();
  }), wanted);
  await act();
  return seen;
}

async function opened() {
  await page.goto("about:blank");
  await page.goto(`${url}/#/people`, { waitUntil: "commit" });
  return page.evaluate(() => new Promise((done) => {
    const look = () => {
      if (!document.querySelector("tbody tr")) { requestAnimationFrame(look); return; }
      const now = performance.now();
      done({ now, requests: performance.getEntriesByType("resource").map((one) => `${new URL(one.name).pathname} ${Math.round(one.startTime)}–${Math.round(one.responseEnd)} ms`) });
    };
    look();
  }));
}

const report = (what, times) => {
  const sorted = [...times].sort((a, b) => a - b).map(Math.round);
  console.log(`${what.padEnd(34)} best ${String(sorted[0]).padStart(5)} ms   middle ${String(sorted[sorted.length >> 1]).padStart(5)} ms`);
};

const rounds = [];
for (let round = 0; round < ROUNDS; round += 1) rounds.push(await opened());
report("page opened, to the first rows", rounds.map((one) => one.now));
await page.getByText("1–50 of 100,000").waitFor();
const button = (name) => () => page.getByRole("button", { name, exact: true }).click();
const ACTIONS = [["last page", button("Last page"), "99,951–", "First page", "1–50 of 100,000"], ["sorted, page 2", () => page.evaluate(() => { location.hash = "#/people?_sort=-age&_page=2"; }), "51–100 of 100,000"], ["filter in the address", () => page.evaluate(() => { location.hash = "#/people?age_gte=70&active=true"; }), "1–50 of 3"],
  ["all again", () => page.evaluate(() => { location.hash = "#/people"; }), "1–50 of 100,000"], ["search while typing", () => page.getByLabel("Search").fill("Ada 9999"), "1–2 of 2"], ["nothing typed", () => page.getByLabel("Search").fill(""), "1–50 of 100,000"]];
const times = new Map(ACTIONS.map(([name]) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, act, wanted, back, first] of ACTIONS) {
    times.get(name).push(await timed(act, wanted));
    if (back) await timed(button(back), first);
  }
}
for (const [name, all] of times) report(name, all);
console.log(`\nasked for before the first rows (last round):\n  ${rounds.at(-1).requests.join("\n  ")}`);
await browser.close();
for (const end of ends) await end();

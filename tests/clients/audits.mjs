// Runs every audit of npm graphql-http against a server: node audits.mjs http://127.0.0.1:8080/graphql
// Prints how many were ok by level, names each that was not, and fails unless all 61 were.
import { serverAudits } from "graphql-http";

const AUDITS = 61;

const [url] = process.argv.slice(2);
if (!url) {
  console.error("usage: node audits.mjs URL");
  process.exit(2);
}

const counts = {};
let ok = 0;
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const level = audit.name.split(" ")[0];
  const result = await audit.fn();
  counts[level] ??= { ok: 0, of: 0 };
  counts[level].of += 1;
  if (result.status === "ok") {
    ok += 1;
    counts[level].ok += 1;
  } else {
    console.error(`${result.status}: ${audit.id} ${audit.name}: ${result.reason}`);
  }
  await result.response?.body?.cancel().catch(() => undefined);
}
const total = Object.values(counts).reduce((sum, { of }) => sum + of, 0);
for (const [level, count] of Object.entries(counts)) console.log(`${level}: ${count.ok} of ${count.of}`);
console.log(`graphql-http audits: ${ok} of ${total}`);
if (ok !== AUDITS || total !== AUDITS) process.exit(1);

// Single events from so many callers through Emmett's Postgres store, as wide as the others': append_emmett.py runs it.
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";

const [callers, seconds] = process.argv.slice(2).map(Number);
const store = getPostgreSQLEventStore(process.env.STORE);
const event = { type: "contact_updated", data: { what: "x".repeat(140) }, metadata: { who: "y".repeat(190) } };
const append = () =>
  store.appendToStream(`contact-${crypto.randomUUID()}`, [event], { expectedStreamVersion: "STREAM_DOES_NOT_EXIST" });

await append(); // makes its tables
let appended = 0;
const began = performance.now();
const caller = async () => {
  while (performance.now() < began + seconds * 1000) {
    await append();
    appended += 1;
  }
};
await Promise.all(Array.from({ length: callers }, caller));
console.log(JSON.stringify({ rate: appended / ((performance.now() - began) / 1000) }));
await store.close();

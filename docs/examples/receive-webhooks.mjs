// A receiver of webhooks that believes only what is signed, and acts once: node receive-webhooks.mjs 9000 whsec_…
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const TOLERANCE_S = 300;
const [port, secret] = process.argv.slice(2);
const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
const seen = new Set(); // yours outlives a restart: a table with the id as its key

function isGenuine(headers, body) {
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const expected = Buffer.from(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  const given = (headers["webhook-signature"] ?? "").split(" "); // two while a secret is being replaced
  const matches = given.map((each) => Buffer.from(each)).some(
    (each) => each.length === expected.length && timingSafeEqual(each, expected),
  );
  return matches && Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"])) < TOLERANCE_S;
}

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts); // the bytes as they came: JSON written anew signs differently
  const genuine = isGenuine(request.headers, body);
  if (genuine && !seen.has(request.headers["webhook-id"])) {
    seen.add(request.headers["webhook-id"]);
    const event = JSON.parse(body);
    console.log(event.type, event.data.text ?? "");
  }
  response.writeHead(genuine ? 204 : 401).end();
}).listen(Number(port), "127.0.0.1");

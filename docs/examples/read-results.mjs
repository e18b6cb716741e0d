// node read-results.mjs http://127.0.0.1:8780/v1/meetings/standup/events [LAST_ID]
const [url, after = "0"] = process.argv.slice(2);
const response = await fetch(url, { headers: { "Last-Event-ID": after } });
let unread = "";
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const events = (unread + text).split("\n\n");
  unread = events.pop(); // not complete yet
  for (const [, id, type, data] of events.map((event) => /^id: (.+)\nevent: (.+)\ndata: (.+)$/.exec(event) ?? [])) {
    if (type === "transcript") console.log(id, data); // keep the id: start with it to go on from here
  }
}

// Post a comparison and a vote from your own server (Node 18 or newer). The key stays on the server, never in a page.
const { COLLECT_URL: url, COLLECT_KEY: key } = process.env;

async function send(method, path, body) {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    }).catch((error) => ({ status: 503, json: async () => ({ error: String(error) }) }));
    const found = await answer.json();
    if (answer.status < 400) return found;
    // Every request may be sent again: the client key and PUT make sure that it counts once.
    if (attempt === 4 || (answer.status !== 429 && answer.status < 500)) throw new Error(found.error);
    await new Promise((wake) => setTimeout(wake, 200 * 2 ** attempt));
  }
}

const made = await send("POST", "/comparisons", {
  client_key: "chat-17-turn-3", // your name for this comparison
  user: "user-42", // your name for the person; the database keeps it apart from the votes
  prompt: "Why is the sky blue?",
  left: { model: "tuned-7b", content: "Air scatters blue light more than red light." },
  right: { model: "base-7b", content: "Because it reflects the sea." },
});
await send("PUT", `/comparisons/${made.id}/shown`);
const voted = await send("PUT", `/comparisons/${made.id}/vote`, { choice: "left", ms_visible: 5200 });
console.log(voted.id, voted.state);

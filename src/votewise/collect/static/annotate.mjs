// Votes, undo and signing in. The page itself comes from the server: after each act it is loaded again.

const AGAIN_MS = 20_000;
const said = document.getElementById("said");
const pair = document.getElementById("pair");
const undo = document.getElementById("undo");
let busy = false;

// Milliseconds for which the page was visible.
let seen = 0;
let since = document.hidden ? null : performance.now();
document.addEventListener("visibilitychange", () => {
  if (document.hidden && since !== null) {
    seen += performance.now() - since;
    since = null;
  } else if (!document.hidden && since === null) {
    since = performance.now();
  }
});
const visible = () => Math.round(seen + (since === null ? 0 : performance.now() - since));

function say(text) {
  said.textContent = text;
}

function disable(on) {
  busy = on;
  for (const button of document.querySelectorAll("button")) button.disabled = on;
}

// Sends an act once at a time. Every act may be sent again: the server counts it once.
async function send(method, path, body) {
  if (busy) return null;
  disable(true);
  try {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    if (answer.ok) return answer;
    const why = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    if ([401, 404, 409].includes(answer.status)) {
      say("This pair is not open any more. Loading what is next.");
      setTimeout(() => location.reload(), 1500);
      return null;
    }
    say(`Not sent: ${why.error}.`);
  } catch {
    say("Not sent: no connection. Please try again.");
  }
  disable(false);
  return null;
}

async function vote(choice) {
  const strength = document.querySelector("input[name=strength]:checked");
  const reasons = [...document.querySelectorAll("input[name=reason]:checked")].map((box) => box.value);
  const body = { choice, reasons, ms_visible: visible() };
  if (strength) body.strength = Number(strength.value);
  const done = await send("PUT", `/annotate/comparisons/${pair.dataset.comparison}/vote`, body);
  if (done) location.reload();
}

async function takeBack() {
  const done = await send("DELETE", `/annotate/comparisons/${undo.dataset.comparison}/vote`);
  if (done) location.reload();
}

for (const button of document.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", () => vote(button.dataset.choice));
}

if (undo) {
  let left = Number(undo.dataset.seconds);
  const shown = undo.querySelector("span");
  const tick = () => {
    shown.textContent = `${left} s`;
    if (left-- <= 0) undo.remove();
    else setTimeout(tick, 1000);
  };
  tick();
  undo.querySelector("button").addEventListener("click", takeBack);
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "u" && undo?.isConnected) takeBack();
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) vote(button.dataset.choice);
});

document.getElementById("sign-out")?.addEventListener("click", async () => {
  if (await send("POST", "/annotate/sign-out")) location.reload();
});

document.getElementById("begin")?.addEventListener("click", async () => {
  const token = location.hash.slice(1);
  if (!token) say("This link is incomplete. Please open it as it was sent to you.");
  else if (await send("POST", "/annotate/sign-in", { token })) location.replace("/annotate");
});

if (["waiting", "paused"].includes(document.querySelector("main")?.dataset.about)) {
  setTimeout(() => location.reload(), AGAIN_MS);
}

document.documentElement.dataset.ready = "";

// Buys without leaving the page: one press, one purchase, and the page itself asks again with the
// same key until it knows what came of it. Without this the form is an ordinary one.

import { language, say } from "./texts.js";

const PATIENCE_MS = 120_000;
const TIMEOUT_MS = 15_000;
const LONGEST_MS = 8_000;
const SECOND_MS = 1000;
// Who is a moment too early, because the sale opened while the request was on its way.
const EARLY_MS = 10_000;

export function enable(form, shelf, refresh) {
  const button = form.querySelector("button");
  const problem = document.getElementById("problem");
  let spent = false;
  setBusy(false);  // some browsers remember a button as it was left

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    const fields = Object.fromEntries(new FormData(form));
    setBusy(true);
    const answer = await pursue(fields, shelf, (text) => { shelf.news.textContent = text; });
    if (answer.order) {
      spent = true;
      location.assign(`/orders/${answer.order}`);
      return;
    }
    setBusy(false);
    refuse(answer);
    refresh();
  });

  // Back from the ticket: the key of this form has bought, so the page is had anew.
  addEventListener("pageshow", (event) => {
    if (event.persisted && spent) location.reload();
  });

  function setBusy(busy) {
    button.disabled = busy;
    form.ariaBusy = String(busy);
    button.textContent = say(busy ? "script.buying" : "sale.buy");
    if (busy) problem.hidden = true;
  }

  function refuse(answer) {
    const spentKey = answer.code === "key-reused";
    if (spentKey) form.elements.key.value = newKey();
    shelf.news.textContent = "";
    const texts = [spentKey ? say("sale.spent") : answer.detail];
    if (answer.code === "outcome-unknown") texts.push(say("sale.again"));
    problem.replaceChildren(...texts.map(paragraph));
    problem.hidden = false;
    const field = form.elements[answer.field];
    (field instanceof HTMLElement ? field : button).focus();
  }
}

// The order, or the problem that is the end of it.
async function pursue(fields, shelf, tell) {
  const began = performance.now();
  tell(say("script.asking"));
  for (let attempt = 0; ; attempt += 1) {
    const answer = await ask(fields);
    const early = answer.code === "not-on-sale" && shelf.openedAt &&
      performance.now() - shelf.openedAt < EARLY_MS;
    const again = early || answer.status >= 502 || !answer.status;
    if (!again || performance.now() - began > PATIENCE_MS) return answer;
    const seconds = early ? 1 : answer.retry_after ?? Math.min(LONGEST_MS / SECOND_MS, 2 ** attempt);
    tell(waiting(answer.code, seconds));
    await sleep(seconds * SECOND_MS * (1 + Math.random() / 4));
  }
}

function waiting(code, seconds) {
  const known = ["overloaded", "no-quorum", "outcome-unknown"].includes(code);
  return say(`script.again.${known ? code : "no-answer"}`, { count: seconds });
}

async function ask({ key, ...fields }) {
  try {
    const answer = await fetch("/api/orders", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "Accept-Language": language,
      },
      body: JSON.stringify({ ...fields, quantity: Number(fields.quantity) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { ...(await answer.json()), status: answer.status };
  } catch {
    return { status: 0, code: "no-answer", detail: say("script.no-answer") };
  }
}

function paragraph(text) {
  const found = document.createElement("p");
  found.textContent = text;
  return found;
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sleep(ms) {
  return new Promise((done) => { setTimeout(done, ms); });
}

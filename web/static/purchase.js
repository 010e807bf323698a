// Buys or holds without leaving the page: one press is one purchase, and the page asks again with
// the same key until it knows the outcome. Without this script the form is an ordinary one.

import { TIMEOUT_MS, pursue } from "./retries.js";
import { language, say } from "./texts.js";

// For so long after the sale opened, "not on sale" means that the request was a moment too early.
const EARLY_MS = 10_000;

export function enable(form, ticketTypes, refresh) {
  const buttons = [...form.querySelectorAll("button")];
  const labels = new Map(buttons.map((button) => [button, button.textContent]));
  const problem = document.getElementById("problem");
  let spent = false;
  setBusy(null);  // some browsers remember a button as it was left

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? buttons[0];
    if (button.disabled) return;
    const fields = shown(form);
    setBusy(button);
    const answer = await order(button, fields, ticketTypes);
    if (answer.order) {
      spent = true;
      location.assign(`/orders/${answer.order}`);
      return;
    }
    setBusy(null);
    refuse(answer, button);
    refresh();
  });

  // Back from the ticket: this form's key has bought something, so the page is loaded again.
  addEventListener("pageshow", (event) => {
    if (event.persisted && spent) location.reload();
  });

  // While one of the buttons works, both are disabled.
  function setBusy(pressed) {
    for (const button of buttons) {
      button.disabled = pressed !== null;
      button.textContent = button === pressed ? say("script.buying") : labels.get(button);
    }
    form.ariaBusy = String(pressed !== null);
    if (pressed) problem.hidden = true;
  }

  function refuse(answer, button) {
    const spentKey = answer.code === "key-reused";
    if (spentKey) form.elements.key.value = newKey();
    ticketTypes.news.textContent = "";
    const texts = [spentKey ? say("sale.spent") : answer.detail];
    if (answer.code === "outcome-unknown") texts.push(say("sale.again"));
    problem.replaceChildren(...texts.map(paragraph));
    problem.hidden = false;
    const field = form.elements[answer.field];
    (field instanceof HTMLElement ? field : button).focus();
  }
}

// The order, or the problem that ends the purchase.
function order(button, fields, ticketTypes) {
  const tell = (text) => { ticketTypes.news.textContent = text; };
  tell(say(`script.${button.dataset.news}`));
  return pursue(
    () => ask(button.dataset.api, fields),
    (code) => tell(waiting(code)),
    (answer) => answer.code === "not-on-sale" && ticketTypes.openedAt &&
      performance.now() - ticketTypes.openedAt < EARLY_MS,
  );
}

// The fields, with the price that the page shows: tickets are sold at that price only.
function shown(form) {
  const { prices, ...fields } = Object.fromEntries(new FormData(form));
  const card = form.querySelector(`.card[data-type="${CSS.escape(fields.type ?? "")}"]`);
  const price = card && { price: Number(card.dataset.price), currency: form.dataset.currency };
  return { ...fields, ...price };
}

function waiting(code) {
  const known = ["overloaded", "no-quorum", "no-worker", "outcome-unknown"].includes(code);
  return say(`script.again.${known ? code : "no-answer"}`);
}

async function ask(address, { key, ...fields }) {
  try {
    const answer = await fetch(address, {
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

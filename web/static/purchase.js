// Buys or holds without leaving the page: one press is one purchase, and the page asks again with
// the same key until it knows the outcome. Without this script the form is an ordinary one.

import { Refusals } from "./refusals.js";
import { TIMEOUT_MS, pursue } from "./retries.js";
import { language, say } from "./texts.js";

// For so long after the sale opened, "not on sale" means that the request was a moment too early.
const EARLY_MS = 10_000;
const FIELDS = ["type", "buyer", "quantity"];

export function enable(form, ticketTypes, refresh) {
  const buttons = [...form.querySelectorAll("button")];
  const labels = new Map(buttons.map((button) => [button, button.textContent]));
  const refusals = new Refusals(form);
  let spent = false;
  form.noValidate = true;  // the page says in its own language, and at once, what is missing
  setBusy(null);  // some browsers remember a button as it was left

  form.addEventListener("change", priceButton);
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.name === "to") return;  // the other language
    event.preventDefault();
    const button = buttons.find((each) => each === event.submitter) ?? buttons[0];
    if (button.disabled) return;
    refusals.clear();
    const missing = blanks(form);
    if (missing.length) {
      refusals.atFields(missing);
      return;
    }
    const fields = shown(form);
    setBusy(button);
    const answer = await order(button, fields, ticketTypes);
    if (answer.order) {
      spent = true;
      location.assign(`/orders/${answer.order}`);
      return;
    }
    setBusy(null);
    refuse(answer, button, fields);
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
    if (!pressed) priceButton();
  }

  function priceButton() {
    if (form.ariaBusy !== "true") buttons[0].textContent = ticketTypes.purchaseLabel();
  }

  function refuse(answer, button, fields) {
    ticketTypes.news.show("");
    if (answer.code === "price-changed") {
      // As an ordinary form, it comes back with the new prices and all that was typed.
      form.action = button.getAttribute("formaction") ?? form.action;
      form.submit();
      return;
    }
    if (answer.code === "key-reused") form.elements.key.value = newKey();
    if (answer.code === "sold-out" && ticketTypes.note(fields.type, answer.remaining)) return;
    priceButton();
    if (FIELDS.includes(answer.field)) refusals.atFields([[answer.field, answer.detail]]);
    else refusals.besideButton(reasons(answer), button);
  }
}

// The fields that are still empty.
function blanks(form) {
  const { type, buyer } = Object.fromEntries(new FormData(form));
  return [...(type ? [] : [["type"]]), ...(buyer.trim() ? [] : [["buyer"]])];
}

// Why nothing was bought, in buyers' words.
function reasons(answer) {
  if (answer.code === "key-reused") return [say("sale.spent")];
  if (answer.code === "outcome-unknown") return [say("sale.unknown"), say("sale.again")];
  return [answer.detail];
}

// The order, or the problem that ends the purchase.
function order(button, fields, ticketTypes) {
  const tell = (text) => ticketTypes.news.show(text);
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
  const row = form.querySelector(`.row[data-type="${CSS.escape(fields.type ?? "")}"]`);
  const price = row && { price: Number(row.dataset.price), currency: form.dataset.currency };
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

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Keeps the ticket types on the page current, and shows the form when tickets can be bought.

import { countDown } from "./countdown.js";
import { clock, moment, say } from "./texts.js";

const SECOND_MS = 1000;

export class TicketTypes {
  constructor(form) {
    this.form = form;
    this.purchase = form.querySelector(".purchase");
    this.lead = document.getElementById("lead");
    this.stale = document.getElementById("stale");
    this.news = document.getElementById("news");
    this.timer = document.getElementById("countdown");
    this.cards = new Map([...form.querySelectorAll(".card")].map((card) => [card.dataset.type, card]));
    this.sale = form.dataset.sale;
    this.left = null;
    this.seenAt = Date.now();
    this.countDown(Number(form.dataset.opensIn));
    this.sayWhenItOpens();
  }

  // Shows what is left, as the server says.
  show(found) {
    this.seenAt = Date.now();
    this.showStale(found.stale ? found.as_of : null);
    for (const type of found.types) this.showType(type);
    this.sale = found.sale;
    this.countDown(found.opens_in_ms);
    this.settle();
  }

  // Notes that the server did not answer, so many times in a row.
  lost(failures) {
    if (failures > 1) this.showStale(this.seenAt);
  }

  showStale(at) {
    const wasStale = !this.stale.hidden;
    this.stale.hidden = at === null || at === undefined;
    if (this.stale.hidden) {
      if (wasStale) this.announce(say("script.fresh"));
      return;
    }
    this.stale.textContent = say("sale.stale", { clock: clock(at) });
    if (!wasStale) this.announce(this.stale.textContent);
  }

  showType({ name, remaining, capacity }) {
    const card = this.cards.get(name);
    if (!card) return;
    const few = remaining > 0 && remaining <= capacity * Number(this.form.dataset.few);
    const left = card.querySelector(".left");
    const text = remaining === 0 ? "left.none" : few ? "left.few" : "left.some";
    left.textContent = say(text, { count: remaining, capacity });
    left.classList.toggle("few", few);
    const bar = card.querySelector(".bar");
    bar.classList.toggle("few", few);
    bar.firstElementChild.setAttribute("width", (100 * remaining) / Math.max(1, capacity));
    const wasGone = card.classList.contains("gone");
    card.classList.toggle("gone", remaining === 0);
    if (remaining === 0 && !wasGone) this.take(card);
  }

  // A type that has just sold out is no longer chosen.
  take(card) {
    const radio = card.querySelector("input");
    if (radio.checked) {
      radio.checked = false;
      this.announce(say("script.gone", { type: card.querySelector(".name").textContent.trim() }));
    }
  }

  get soldOut() {
    return [...this.cards.values()].every((card) => card.classList.contains("gone"));
  }

  // Shows form and lead by the state of the sale.
  settle() {
    const state = this.sale === "open" && this.soldOut ? "sold-out" : this.sale;
    for (const card of this.cards.values()) {
      card.querySelector("input").disabled = state !== "open" || card.classList.contains("gone");
    }
    this.purchase.hidden = state !== "open";
    if (state === this.form.dataset.sale) return;
    this.form.dataset.sale = state;
    this.lead.textContent = { open: say("sale.lead"), "sold-out": say("sale.sold-out"),
      closed: say("script.closed"), before: this.lead.textContent }[state];
    this.announce(state === "open" ? say("script.open") : this.lead.textContent);
    this.sayWhenItOpens();
  }

  sayWhenItOpens() {
    const { sale, opensAt } = this.form.dataset;
    if (sale === "before") this.lead.textContent = say("sale.opens", { day: moment(opensAt) });
  }

  // Opens the form by the server's time.
  countDown(opensInMs) {
    this.stopCounting?.();
    this.timer.hidden = !(this.sale === "before" && opensInMs >= 0);
    if (this.timer.hidden) return;
    this.stopCounting = countDown(opensInMs, (leftMs) => {
      this.timer.textContent = duration(leftMs);
      if (leftMs === 0) this.open();
    });
  }

  open() {
    this.timer.hidden = true;
    this.openedAt = performance.now();
    this.sale = "open";
    this.settle();
  }

  // Announces to screen readers, politely, what changes the choice.
  announce(text) {
    if (!this.form.ariaBusy || this.form.ariaBusy === "false") this.news.textContent = text;
  }
}

function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  const days = Math.floor(seconds / 86_400);
  const parts = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const time = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return days ? say("script.days", { count: days, time }) : time;
}

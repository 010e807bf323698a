// Keeps the ticket types on the page current, and shows the form when tickets can be bought.

import { countDown } from "./countdown.js";
import { News } from "./news.js";
import { clock, isLocal, language, moment, say } from "./texts.js";

const SECOND_MS = 1000;

export class TicketTypes {
  constructor(form) {
    this.form = form;
    this.parts = form.querySelectorAll(".while-open");
    this.lead = document.getElementById("lead");
    this.stale = document.getElementById("stale");
    this.news = new News(document.getElementById("news"));
    this.timer = document.getElementById("countdown");
    this.rows = new Map([...form.querySelectorAll(".row")].map((row) => [row.dataset.type, row]));
    this.sale = form.dataset.sale;
    this.seenAt = Date.now();
    this.countDown(Number(form.dataset.opensIn));
    this.yours = document.getElementById("yours");
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

  // Notes what a refusal told of a type. Returns whether there is nothing more to say of it: the
  // page has just said that all is sold.
  note(name, remaining) {
    const row = this.rows.get(name);
    if (row === undefined || remaining === undefined) return false;
    row.querySelector("input").checked &&= remaining > 0;
    this.showType({ name, remaining, capacity: Number(row.dataset.capacity) });
    this.settle();
    return this.form.dataset.sale !== "open";
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
    const row = this.rows.get(name);
    if (!row) return;
    const few = remaining > 0 && remaining <= capacity * Number(this.form.dataset.few);
    const left = row.querySelector(".left");
    const text = remaining === 0 ? "left.none" : few ? "left.few" : "left.some";
    left.textContent = say(text, { count: remaining, capacity });
    left.classList.toggle("few", few);
    const bar = row.querySelector(".bar");
    bar.classList.toggle("few", few);
    bar.firstElementChild.setAttribute("width", (100 * remaining) / Math.max(1, capacity));
    row.dataset.capacity = capacity;
    const wasGone = row.classList.contains("gone");
    row.classList.toggle("gone", remaining === 0);
    if (remaining === 0 && !wasGone) this.take(row);
  }

  // A type that has just sold out is no longer chosen.
  take(row) {
    const radio = row.querySelector("input");
    if (!radio.checked) return;
    radio.checked = false;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    if (!this.soldOut) this.tell(say("script.gone", { type: this.labelOf(row) }));
  }

  labelOf(row) {
    return row.querySelector(".name").textContent.trim();
  }

  get soldOut() {
    return [...this.rows.values()].every((row) => row.classList.contains("gone"));
  }

  // What the button buys, and for how much.
  purchaseLabel() {
    const { type, quantity } = Object.fromEntries(new FormData(this.form));
    const row = this.rows.get(type);
    const [wanted, priced] = this.form.dataset.payment === "required"
      ? ["sale.reserve", "sale.reserve-for"]
      : ["sale.buy", "sale.buy-for"];
    if (!row) return say(wanted);
    const count = Number(quantity);
    const total = count * Number(row.dataset.price);
    return total
      ? say(priced, { count, total: this.money(total) })
      : say("sale.get-free", { count });
  }

  money(units) {
    const { money, decimals, shown } = this.form.dataset;
    const digits = { minimumFractionDigits: shown, maximumFractionDigits: decimals };
    const amount = new Intl.NumberFormat(language, digits).format(units / 10 ** decimals);
    return money.replace("{amount}", amount);
  }

  // Shows form and lead by the state of the sale.
  settle() {
    const state = this.sale === "open" && this.soldOut ? "sold-out" : this.sale;
    for (const row of this.rows.values()) {
      row.querySelector("input").disabled = state !== "open" || row.classList.contains("gone");
    }
    const hadFocus = [...this.parts].some((part) => part.contains(document.activeElement));
    for (const part of this.parts) part.hidden = state !== "open";
    if (state === this.form.dataset.sale) return;
    this.form.dataset.sale = state;
    this.lead.hidden = state === "open";
    this.lead.textContent = { open: "", "sold-out": say("sale.sold-out"),
      closed: say("sale.ended"), before: this.lead.textContent }[state];
    this.sayWhenItOpens();
    if (hadFocus && !this.lead.hidden) this.lead.focus();
    else this.announce(state === "open" ? say("script.open") : this.lead.textContent);
  }

  // The venue's time stands in the lead; the reader's own helps where their clocks differ.
  sayWhenItOpens() {
    const { sale, opensAt, zone } = this.form.dataset;
    this.yours.hidden = sale !== "before" || isLocal(opensAt, zone);
    if (!this.yours.hidden) {
      this.yours.textContent = say("script.yours", { moment: moment(opensAt) });
    }
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

  // What changes the choice is not said while the buyer waits for an answer.
  get busy() {
    return this.form.ariaBusy === "true";
  }

  tell(text) {
    if (!this.busy) this.news.show(text);
  }

  announce(text) {
    if (!this.busy) this.news.speak(text);
  }
}

function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  const days = Math.floor(seconds / 86_400);
  const parts = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const time = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return days ? say("script.days", { count: days, time }) : time;
}

// An order's page: its buttons act without leaving it, and a hold's time counts down. The server
// renders every state of the page; this script only puts it in place of the last one.

import { countDown } from "./countdown.js";
import { TIMEOUT_MS, pursue, sleep } from "./retries.js";
import { clock, say } from "./texts.js";
import { localise } from "./times.js";

const RETRY_MS = 1000;
const PAID_MS = 5000;

const news = document.getElementById("news");
let order = document.getElementById("order");
let busy = false;
let warned, endsAt;
let stopCounting = () => {};

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.act")) return;
  event.preventDefault();
  if (!busy) act(event.target);
});
// A double click is one press, even if the first click is answered before the second.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest("form.act")) event.preventDefault();
});
// The shop tells the box office of the payment, not this page.
setInterval(() => { if (!document.hidden && "pays" in order.dataset) lookAgain(); }, PAID_MS);
// What another tab has done with this order is seen here at once.
const tabs = new BroadcastChannel("orders");
tabs.addEventListener("message", ({ data }) => { if (data === location.pathname) lookAgain(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) lookAgain(); });
addEventListener("pageshow", (event) => { if (event.persisted) lookAgain(); });

// --- what a browser can do with a ticket

const abilities = {
  copy: navigator.clipboard && (async () => {
    await navigator.clipboard.writeText(location.href);
    news.textContent = say("script.copied");
  }),
  share: navigator.share && (() => navigator.share({ title: document.title, url: location.href })),
  print: () => print(),
};

document.addEventListener("click", (event) => {
  const wanted = event.target.closest("[data-does]")?.dataset.does;
  // Who closes the sheet of their device's apps has changed their mind.
  if (wanted) Promise.resolve(abilities[wanted]()).catch(() => {});
});

function offer() {
  for (const button of order.querySelectorAll("[data-does]")) {
    button.parentElement.hidden = !abilities[button.dataset.does];
  }
}

// --- the buttons

async function act(form) {
  const button = form.querySelector("button");
  const label = button.textContent;
  setBusy(true);
  button.textContent = say("script.buying");
  news.textContent = "";
  const body = new URLSearchParams(new FormData(form));
  const answer = await pursue(
    () => ask(form.action, { method: "POST", body }),
    () => { news.textContent = say("script.once-more"); },
  );
  setBusy(false);
  button.textContent = label;
  news.textContent = "";
  const before = order.dataset.until;
  if (answer.order) {
    take(answer);
    tabs.postMessage(location.pathname);
    (order.querySelector(`form[action="${form.getAttribute("action")}"] button`) ?? heading()).focus();
    if (order.dataset.status === "held" && order.dataset.until !== before) {
      news.textContent = say("script.held-longer", { clock: clock(order.dataset.until) });
    }
  } else if (answer.status && answer.status < 500) {
    location.reload();
  } else {
    complain(say("script.not-done"));
    begin();
  }
}

function setBusy(wish) {
  busy = wish;
  order.ariaBusy = String(wish);
  for (const button of order.querySelectorAll("button")) button.disabled = wish;
}

function complain(text) {
  const problem = document.getElementById("problem");
  problem.firstElementChild.textContent = text;
  problem.hidden = false;
}

// --- the page as the server has it

// The part of the page that is about the order, if the answer has one.
async function ask(address, options = {}) {
  try {
    const answer = await fetch(address, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const wait = answer.headers.get("retry-after");
    return {
      status: answer.status,
      retry_after: wait === null ? undefined : Number(wait),
      title: page.title,
      order: page.getElementById("order"),
    };
  } catch {
    return { status: 0 };
  }
}

function take({ title, order: wanted }) {
  stopCounting();
  order.replaceWith(document.adoptNode(wanted));
  order = wanted;
  document.title = title;
  arrive();
}

function arrive() {
  localise(order);
  offer();
  warned = false;
  settle(order.dataset.endsIn);
}

// Asks for the order and shows what has changed. Returns whether there was an answer.
async function refresh(focused = order.contains(document.activeElement)) {
  const found = await ask(location.pathname);
  if (busy || found.status !== 200 || !found.order) return false;
  const { status, until, endsIn } = found.order.dataset;
  if (status === order.dataset.status && until === order.dataset.until) {
    setBusy(false);
    settle(endsIn);
    return true;
  }
  take(found);
  news.textContent = heading().textContent;
  if (focused) heading().focus();
  return true;
}

// The clock stands still while a computer sleeps, and another tab may have extended the time.
function lookAgain() {
  if (!busy && order.dataset.status === "held") refresh();
}

function heading() {
  return order.querySelector("h1");
}

// --- the time that is left

function settle(endsIn) {
  endsAt = performance.now() + Number(endsIn);
  begin();
}

function begin() {
  stopCounting();
  const timer = order.querySelector("#countdown");
  if (!timer) return;
  stopCounting = countDown(endsAt - performance.now(), (leftMs) => {
    timer.textContent = left(leftMs);
    if (leftMs <= Number(order.dataset.warnAt)) warn(timer);
    if (leftMs === 0) end();
  });
}

// Warns once in words, because screen readers don't read the timer.
function warn(timer) {
  if (warned || busy) return;
  warned = true;
  timer.classList.add("few");
  const extendable = order.querySelector("form[action$='/extend']");
  news.textContent = say(extendable ? "script.ending" : "script.ending-for-good");
}

// Disables the buttons and asks the server what became of the tickets.
async function end() {
  if (busy) return;
  const focused = order.contains(document.activeElement);
  for (const button of order.querySelectorAll("button")) button.disabled = true;
  news.textContent = say("script.time-up");
  while (!busy && !(await refresh(focused))) await sleep(RETRY_MS);
}

// The time as the server writes it.
function left(ms) {
  const seconds = Math.ceil(ms / 1000);
  const [hours, minute, second] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const parts = hours ? [minute, second] : [Math.floor(seconds / 60), second];
  const time = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return hours ? `${hours}:${time}` : time;
}

arrive();

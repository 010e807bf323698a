// Checks tickets in without leaving the page: what the camera sees, or what is typed.
//
// A scan keeps its id until its answer has been shown. Until then, scanning the same ticket again
// is the same scan, also after the page was loaded again.

const AGAIN_MS = 2000;
const COUNT_MS = 5000;
const PATIENCE_MS = 8000;
// After so many tries, a scan without an answer waits until it is tried by hand.
const MOST_TRIES = 15;
const LOOK_MS = 150;
// Our own decoder sees the picture no larger than this.
const DECODED_PX = 800;
// A code that stays in view is a new scan only after it has been away for so long.
const AWAY_MS = 1000;
// A result stays for so long before the camera takes the next ticket.
const SHOWN_MS = 1500;
// An admission by camera is over once its code has been out of view for so long, and in any case
// after a while, so that nobody else gets in with it. A refusal stays until the next ticket.
const GONE_MS = 500;
const OVER_MS = 5000;

const form = document.getElementById("scan");
const field = form.elements.order;
const result = document.getElementById("result");
const unanswered = document.getElementById("unanswered");
const ready = document.getElementById("ready");
const count = document.getElementById("count");
const last = document.getElementById("last");

const dates = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

// Scans without an answer, by ticket.
const open = {
  read() {
    try {
      return JSON.parse(localStorage.getItem("scans")) ?? {};
    } catch {
      return {};
    }
  },
  write(scans) {
    try {
      localStorage.setItem("scans", JSON.stringify(scans));
    } catch {
      // Without storage, only this page's own tries are the same scan.
    }
  },
  idOf(text) {
    const [scans, ticket] = [this.read(), ticketIn(text)];
    scans[ticket] ??= newId();
    this.write(scans);
    return scans[ticket];
  },
  close(text) {
    const { [ticketIn(text)]: _, ...rest } = this.read();
    this.write(rest);
  },
};

// The same ticket may be scanned or typed, as a code, a number in groups, or an address.
function ticketIn(text) {
  const plain = text.replace(/[\s-]/g, "");
  const number = plain.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
  if (/^[0-9A-Z]{10}([0-9A-Z]{16})?$/.test(number)) return number.slice(0, 10);
  return plain.toLowerCase().match(/[0-9a-f]{32}/)?.[0] ?? text;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A new scan replaces one that still waits; `busy` stays until there is something to show.
let turn = 0;
let busy = false;
let shown = { text: "", at: 0 };
let over = 0;

async function check(text) {
  const mine = ++turn;
  const fields = new URLSearchParams(new FormData(form));
  fields.set("order", text);
  fields.set("scan", open.idOf(text));
  busy = true;
  result.setAttribute("aria-busy", "true");
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const verdict = await ask(form.action, fields);
    if (mine !== turn) return;
    show(verdict, text);
    if (verdict.dataset.kind !== "no-answer") {
      open.close(text);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    if (mine !== turn) return;
  }
}

// The server's answer, or that there is none.
async function ask(address, fields) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(address, { method: "POST", body: fields, signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const verdict = page.querySelector("#result > .verdict");
    if (verdict) {
      takeOver(page, verdict.dataset.kind);
      return document.adoptNode(verdict);
    }
    if (answer.redirected || answer.status === 403) location.reload();
  } catch {
    // No network, or no web server: asks again.
  }
  return unanswered.content.firstElementChild.cloneNode(true);
}

// The count, and the button that takes the last admission back, which stays until the next one.
function takeOver(page, kind) {
  count.textContent = page.getElementById("count").textContent;
  const undo = page.querySelector("#last > form");
  if (undo) last.replaceChildren(document.adoptNode(undo));
  if (kind === "undone" || kind === "undo-too-late") last.replaceChildren();
}

last.addEventListener("submit", async (event) => {
  event.preventDefault();
  turn++;
  const undo = event.target;
  const verdict = await ask(undo.action, new URLSearchParams(new FormData(undo)));
  show(verdict, "");
});

async function keepCounting() {
  try {
    if (!document.hidden && count.dataset.event) {
      const asked = `${new URL(form.action).pathname}/admitted?event=${count.dataset.event}`;
      const answer = await fetch(asked, { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.ok && !answer.redirected) count.textContent = await answer.text();
    }
  } catch {
    // The last count stays.
  }
  setTimeout(keepCounting, COUNT_MS);
}

function show(verdict, text) {
  document.getElementById("again")?.remove();
  const same = verdict.dataset.kind === "no-answer" && result.querySelector(".no-answer");
  if (!same) result.replaceChildren(verdict);
  inLocalTime();
  result.removeAttribute("aria-busy");
  busy = false;
  shown = { text, at: performance.now() };
  clearTimeout(over);
  if (stream) over = setTimeout(endAdmission, OVER_MS);
  const kind = verdict.dataset.kind;
  if (kind === "no-door") {
    form.elements.door.focus();
  } else if (kind !== "no-answer" && kind !== "unreadable") {
    field.value = "";
  }
  // A hand scanner may act as the keyboard: it types over what still stands here.
  if (kind !== "no-door" && matchMedia("(pointer: fine)").matches) field.select();
  if (!same) result.scrollIntoView({ block: "nearest" });
}

function endAdmission() {
  if (result.querySelector(".admitted")) result.replaceChildren(ready.content.cloneNode(true));
}

function inLocalTime() {
  for (const time of result.querySelectorAll("time[data-clock]")) {
    const at = new Date(time.dateTime);
    const today = at.toDateString() === new Date().toDateString();
    const day = today ? {} : { dateStyle: "medium" };
    time.textContent = new Intl.DateTimeFormat(dates, { ...day, timeStyle: "medium" }).format(at);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check(field.value.trim());
});

document.getElementById("again")?.addEventListener("submit", (event) => {
  // An undo that is tried again stays one: the page posts it.
  if (event.target.action.endsWith("/undo")) return;
  event.preventDefault();
  const { order, scan } = event.target.elements;
  open.write({ ...open.read(), [ticketIn(order.value)]: scan.value });
  check(order.value);
});

// The camera.

const view = document.getElementById("view");
const button = document.getElementById("look");
const why = document.getElementById("why");
let stream = null;
// When each scanned code went out of view; never, while it is still there.
const left = new Map();
const STILL_THERE = Infinity;

async function start() {
  tell("");
  left.clear();
  try {
    const detector = await newDetector();
    const video = { facingMode: "environment", width: { ideal: 1280 } };
    stream = await navigator.mediaDevices.getUserMedia({ video });
    stream.getVideoTracks()[0].addEventListener("ended", stop);
    view.srcObject = stream;
    await view.play();
    view.hidden = false;
    button.textContent = button.dataset.stop;
    look(detector, stream);
  } catch (error) {
    stop();
    tell(error.name === "NotAllowedError" ? "denied" : "broken");
  }
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  view.srcObject = null;
  view.hidden = true;
  button.textContent = button.dataset.start;
}

async function look(detector, from) {
  while (stream === from) {
    const codes = await codesIn(detector);
    if (stream === from) notice(codes, performance.now());
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function codesIn(detector) {
  try {
    return document.hidden ? [] : (await detector.detect(view)).map((code) => code.rawValue);
  } catch {
    return []; // A frame that can't be read is followed by the next.
  }
}

function notice(texts, now) {
  for (const [text, at] of left) {
    if (at === STILL_THERE && !texts.includes(text)) left.set(text, now);
  }
  if (hasGone(shown.text, now) && now - shown.at >= SHOWN_MS) endAdmission();
  for (const text of texts) see(text, now);
}

const hasGone = (text, now) => now - left.get(text) >= GONE_MS;

function see(text, now) {
  // The same code again is another person with it, not the one who was admitted.
  if (text === shown.text && hasGone(text, now)) endAdmission();
  const isNew = !left.has(text) || now - left.get(text) >= AWAY_MS;
  if (isNew && (busy || now - shown.at < SHOWN_MS)) return;
  left.set(text, STILL_THERE);
  if (isNew) check(text);
}

function tell(reason) {
  why.textContent = reason && why.dataset[reason];
}

// The browser's own detector, or the decoder that we bring along: Safari has none.
async function newDetector() {
  if (await canDetect()) return new BarcodeDetector({ formats: ["qr_code"] });
  await import(document.getElementById("camera").dataset.decoder);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return {
    detect(video) {
      const scale = Math.min(1, DECODED_PX / Math.max(video.videoWidth, video.videoHeight));
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      const code = window.jsQR(data, width, height, { inversionAttempts: "dontInvert" });
      return code?.data ? [{ rawValue: code.data }] : [];
    },
  };
}

async function canDetect() {
  if (!("BarcodeDetector" in window)) return false;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

async function mayLook() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state;
  } catch {
    return "prompt";
  }
}

async function begin() {
  inLocalTime();
  document.getElementById("camera").hidden = false;
  button.hidden = true;
  if (!window.isSecureContext) return tell("insecure");
  if (!navigator.mediaDevices) return tell("none");
  button.hidden = false;
  button.addEventListener("click", () => (stream ? stop() : start()));
  const state = await mayLook();
  if (state === "granted") start();
  if (state === "denied") tell("denied");
}

begin();
setTimeout(keepCounting, COUNT_MS);

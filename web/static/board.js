// Keeps the board current: asks the server each second for the part that changes, and replaces only
// what is different, so that focus, selection and scrolling stay where they are.

const EVERY_MS = 1000;
const MOST_MS = 10000;
const PATIENCE_MS = 4000;

const live = document.getElementById("live");
const lost = document.getElementById("lost");
let pause = EVERY_MS;
let lostAt = null;

async function refresh() {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(live.dataset.from, { signal, headers: { accept: "text/html" } });
  if (answer.status === 401) {
    location.reload();
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const wanted = live.cloneNode(false);
  wanted.innerHTML = await answer.text();
  morph(live, wanted);
}

async function keep() {
  if (!document.hidden) {
    try {
      await refresh();
      pause = EVERY_MS;
      tellLost(null);
    } catch {
      pause = Math.min(MOST_MS, pause * 1.5);
      tellLost(lostAt ?? new Date());
    }
  }
  setTimeout(keep, pause);
}

function tellLost(since) {
  if (lostAt === since) return;
  lostAt = since;
  lost.hidden = since === null;
  const clock = since?.toISOString().slice(11, 19);
  lost.textContent = since ? lost.dataset.text.replace("{clock}", `${clock} UTC`) : "";
}

// Makes `now` like `wanted`, and changes only what is different.
function morph(now, wanted) {
  if (now.isEqualNode(wanted)) return;
  if (now.nodeType !== wanted.nodeType || now.nodeName !== wanted.nodeName) {
    now.replaceWith(wanted);
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    now.data = wanted.data;
    return;
  }
  for (const { name } of [...now.attributes]) {
    if (!wanted.hasAttribute(name)) now.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  const others = [...wanted.childNodes];
  [...now.childNodes].forEach((child, place) => {
    if (place < others.length) morph(child, others[place]);
    else child.remove();
  });
  now.append(...others.slice(now.childNodes.length));
}

// Shows the figures at the moment under the pointer, read off the lines.
function figuresAt(plot, x) {
  const top = Number(plot.dataset.top);
  return [...plot.querySelectorAll(".line")].map((line) => {
    const points = line.getAttribute("d").matchAll(/[ML]([\d.]+) ([\d.]+)/g);
    let best = null;
    for (const [, px, py] of points) {
      const away = Math.abs(px - x);
      if (away <= 6 && (best === null || away < best.away)) best = { away, y: Number(py) };
    }
    return best === null ? "–" : short((top * (100 - best.y)) / 100);
  });
}

function short(figure) {
  return figure < 10 ? String(Math.round(figure * 10) / 10) : Math.round(figure).toLocaleString("en");
}

live.addEventListener("pointermove", (event) => {
  const field = event.target.closest(".field");
  clear();
  if (!field) return;
  const svg = field.querySelector("svg");
  const box = svg.getBoundingClientRect();
  const x = (600 * (event.clientX - box.left)) / box.width;
  const cursor = document.createElementNS(svg.namespaceURI, "path");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("d", `M${x.toFixed(1)} 0V100`);
  const readout = document.createElement("span");
  readout.className = "readout";
  readout.textContent = figuresAt(field.closest(".plot"), x).join(" · ");
  svg.append(cursor);
  field.append(readout);
});
live.addEventListener("pointerleave", clear);

function clear() {
  for (const each of live.querySelectorAll(".cursor, .readout")) each.remove();
}

setTimeout(keep, EVERY_MS);

// Asks for the availability again and again: when the server said, at random moments so that pages
// don't ask together, less often after errors, and not while the page is hidden.

const LONGEST_MS = 60_000;
const TIMEOUT_MS = 8_000;
const RETURN_MS = 400;

// `show` gets the server's answer, `lost` the number of failures in a row.
// Returns a function that asks soon.
export function watch(address, firstMs, show, lost) {
  let timer;
  let failures = 0;
  let pollMs = firstMs;
  let asking = false;

  function askIn(ms) {
    clearTimeout(timer);
    timer = setTimeout(ask, ms * (0.75 + Math.random() / 2));
  }

  async function ask() {
    if (document.hidden || asking) return;
    asking = true;
    try {
      // The browser's own cache sends the ETag along.
      const answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const found = await answer.json();
      failures = 0;
      pollMs = found.poll_after_ms;
      show(found);
    } catch {
      failures += 1;
      lost(failures);
    } finally {
      asking = false;
    }
    askIn(Math.min(LONGEST_MS, pollMs * 2 ** failures));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else askIn(RETURN_MS);
  });
  askIn(firstMs);
  return () => askIn(RETURN_MS);
}

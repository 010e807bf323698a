// Asks again with the same key until the outcome is known.

const PATIENCE_MS = 120_000;
const LONGEST_MS = 8_000;
const SECOND_MS = 1000;

// The timeout of one request.
export const TIMEOUT_MS = 15_000;

// `ask` resolves to `{ status, code, retry_after, … }`, with status 0 for no answer; `tell` gets the
// code before the next try. If `early(answer)`, the next try is after a second.
export async function pursue(ask, tell, early = () => false) {
  const began = performance.now();
  for (let attempt = 0; ; attempt += 1) {
    const answer = await ask();
    const soon = early(answer);
    const again = soon || answer.status >= 502 || !answer.status;
    if (!again || performance.now() - began > PATIENCE_MS) return answer;
    const seconds = soon ? 1 : answer.retry_after ?? Math.min(LONGEST_MS / SECOND_MS, 2 ** attempt);
    tell(answer.code);
    await sleep(seconds * SECOND_MS * (1 + Math.random() / 4));
  }
}

export function sleep(ms) {
  return new Promise((done) => { setTimeout(done, ms); });
}

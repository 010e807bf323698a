// Counts down on a clock that can't be set.

const TICK_MS = 250;

// Calls `show` with the milliseconds left, four times a second and a last time with 0.
// Returns a function that stops it.
export function countDown(ms, show) {
  const ends = performance.now() + ms;
  const ticking = setInterval(tick, TICK_MS);
  tick();
  return () => clearInterval(ticking);

  function tick() {
    const leftMs = Math.max(0, ends - performance.now());
    if (leftMs === 0) clearInterval(ticking);
    show(leftMs);
  }
}

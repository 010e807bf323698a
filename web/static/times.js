// Shows moments by the reader's own clock. Without this they stand there in UTC.

import { clock, moment } from "./texts.js";

export function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = moment(time.dateTime);
  }
  for (const time of root.querySelectorAll("time[data-clock]")) {
    time.textContent = clock(time.dateTime);
  }
}

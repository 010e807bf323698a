// Shows moments in the reader's time zone. Without this script they are in UTC.

import { clock, moment } from "./texts.js";

export function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = moment(time.dateTime);
  }
  for (const time of root.querySelectorAll("time[data-clock]")) {
    time.textContent = clock(time.dateTime);
  }
}

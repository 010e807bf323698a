// Shows moments by the reader's own clock. Without this they stand there in UTC.

import { moment } from "./texts.js";

for (const time of document.querySelectorAll("time[data-local]")) {
  time.textContent = moment(time.dateTime);
}

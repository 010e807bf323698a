// The sale's page: stays current and sells without being loaded again.

import { enable } from "./purchase.js";
import { TicketTypes } from "./ticket-types.js";
import { watch } from "./polling.js";

const form = document.querySelector("form.sale");
const ticketTypes = new TicketTypes(form);
const refresh = watch(
  `/api/events/${form.dataset.event}/availability`,
  Number(form.dataset.poll),
  (found) => ticketTypes.show(found),
  (failures) => ticketTypes.lost(failures),
);
enable(form, ticketTypes, refresh);
// A page that answers a form has no address to come back to.
if ("posted" in form.dataset) history.replaceState(null, "", `/?event=${form.dataset.event}`);

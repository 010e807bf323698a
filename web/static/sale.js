// The sale's page: stays current and sells without being loaded again.

import { enable } from "./purchase.js";
import { Shelf } from "./shelf.js";
import { localise } from "./times.js";
import { watch } from "./watch.js";

const form = document.querySelector("form.sale");
const shelf = new Shelf(form);
const refresh = watch(
  `/api/events/${form.dataset.event}/availability`,
  Number(form.dataset.poll),
  (found) => shelf.show(found),
  (failures) => shelf.lost(failures),
);
enable(form, shelf, refresh);
localise(document);

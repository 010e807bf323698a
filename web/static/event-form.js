// Uses the reader's own time zone if none was chosen, and reads a file that is picked.

const form = document.querySelector(".event-form");
const file = document.getElementById("file");
const pick = document.getElementById("pick");

// Asks before anything is typed, because the server writes all times.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = [...document.getElementById("zones").options].some(({ value }) => value === zone);
if ("guess" in form.dataset && known && zone !== "UTC") {
  location.replace(`?zone=${encodeURIComponent(zone)}`);
}

if (pick) {
  pick.hidden = false;
  pick.addEventListener("change", async () => {
    file.value = (await pick.files[0]?.text()) ?? file.value;
  });
}

// Enter in a field submits the form; it adds no rows.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input:not([type=checkbox])")) {
    event.preventDefault();
    event.currentTarget.requestSubmit(event.currentTarget.querySelector("button.main"));
  }
});

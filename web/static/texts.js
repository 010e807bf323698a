// The texts of the page's scripts, in its language.

const texts = JSON.parse(document.body.dataset.texts);

export const language = document.documentElement.lang;

const numbers = new Intl.NumberFormat(language);

// The text of that key; `{count}` chooses between its forms.
export function say(key, values = {}) {
  const text = texts[key];
  const form = typeof text === "string" ? text : text[["", "one", "two"][values.count]] ?? text.other;
  return form.replace(/\{(\w+)[^}]*\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? numbers.format(value) : value;
  });
}

// The server's English has the day before the month.
const dates = language === "en" ? "en-GB" : language;

// A moment in the reader's time zone; `at` is RFC 3339.
export function moment(at) {
  const when = new Date(at);
  const day = new Intl.DateTimeFormat(dates, {
    year: "numeric", month: "long", day: "numeric",
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(when);
  const parts = new Intl.DateTimeFormat(dates, { timeZoneName: "short" }).formatToParts(when);
  return say("script.moment", { day, zone: parts.find(({ type }) => type === "timeZoneName").value });
}

// Whether the reader's clocks show at that moment what those of the zone show.
export function isLocal(at, zone) {
  const shown = (timeZone) => new Intl.DateTimeFormat("en", {
    dateStyle: "short", timeStyle: "short", timeZone,
  }).format(new Date(at));
  try {
    return shown(zone) === shown();
  } catch {  // this browser doesn't know the zone
    return false;
  }
}

// Its hours, minutes and seconds only.
export function clock(at) {
  return new Intl.DateTimeFormat(dates, { timeStyle: "medium", hourCycle: "h23" })
    .format(new Date(at));
}

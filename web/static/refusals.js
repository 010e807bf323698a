// Says why nothing was bought: at the fields at fault, which get the focus, or beside the button.
// Each refusal is told once: with its field, or by the alert.

export class Refusals {
  constructor(form) {
    this.form = form;
    this.problem = document.getElementById("problem");
  }

  clear() {
    this.problem.hidden = true;
    this.problem.removeAttribute("tabindex");
    this.problem.role = "alert";
    for (const error of this.form.querySelectorAll(".error")) error.hidden = true;
    for (const field of this.form.querySelectorAll("[aria-describedby]")) {
      field.removeAttribute("aria-describedby");
      field.removeAttribute("aria-invalid");
    }
  }

  // Shows the faults, `[name, text]` each; without a text the one that the page has.
  atFields(faults) {
    for (const [name, text] of faults) {
      const error = document.getElementById(`${name}-error`);
      if (text) error.textContent = text;
      error.hidden = false;
      const group = name === "type" ? this.form.querySelector(".types") : this.form.elements[name];
      group.setAttribute("aria-describedby", error.id);
      if (name !== "type") group.ariaInvalid = "true";
    }
    this.first(faults[0][0])?.focus();
  }

  first(name) {
    return name === "type"
      ? this.form.querySelector("[name=type]:enabled")
      : this.form.elements[name];
  }

  besideButton(texts, button) {
    this.problem.replaceChildren(...texts.map(paragraph));
    this.problem.hidden = false;
    button.focus();
    this.problem.scrollIntoView({ block: "nearest" });
  }
}

function paragraph(text) {
  const found = document.createElement("p");
  found.textContent = text;
  return found;
}

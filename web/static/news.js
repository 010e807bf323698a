// The page's one line of news, which screen readers announce, each text once.

export class News {
  constructor(line) {
    this.line = line;
  }

  show(text) {
    this.#set(text, false);
  }

  // Says what the page shows already, for ears only.
  speak(text) {
    this.#set(text, true);
  }

  #set(text, unseen) {
    this.line.classList.toggle("unseen", unseen);
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}

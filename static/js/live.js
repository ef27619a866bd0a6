/* An open sale keeps itself up to date: woken by the server, or asking by itself where too many watch at once. */

const second = 1000;
const asking = 5 * second;
const longest = 60 * second;

/** A sale on this page: its block, what it shows, and how it hears of news. */
class Sale {
  constructor(block) {
    this.block = block;
    this.offset = Date.parse(block.dataset.now) - Date.now(); // by so much the server's clock is ahead of this one
    this.wait = asking;
    this.said = document.createElement("p");
    this.said.className = "visually-hidden";
    this.said.setAttribute("role", "status");
    block.after(this.said);
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.listen()));
    setInterval(() => this.count(), second);
    this.count();
    this.listen();
  }

  get open() {
    return this.block.dataset.open === "yes";
  }

  rest() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
  }

  /** Hear of news by a stream; where the server gives none, ask. */
  listen() {
    this.rest();
    if (document.hidden || !this.open) return;
    this.refresh();
    const address = new URL(this.block.dataset.watch, location.href);
    address.searchParams.set("version", this.block.dataset.version);
    this.source = new EventSource(address);
    this.source.addEventListener("open", () => this.state("live"));
    this.source.addEventListener("changed", () => this.refresh());
    this.source.addEventListener("error", () => {
      if (this.source?.readyState === EventSource.CLOSED) this.ask();
      else this.state("lost");
    });
  }

  ask() {
    this.rest();
    if (document.hidden || !this.open) return;
    this.state("asking");
    this.timer = setTimeout(async () => {
      await this.refresh();
      this.ask();
    }, this.wait * (0.8 + 0.4 * Math.random()));
  }

  /** Fetch the block as this reader sees it, unless it is the one that stands here. */
  async refresh() {
    try {
      const headers = { "HX-Request": "true" };
      if (this.etag) headers["If-None-Match"] = this.etag;
      const answer = await fetch(this.block.dataset.live, { headers, credentials: "same-origin", cache: "no-store" });
      this.wait = asking;
      if (answer.status === 304) return;
      if (!answer.ok) throw new Error(String(answer.status));
      this.show(await answer.text(), answer.headers);
    } catch {
      this.wait = Math.min(this.wait * 2, longest);
      this.state("lost");
    }
  }

  show(html, headers) {
    const { block, said } = this;
    const news = headers.get("X-Version") !== block.dataset.version;
    const state = block.querySelector("[data-live-state]")?.textContent;
    this.etag = headers.get("ETag");
    block.dataset.version = headers.get("X-Version");
    block.dataset.open = headers.get("X-Open") ?? "";
    if (!news) return;
    block.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    this.write(state);
    this.count();
    said.textContent = "";
    requestAnimationFrame(() => { said.textContent = block.dataset.saidChanged; });
    if (!this.open) this.rest();
  }

  state(name) {
    this.write(this.block.dataset[`said${name[0].toUpperCase()}${name.slice(1)}`]);
  }

  write(text) {
    const place = this.block.querySelector("[data-live-state]");
    if (!place) return;
    place.hidden = !text || !this.open;
    place.textContent = text ?? "";
  }

  /** Count down by the server's clock; when the end has come, look whether it is still there. */
  count() {
    const end = this.block.querySelector("[data-ends]");
    if (!end || !this.open) return;
    const left = Math.round((Date.parse(end.dateTime) - Date.now() - this.offset) / second);
    let place = end.parentNode.querySelector(".countdown");
    if (!place) {
      place = document.createElement("b");
      place.className = "countdown figures";
      place.setAttribute("aria-hidden", "true"); // the end itself is read out
      end.after(" ", place);
    }
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(left / 3600);
    place.textContent = left > 86400 || left < 0 ? "" : `${hours ? `${hours}:` : ""}${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    if (left < 0 && left > -30) this.refresh();
  }
}

for (const block of document.querySelectorAll("[data-live]")) new Sale(block);

/* The page of a weighbridge: net while one types, and a ticket that a bad link does not lose. */

const AGAIN_MS = 8000;

const box = document.querySelector("[data-weigh]");
const form = document.getElementById("weigh");
const place = `huiyong-ticket ${location.pathname}`;

function figure(name) {
  const read = form.elements[name].value.normalize("NFKC").replace(/[,\s]/g, "");
  return /^\d+$/.test(read) ? Number(read) : null;
}

function showNet() {
  const [gross, tare] = [figure("gross_kg"), figure("tare_kg")];
  const line = box.querySelector(".net");
  const net = gross !== null && tare !== null && gross > tare ? gross - tare : null;
  line.textContent = net === null ? "" : `${line.dataset.net} ${new Intl.NumberFormat(document.documentElement.lang).format(net)} kg`;
}

function say(text) {
  let line = box.querySelector(".weigh-state");
  if (!line) {
    line = Object.assign(document.createElement("p"), { className: "notice wait weigh-state" });
    line.setAttribute("role", "status");
    form.before(line);
  }
  line.textContent = text;
}

/** Keep on this phone what is to be sent, until the server has answered; a phone that keeps nothing still sends. */
function keep(fields) {
  try {
    if (fields) localStorage.setItem(place, JSON.stringify(fields));
    else localStorage.removeItem(place);
  } catch {}
}

/** Put into the form what was kept, but for the token of a page that is gone. Return whether there was anything. */
function fill() {
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? "null");
    for (const [name, value] of kept ?? []) {
      if (name !== "csrf_token" && form.elements[name]) form.elements[name].value = value;
    }
    return kept !== null;
  } catch {
    return false;
  }
}

/** Send the ticket. Its key makes a second request the same as the first; without a connection it is tried again by itself. */
async function send() {
  const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
  keep(fields);
  say(box.dataset.sending);
  try {
    const answer = await fetch(location.href, { method: "POST", body: new URLSearchParams(fields) });
    if (answer.status >= 500) throw new Error(String(answer.status));
    keep(null);
    if (answer.redirected) location.assign(answer.url);
    else HTMLFormElement.prototype.submit.call(form); // refused, and nothing was written: let the page say why
  } catch {
    say(box.dataset.kept);
    setTimeout(send, AGAIN_MS);
  }
}

if (form) {
  form.addEventListener("input", showNet);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  const waits = fill();
  showNet();
  if (waits) send();
}

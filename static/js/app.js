/* What every page does a little better with scripts: menus, questions before a step, one submit per form. */

const ask = document.getElementById("ask");

/** Close open menus when a click or Escape goes elsewhere; return the focus to the menu's name on Escape. */
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.type === "click" && menu.contains(event.target)) continue;
    if (event.type === "keydown" && event.key !== "Escape") continue;
    menu.open = false;
    if (event.type === "keydown") menu.querySelector("summary").focus();
  }
}

/** Show the question, the yes named as the step itself, and resolve to whether that was the answer. */
function answer(question, step) {
  if (!ask || typeof ask.showModal !== "function") return Promise.resolve(window.confirm(question));
  ask.querySelector("#ask-text").textContent = question;
  const yes = ask.querySelector('[value="yes"]');
  yes.dataset.plain ??= yes.textContent;
  yes.textContent = step?.firstChild?.textContent.trim() || yes.dataset.plain;
  yes.classList.toggle("danger", Boolean(step?.classList.contains("danger")));
  yes.classList.toggle("main", !step?.classList.contains("danger"));
  ask.returnValue = "no";
  ask.showModal();
  return new Promise((resolve) => {
    ask.addEventListener("close", () => resolve(ask.returnValue === "yes"), { once: true });
  });
}

/** Ask first where the form or its button carries a question, then submit as if nothing had been in between. */
async function confirmFirst(event) {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) {
    delete form.dataset.confirmed;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await answer(question, event.submitter)) {
    form.dataset.confirmed = "yes";
    form.requestSubmit(event.submitter);
  }
}

/** Let a form be sent once: a second tap on a slow line is not a second ticket. */
function submitOnce(event) {
  const form = event.target;
  if (!form.hasAttribute("data-once") || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-disabled", "true");
  setTimeout(() => release(form), 15000); // an answer that has not come by then may be asked for again
}

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
}

document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
document.addEventListener("submit", confirmFirst, true);
document.addEventListener("submit", submitOnce);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) window.print();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release);
});
document.querySelector("[data-focus]")?.focus();

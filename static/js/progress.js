/* Work under way: the block asks for itself every second until it says that it is done. */

const second = 1000;
const longest = 15 * second;

async function fragment(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html", "HX-Request": "true" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-progress]");
}

/** Resolve after so many milliseconds, or at once when somebody looks at the page again. */
function looked(wait) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    document.addEventListener("visibilitychange", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Replace the block by its newer self; wait longer after a failure, and not at all once it is done. */
async function follow(block, wait = second) {
  const { url } = block.dataset;
  if (!url || block.hasAttribute("data-done")) return;
  await looked(document.hidden ? longest : wait);
  if (!block.isConnected) return;
  try {
    const newer = await fragment(url);
    if (!newer) throw new Error("no block");
    if (newer.isEqualNode(block)) {
      follow(block);
      return;
    }
    block.replaceWith(newer);
    if (newer.hasAttribute("data-done") && newer.dataset.next) window.location.assign(newer.dataset.next);
    else follow(newer);
  } catch {
    follow(block, Math.min(wait * 2, longest));
  }
}

for (const block of document.querySelectorAll("[data-progress]")) follow(block);

/* What a bid comes to while it is typed: fen per tonne in, sentences out. Above zero the bidder pays. */

const lang = document.documentElement.lang || "zh-Hans-CN";
const two = new Intl.NumberFormat(lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const plain = new Intl.NumberFormat(lang, { maximumFractionDigits: 3 });

/** Read a figure as people type it: full-width digits, either minus, thousands commas; null if it is none. */
export function figure(text) {
  const read = (text ?? "").normalize("NFKC").replace(/[\u2212\u2013\u2014]/g, "-").replace(/[,\s]/g, "");
  return /^[-+]?(\d+\.?\d*|\.\d+)$/.test(read) ? Number(read) : null;
}

const yuan = (fen) => two.format(fen / 100).replace("-", "−");
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/**
 * What both sides come to, in fen per tonne; null where the freight is not known.
 *
 * A delivered price holds the freight, a price at the seller's gate does not, whoever carries.
 */
export function outcome(price, freight, deduction, delivered) {
  const paid = price - deduction;
  if (delivered) return { delivered: paid, net: freight === null ? null : paid - freight };
  return { delivered: freight === null ? null : paid + freight, net: paid };
}

function known(text) {
  return text === undefined || text === "" ? null : Number(text);
}

function follow(box) {
  const set = box.dataset;
  const price = document.getElementById(set.price);
  const tonnes = document.getElementById(set.tonnes);
  const out = (name) => box.querySelector(`[data-out="${name}"]`);
  const priceIsDelivered = () => {
    if (set.priceAt !== "carrier") return set.priceAt === "delivered";
    if (!set.transport) return false;
    const chosen = document.querySelector(`[name="${CSS.escape(set.transport)}"]:checked, select[name="${CSS.escape(set.transport)}"]`);
    return chosen?.value === set.sellerCarries;
  };
  const show = () => {
    const asked = figure(price.value);
    const quantity = figure(tonnes?.value);
    const unusual = out("unusual");
    if (asked === null) {
      out("say").textContent = set.wordEmpty;
      for (const name of ["delivered", "net", "total"]) out(name).textContent = "—";
      unusual.hidden = true;
      return;
    }
    const fen = Math.round(asked * 100);
    const [payer, payee] = fen > 0 ? [set.bidder, set.seller] : [set.seller, set.bidder];
    out("say").textContent = fen === 0 ? set.wordNothing : fill(set.wordPays, { payer, payee, yuan: yuan(Math.abs(fen)) });
    const { delivered, net } = outcome(fen, known(set.freight), known(set.deduction) ?? 0, priceIsDelivered());
    const perTonne = (value) => (value === null ? "—" : fill(set.wordPerT, { yuan: yuan(value) }));
    out("delivered").textContent = perTonne(delivered);
    out("net").textContent = perTonne(net);
    out("total").textContent =
      quantity === null ? "—" : fill(set.wordMonth, { payer, yuan: yuan(Math.abs(Math.round(fen * quantity))), tonnes: plain.format(quantity) });
    const usual = Math.abs(known(set.median) ?? 0);
    unusual.hidden = !(usual > 0 && fen !== 0 && (Math.abs(fen) > 5 * usual || Math.abs(fen) * 5 < usual));
    unusual.textContent = unusual.hidden ? "" : set.wordUnusual;
  };
  const form = price.form ?? document;
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  show();
}

for (const box of document.querySelectorAll("[data-bid]")) follow(box);
